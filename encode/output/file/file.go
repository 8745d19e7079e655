// Package file writes one file, which a later run can continue.
package file

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/frame"
	"pikabin/encode/output/stream"
	"pikabin/encode/sink"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "file",
	Form:      "PATH",
	Doc:       "a file, which is replaced, or with a state gone on with; a device or a named pipe is written to",
	Delivered: "written and synced; to a device or a pipe, written",
	Crash:     "with a state exactly once: the file is cut to what the state holds; to a device or a pipe at least once",
	Matches: func(target string) bool {
		return target != "-" && !strings.HasSuffix(target, "/") && !strings.Contains(target, "://")
	},
	Open: open,
}

func open(o sink.Options) (sink.Sink, error) {
	ctx := context.Background()
	d := disk.New(&o)
	info, err := d.Stat(o.Target)
	switch {
	case err == nil && !info.Mode().IsRegular():
		w, err := d.OpenWriter(ctx, o.Target)
		return stream.NewDevice(w), err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !o.Resume:
		g, err := d.Create(ctx, o.Target)
		return &file{File: g, loose: frame.NewGather(o.Frames), gathers: o.Frames != nil, db: decode.FirstDB}, err
	case o.Note == nil:
		if err == nil && info.Size() > 0 {
			return nil, &sink.TargetError{Err: fmt.Errorf("output %s is there already, and the state is a new one: move the file away, or name another one", o.Target)}
		}
		g, err := d.Create(ctx, o.Target)
		if err == nil {
			err = d.SyncDir(filepath.Dir(o.Target))
		}
		return &file{File: g, loose: frame.NewGather(o.Frames), gathers: o.Frames != nil, db: decode.FirstDB}, err
	}
	n := fileNote{DB: decode.FirstDB}
	if err := json.Unmarshal(o.Note, &n); err != nil {
		return nil, fmt.Errorf("the state's note of %s: %w", o.Target, err)
	}
	g, err := d.Reopen(ctx, o.Target, n.Extent)
	return &file{File: g, loose: frame.NewGather(o.Frames), gathers: o.Frames != nil, db: n.DB}, err
}

// fileNote is what the state holds.
type fileNote struct {
	disk.Extent
	DB string `json:"db,omitempty"`
}

// file is a stream into a file of our own, which a later run can go on with.
type file struct {
	mu sync.Mutex
	*disk.File
	loose   *frame.Gather // small batches, until they are a frame
	gathers bool
	db      string // that the output ends in
	writes  int
	err     error // of a write: what the file ends in is no whole batch; or of a sync: what it holds is not durable
}

func (f *file) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	f.mu.Lock()
	f.Mark()
	f.loose.Mark()
	err := f.add(ctx, b)
	switch {
	case err == nil:
		f.writes++
		f.db = b.Log.DB
	case sink.EndedFull(err) && f.rewind() == nil: // it ends in a whole batch again
	default:
		f.err = cmp.Or(f.err, err)
	}
	f.mu.Unlock()
	done(err)
}

// Gathers implements sink.Gatherer.
func (f *file) Gathers() bool { return f.gathers }

// add appends a batch: to the frame that is open, or, if it is a frame already, after the end of that.
func (f *file) add(ctx context.Context, b *sink.Batch) error {
	if b.Loose {
		if full := f.loose.Add(b.Data); !full {
			return nil
		}
		return f.end(ctx)
	}
	if err := f.end(ctx); err != nil {
		return err
	}
	return f.File.Write(ctx, b.Data)
}

// end ends the frame that is open.
func (f *file) end(ctx context.Context) error {
	if f.loose.Len() == 0 {
		return nil
	}
	return f.File.Write(ctx, f.loose.Take())
}

func (f *file) rewind() error {
	f.loose.Rewind()
	return f.Rewind()
}

// Flush syncs. The note is of the bytes that are there before, so that it never speaks of more than is durable.
func (f *file) Flush(ctx context.Context, _ bool) (note any, writes int, err error) {
	f.mu.Lock()
	if f.err == nil {
		f.Mark()
		f.loose.Mark()
		if err := f.end(ctx); err != nil {
			f.err = errors.Join(err, f.rewind())
		}
	}
	note, writes, dirty, err := fileNote{f.Extent(), f.db}, f.writes, f.Unsynced(), f.err
	f.mu.Unlock()
	if err != nil {
		return nil, 0, err
	}
	if dirty {
		err = f.Sync(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = cmp.Or(f.err, err)
		return nil, 0, err
	}
	f.writes -= writes
	return note, writes, nil
}

// DB implements Continued.
func (f *file) DB() string { return f.db }

// Begun implements Continued.
func (f *file) Begun() bool { return f.Length() > 0 }

func (*file) Kept(context.Context, any) error { return nil }

func (*file) Rolled() <-chan struct{} { return nil }

func (f *file) Close(context.Context) error { return f.File.Close() }
