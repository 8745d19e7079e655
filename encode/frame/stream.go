package frame

import "io"

// Stream makes one frame of many batches, each of which can be read as soon as it was appended: what a batch repeats of those before it
// costs next to nothing. It belongs to one goroutine.
type Stream struct {
	w    flusher
	dst  appended
	open bool
}

// flusher is what an encoder of a stream can do.
type flusher interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// NewStream gives a stream of the compressor, which is for nothing else from then on; nil if it makes frames of whole batches only.
func NewStream(c Compressor) *Stream {
	switch c := c.(type) {
	case zstdFrames:
		return &Stream{w: c.enc}
	case *gzipMembers:
		return &Stream{w: c.w}
	}
	return nil
}

// Append puts a batch into the frame, and what there is to be written of it to the end of dst. It cannot fail: the target is memory.
func (s *Stream) Append(dst, src []byte) []byte {
	s.dst = dst
	if !s.open {
		s.w.Reset(&s.dst)
		s.open = true
	}
	s.w.Write(src) //nolint:errcheck,gosec // appended takes everything
	s.w.Flush()    //nolint:gosec // the same
	return s.dst
}

// End ends the frame, if there is one. The next batch begins another one.
func (s *Stream) End(dst []byte) []byte {
	if !s.open {
		return dst
	}
	s.dst, s.open = dst, false
	s.w.Close() //nolint:gosec // the same
	return s.dst
}
