// Package file writes one file, which a later run can continue.
package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "file",
	Form:      "PATH",
	Doc:       "a file: overwritten, or continued with a state; devices and named pipes are appended to",
	Delivered: "written and synced; to a device or a pipe, written",
	Crash:     "with a state exactly once: the file is cut to what the state holds; to a device or a pipe at least once",
	Parse:     parse,
}

func parse(target string, _ map[string]string) (sink.Output, bool, error) {
	return output(target), target != "-" && !strings.HasSuffix(target, "/") && !strings.Contains(target, "://"), nil
}

// output is the path of the file.
type output string

// Target implements sink.Output.
func (o output) Target() sink.Target {
	return sink.Target{Paths: []string{string(o)}, File: string(o)}
}

// Identity implements sink.Output.
func (o output) Identity(context.Context, sink.Monitor) (string, error) {
	return vfs.RealPath(string(o))
}

// way is how a file is opened.
type way int

const (
	asDevice  way = iota // it is appended to, and cannot be cut
	continued            // where the state says that it ended
	made                 // or made empty
)

// plan decides how the file is opened, or refuses it. The info is nil where it is not there.
func (o output) plan(d *disk.Disk, e *sink.Env) (way, fs.FileInfo, error) {
	info, err := d.Stat(string(o))
	switch {
	case err == nil && !info.Mode().IsRegular():
		return asDevice, info, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return 0, nil, err
	case err != nil:
		info = nil
	}
	switch {
	case e.Resume && e.Note != nil:
		return continued, info, nil
	case e.Resume && info != nil && info.Size() > 0:
		return 0, nil, &sink.TargetError{Err: fmt.Errorf("output %s is there already, and the state is a new one: move the file away, or name another one", string(o))}
	}
	return made, info, nil
}

// Open implements sink.Output.
func (o output) Open(ctx context.Context, e sink.Env) (sink.Opened, error) {
	d, path := disk.New(&e), string(o)
	how, info, err := o.plan(d, &e)
	if err != nil {
		return sink.Opened{}, err
	}
	f := &file{disk: d, env: &e, Framed: disk.NewFramed(nil, e.Frames)}
	switch how {
	case asDevice:
		device, err := d.OpenDevice(ctx, path, info.Mode())
		if err != nil {
			return sink.Opened{}, err
		}
		return sink.Opened{Sink: device}, nil
	case continued:
		err = f.resume(ctx, path)
	case made:
		err = f.create(ctx, path, e.Resume || info == nil)
	}
	if err != nil {
		return sink.Opened{}, err
	}
	f.note = fileNote{f.Extent(), f.db}
	traits := sink.Traits{Loose: e.Live && e.Frames != nil}
	return sink.Opened{Sink: f, Traits: traits, Found: sink.Found{DB: f.db, NotEmpty: f.Length() > 0}}, nil
}

// fileNote is what the state holds.
type fileNote struct {
	disk.Extent
	DB string `json:"db,omitempty"`
}

// noteOf is what the state holds.
func noteOf(e *sink.Env, path string) (n fileNote, err error) {
	if err := json.Unmarshal(e.Note, &n); err != nil {
		return n, fmt.Errorf("the state's note of %s: %w", path, err)
	}
	return n, nil
}

// file is a stream into a file of our own, which a later run can continue.
type file struct {
	disk.Framed
	disk   *disk.Disk
	env    *sink.Env
	writes disk.Writes // whose lock is for the rest
	db     string      // that the output ends in
	log    *decode.Log // of the last batch
	note   fileNote    // of the last Flush
	saved  int64       // how long the file is by the state
	moved  time.Time   // when the file was first seen to be out of its place; zero: it is there
}

// create makes the file. The name of a new one is durable before anything is in it, and any name before a state counts on it.
func (f *file) create(ctx context.Context, path string, sync bool) (err error) {
	f.File, err = f.disk.Create(ctx, path)
	if err == nil && sync {
		err = f.disk.SyncDir(filepath.Dir(path))
	}
	return err
}

// resume continues where the note says.
func (f *file) resume(ctx context.Context, path string) (err error) {
	n, err := noteOf(f.env, path)
	if err != nil {
		return err
	}
	f.db, f.saved = n.DB, n.Length
	f.File, err = f.disk.Reopen(ctx, path, n.Extent)
	return err
}

// Write implements sink.Sink.
func (f *file) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	f.writes.Add(b, done, func() error {
		f.Mark()
		err := f.Add(ctx, b.Data, b.Loose)
		if err == nil {
			f.db, f.log = b.Log.DB, b.Log
		}
		return err
	}, f.Rewind)
}

// Flush syncs. The note is of the bytes that are there before, so that it never speaks of more than is durable. While the file is out
// of its place nothing is said to be durable, until a hangup tells that it is meant to be.
func (f *file) Flush(ctx context.Context, m sink.Moment) (note any, err error) {
	moved, err := f.isMoved()
	if err != nil {
		return nil, err
	}
	if moved && m == sink.Passing && f.waitsForHangup() {
		return f.note, nil
	}
	err = f.writes.Flush(func() (func() error, error) {
		f.Mark()
		if err := f.EndFrame(ctx); err != nil {
			return nil, errors.Join(err, f.Rewind())
		}
		switch {
		case moved && m == sink.Roll:
			return f.rotate(ctx)
		case moved:
			return nil, &sink.MovedError{Path: f.Path()}
		}
		f.note = fileNote{f.Extent(), f.db}
		return f.syncing(), nil
	})
	return f.note, err
}

// syncing gives what syncs the file, if there is anything to sync.
func (f *file) syncing() func() error {
	if !f.Unsynced() {
		return func() error { return nil }
	}
	return f.Sync
}

// Saved implements sink.Resumable.
func (f *file) Saved(_ context.Context, note any) error {
	f.writes.Lock()
	defer f.writes.Unlock()
	f.saved = note.(fileNote).Length
	return nil
}

// Due implements sink.Resumable.
func (*file) Due() <-chan struct{} { return nil }

// Close implements sink.Sink.
func (f *file) Close(context.Context) error {
	f.writes.Close()
	return f.File.Close()
}
