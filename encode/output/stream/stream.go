// Package stream writes to standard output, and to what cannot be cut: pipes and devices.
package stream

import (
	"context"
	"io"
	"os"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "stdout",
	Form:      "-",
	Doc:       "standard output",
	Delivered: "the write returned",
	Crash:     "at least once",
	Matches:   func(target string) bool { return target == "-" },
	Open:      open,
}

// Writer writes each batch before Write returns.
type Writer struct{ io.Writer }

func (w *Writer) Write(_ context.Context, b *sink.Batch, done func(error)) {
	_, err := w.Writer.Write(b.Data)
	done(err)
}

// Close leaves the file to whoever opened it.
func (*Writer) Close(context.Context) error { return nil }

// pipe is a stream into a pipe, whose reader may go away while there is nothing to write.
type pipe struct {
	Writer
	gone  chan error
	close func()
}

// regular is a stream into a file of somebody else's, on a disk that may be full for a while.
type regular struct {
	Writer
	disk *disk.Disk
}

func (p *regular) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	left := b.Data
	done(p.disk.Retry(ctx, "standard output", func() error {
		n, err := p.Writer.Writer.Write(left)
		left = left[n:]
		return err
	}))
}

// open watches a pipe, so that a tail of a silent log ends with its reader.
func open(o sink.Options) (sink.Sink, error) {
	w := Writer{o.Stdout}
	f, ok := o.Stdout.(*os.File)
	if !ok {
		return &w, nil
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.Mode().IsRegular():
		return &regular{Writer: w, disk: disk.New(&o)}, nil
	case err != nil || info.Mode()&os.ModeNamedPipe == 0:
		return &w, nil //nolint:nilerr // what is wrong with it the first write will say
	}
	gone := make(chan error, 1)
	return &pipe{Writer: w, gone: gone, close: watchReader(f, gone)}, nil
}

// Gone receives an error when the reader of the pipe has gone.
func (p *pipe) Gone() <-chan error { return p.gone }

func (p *pipe) Close(context.Context) error {
	p.close()
	return nil
}

// Device is a stream into a file that cannot be cut, such as a named pipe.
type Device struct {
	Writer
	close func() error
}

// NewDevice gives a stream into a file, which it closes.
func NewDevice(file io.WriteCloser) *Device { return &Device{Writer: Writer{file}, close: file.Close} }

// Close closes the file.
func (d *Device) Close(context.Context) error { return d.close() }
