package encode

import (
	"context"
	"io"
	"os"
)

func init() {
	registerSink(SinkType{
		Name:      "stdout",
		Form:      "-",
		Doc:       "standard output",
		Delivered: "the write returned",
		Crash:     "at least once",
		Matches:   func(target string) bool { return target == "-" },
		Open:      openStdout,
	})
}

// stream writes each batch before Write returns.
type stream struct{ w io.Writer }

func (s *stream) Write(_ context.Context, b *Batch, done func(error)) {
	_, err := s.w.Write(b.Data)
	done(err)
}

func (*stream) Close(context.Context) error { return nil }

// pipe is a stream into a pipe, whose reader may go away while there is nothing to write.
type pipe struct {
	stream
	gone  chan error
	close func()
}

// patient is a stream into a file of somebody else's, on a disk that may be full for a while.
type patient struct {
	stream
	disk *disk
}

func (p *patient) Write(ctx context.Context, b *Batch, done func(error)) {
	left := b.Data
	done(p.disk.retry(ctx, "standard output", func() error {
		n, err := p.w.Write(left)
		left = left[n:]
		return err
	}))
}

// openStdout watches a pipe, so that a tail of a silent log ends with its reader.
func openStdout(o SinkOptions) (Sink, error) {
	s := stream{w: o.Stdout}
	f, ok := o.Stdout.(*os.File)
	if !ok {
		return &s, nil
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.Mode().IsRegular():
		return &patient{stream: s, disk: newDisk(&o)}, nil
	case err != nil || info.Mode()&os.ModeNamedPipe == 0:
		return &s, nil //nolint:nilerr // what is wrong with it the first write will say
	}
	gone := make(chan error, 1)
	return &pipe{stream: s, gone: gone, close: watchReader(f, gone)}, nil
}

// Gone receives an error when the reader of the pipe has gone.
func (p *pipe) Gone() <-chan error { return p.gone }

func (p *pipe) Close(context.Context) error {
	p.close()
	return nil
}
