// Package stream writes to standard output.
package stream

import (
	"context"
	"io"
	"io/fs"
	"os"

	"pikabin/encode/disk"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "stdout",
	Form:      "-",
	Doc:       "standard output",
	Delivered: "the write returned",
	Crash:     "at least once",
	Settings:  []sink.Setting{sink.Standby},
	Parse: func(target string, given map[string]string) (sink.Output, bool, error) {
		return output{standby: given[sink.Standby.Name] == "true"}, target == "-", nil
	},
}

// output is standard output.
type output struct{ standby bool }

// Target implements sink.Output.
func (o output) Target() sink.Target { return sink.Target{Stdout: true, Standby: o.standby} }

// Identity implements sink.Output.
func (output) Identity(context.Context, sink.Monitor) (string, error) { return "-", nil }

// Open watches a pipe, so that a tail of a silent log ends with its reader. A tail into a file of somebody else's compresses each batch by
// itself: what is appended after a run that was killed can be read, which it cannot after half a frame.
func (output) Open(_ context.Context, e sink.Env) (sink.Opened, error) {
	w := writer{Writer: e.Stdout}
	mode := modeOf(e.Stdout)
	if f, ok := e.Stdout.(file); ok && mode.IsRegular() {
		return sink.Opened{Sink: &regular{file: f, disk: disk.New(&e)}}, nil
	}
	var traits sink.Traits
	if e.Live {
		w.frame = frame.NewStream(e.Frames)
		traits.Loose = w.frame != nil
	}
	if f, ok := e.Stdout.(*os.File); ok && mode&fs.ModeNamedPipe != 0 {
		failed := make(chan error, 1)
		traits.Failed = failed
		return sink.Opened{Sink: &pipe{writer: w, close: watchReader(f, failed)}, Traits: traits}, nil
	}
	return sink.Opened{Sink: &w, Traits: traits}, nil
}

// modeOf is what standard output is. If something is wrong with it the first write will say so.
func modeOf(stdout io.Writer) fs.FileMode {
	f, ok := stdout.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return fs.ModeIrregular
	}
	info, err := f.Stat()
	if err != nil {
		return fs.ModeIrregular
	}
	return info.Mode()
}

// writer writes each batch before Write returns.
type writer struct {
	io.Writer

	frame  *frame.Stream // of a tail that is compressed: a reader has each batch at once, and similar ones take little
	packed []byte        // buffer
	failed bool          // a write has; then nothing is added to what is there
}

// Write implements sink.Sink.
func (w *writer) Write(_ context.Context, b *sink.Batch, done func(error)) {
	err := w.write(b)
	b.Release()
	done(err)
}

func (w *writer) write(b *sink.Batch) error {
	if w.frame == nil {
		return w.put(b.Data)
	}
	if b.Loose {
		w.packed = w.frame.Append(w.packed[:0], b.Data)
		return w.put(w.packed)
	}
	if err := w.endFrame(); err != nil {
		return err
	}
	return w.put(b.Data)
}

func (w *writer) put(data []byte) error {
	_, err := w.Writer.Write(data)
	w.failed = w.failed || err != nil
	return err
}

// endFrame ends the frame that is open.
func (w *writer) endFrame() error {
	if w.packed = w.frame.End(w.packed[:0]); len(w.packed) == 0 {
		return nil
	}
	return w.put(w.packed)
}

// Close leaves the file to whoever opened it.
func (w *writer) Close(context.Context) error {
	if w.frame == nil || w.failed {
		return nil
	}
	return w.endFrame()
}

// pipe is a stream into a pipe, whose reader may go away while there is nothing to write.
type pipe struct {
	writer
	close func()
}

// Close ends the watch.
func (p *pipe) Close(ctx context.Context) error {
	p.close()
	return p.writer.Close(ctx)
}
