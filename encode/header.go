package encode

import (
	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/formats"
)

// Header gives what an output of one log begins with, see sink.Env. What the format cannot say of the log is said where its first change
// is.
func (o *Options) Header() func(log *decode.Log) []byte {
	s, ok := o.Format.New(o.FormatOptions).(formats.Switcher)
	if !ok {
		return nil
	}
	return func(log *decode.Log) []byte {
		if log.DB == decode.FirstDB {
			return nil
		}
		plain, err := s.AppendSwitch(nil, log.DB)
		if err != nil {
			return nil
		}
		return plain
	}
}

// Head is what each file begins with, see sink.Env.
func (o *Options) Head() ([]byte, error) {
	switch file, err := o.file(); {
	case err != nil:
		return nil, err
	case file != nil:
		return file.AppendHead(nil), nil
	case o.Format.Head == "":
		return nil, nil
	}
	frames, err := o.Compression.NewCompressor()
	if err != nil {
		return nil, err
	}
	if frames == nil {
		return []byte(o.Format.Head), nil
	}
	return frames.AppendFrame(nil, []byte(o.Format.Head)), nil
}

// file makes what files of the format are made of; nil for formats without files of their own.
func (o *Options) file() (formats.File, error) {
	if o.Format.File == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	return o.Format.File(o.Compression.Codec())
}

// Schema is that of the messages, as text: empty where they have none, or are in an envelope.
func (o *Options) Schema() string {
	if o.FormatOptions.Envelope != "" {
		return ""
	}
	return o.Format.Schema
}

// Frames gives a goroutine what makes frames of messages; nil where a file is the messages as they are.
func (o *Options) Frames() (frame.Compressor, error) {
	if file, err := o.file(); file != nil || err != nil {
		return file, err
	}
	if o.Format.Seal != nil {
		return nil, nil //nolint:nilnil // what is kept until then is not compressed
	}
	return o.Compression.NewCompressor()
}

// Ext is what the names of files end in.
func (o *Options) Ext() string {
	if len(o.Format.Codecs) > 0 {
		return o.Format.Ext
	}
	return o.Format.Ext + o.Compression.Ext()
}
