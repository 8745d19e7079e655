package encode

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
)

func init() {
	registerSink(SinkType{
		Name:      "file",
		Form:      "PATH",
		Doc:       "a file, which is replaced, or with a state gone on with; a device or a named pipe is written to",
		Delivered: "written and synced; to a device or a pipe, written",
		Crash:     "with a state exactly once: the file is cut to what the state holds; to a device or a pipe at least once",
		Matches: func(target string) bool {
			return target != "-" && !strings.HasSuffix(target, "/") && !strings.Contains(target, "://")
		},
		Open: openFile,
	})
}

func openFile(o SinkOptions) (Sink, error) {
	ctx := context.Background()
	d := newDisk(&o)
	info, err := d.Stat(o.Target)
	switch {
	case err == nil && !info.Mode().IsRegular():
		g, err := d.create(ctx, o.Target)
		return &device{stream: stream{w: g.file}, close: func() error { return g.file.Close() }}, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !o.Resume:
		g, err := d.create(ctx, o.Target)
		return &file{growing: g, db: firstDB}, err
	case o.Note == nil:
		if err == nil && info.Size() > 0 {
			return nil, &TargetError{fmt.Errorf("output %s is there already, and the state is a new one: move the file away, or name another one", o.Target)}
		}
		g, err := d.create(ctx, o.Target)
		if err == nil {
			err = d.SyncDir(filepath.Dir(o.Target))
		}
		return &file{growing: g, db: firstDB}, err
	}
	n := fileNote{DB: firstDB}
	if err := json.Unmarshal(o.Note, &n); err != nil {
		return nil, fmt.Errorf("the state's note of %s: %w", o.Target, err)
	}
	g, err := d.reopen(ctx, o.Target, n.extentNote)
	return &file{growing: g, db: n.DB}, err
}

// fileNote is what the state holds.
type fileNote struct {
	extentNote
	DB string `json:"db,omitempty"`
}

// device is a stream into what cannot be cut.
type device struct {
	stream
	close func() error
}

func (d *device) Close(context.Context) error { return d.close() }

// file is a stream into a file of our own, which a later run can go on with.
type file struct {
	mu sync.Mutex
	*growing
	db     string // that the output ends in
	writes int
	err    error // of a write: what the file ends in is no whole batch; or of a sync: what it holds is not durable
}

func (f *file) Write(ctx context.Context, b *Batch, done func(error)) {
	f.mu.Lock()
	f.begin()
	err := f.write(ctx, b.Data)
	switch {
	case err == nil:
		f.writes++
		f.db = b.Log.DB
	case endedFull(err) && f.back() == nil: // it ends in a whole batch again
	default:
		f.err = cmp.Or(f.err, err)
	}
	f.mu.Unlock()
	done(err)
}

// Flush syncs. The note is of the bytes that are there before, so that it never speaks of more than is durable.
func (f *file) Flush(ctx context.Context, _ bool) (note any, writes int, err error) {
	f.mu.Lock()
	note, writes, dirty, err := fileNote{f.note(), f.db}, f.writes, f.dirty, f.err
	f.dirty = false
	f.mu.Unlock()
	if err != nil {
		return nil, 0, err
	}
	if dirty {
		err = f.sync(ctx)
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
func (f *file) Begun() bool { return f.length > 0 }

func (*file) Kept(context.Context, any) error { return nil }

func (*file) Rolled() <-chan struct{} { return nil }

func (f *file) Close(context.Context) error { return f.file.Close() }
