package encode

import (
	"context"
	"io"
)

func init() {
	registerSink(SinkType{
		Name:      "stdout",
		Form:      "-",
		Doc:       "standard output",
		Delivered: "the write returned",
		Crash:     "at least once",
		Matches:   func(target string) bool { return target == "-" },
		Open:      func(o SinkOptions) (Sink, error) { return &stream{w: o.Stdout}, nil },
	})
}

// stream writes each batch before Write returns.
type stream struct{ w io.Writer }

func (s *stream) Write(_ context.Context, b *Batch, done func(error)) {
	_, err := s.w.Write(b.Data)
	done(err)
}

func (*stream) Close(context.Context) error { return nil }
