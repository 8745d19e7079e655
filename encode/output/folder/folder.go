// Package folder writes parts into a folder, each of which appears when it is complete.
package folder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "folder",
	Form:      "DIR/",
	Doc:       "a folder of parts, each of which appears when it is complete",
	Delivered: "written and synced",
	Crash:     "with a state exactly once: an unfinished part is cut to what the state holds",
	Matches:   func(target string) bool { return strings.HasSuffix(target, "/") && !strings.Contains(target, "://") },
	Open:      open,
}

// maxOpen is how many partitions are written at a time: hours that overlap, and some that clocks gone wrong have made.
const maxOpen = 16

// lockName is the file that says that a folder is written to.
const lockName = ".pikabin.lock"

// folder writes parts. A part has a hidden name until the state is saved that says that it is complete: from then on
// whoever comes later will not write it again, and consumers may see it.
type folder struct {
	*disk.Disk
	dir    string
	ext    string
	roll   sink.Roll
	resume bool
	owner  string // the path of the state; empty: there is none
	frames sink.Framer
	header func(*decode.Log) []byte
	now    func() time.Time
	unlock func() error
	rolled chan struct{}

	mu       sync.Mutex
	open     map[string]*part  // by key
	complete []*part           // in the order in which they became so, until they are shown
	last     map[string]string // the name of the last part, by key
	writes   int
	shown    uint64  // how often parts became complete, in all runs of the state
	err      error   // of a write: what the parts end in is no whole batch; or of a sync: what they hold is not durable
	touched  []*part // by the batch that is being written
}

func open(o sink.Options) (sink.Sink, error) {
	f := &folder{
		Disk: disk.New(&o), dir: filepath.Clean(o.Target), ext: o.Ext, roll: o.Roll, resume: o.Resume, owner: o.Owner, frames: o.Frames,
		header: func(*decode.Log) []byte { return nil }, now: time.Now, rolled: make(chan struct{}, 1), open: map[string]*part{},
		last: map[string]string{},
	}
	ctx := context.Background()
	if err := f.MakeDir(ctx, f.dir); err != nil {
		return nil, err
	}
	var err error
	if f.unlock, err = f.Lock(filepath.Join(f.dir, lockName)); errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%s is being written to by another process", f.dir)
	} else if err != nil {
		return nil, err
	}
	if err := f.begin(ctx, o.Note); err != nil {
		return nil, errors.Join(err, f.closeAll())
	}
	return f, nil
}

// folderNote is what the state holds.
type folderNote struct {
	Open     []partNote `json:"open,omitempty"`
	Complete []partNote `json:"complete,omitempty"` // and perhaps not yet shown
	Shown    uint64     `json:"shown,omitempty"`    // how often there were some
}

// begin continues where a note says, and removes what no state knows of.
func (f *folder) begin(ctx context.Context, note json.RawMessage) error {
	var n folderNote
	switch {
	case note != nil:
		if err := json.Unmarshal(note, &n); err != nil {
			return fmt.Errorf("the state's note of %s: %w", f.dir, err)
		}
	case f.resume:
		if err := f.walk(f.dir, f.refuse); err != nil {
			return err
		}
	}
	known := map[string]bool{}
	for _, p := range slices.Concat(n.Open, n.Complete) {
		known[f.path(hidden(p.Name))] = true
	}
	if err := f.checkOwner(n.Shown, note != nil, known); err != nil {
		return err
	}
	f.shown = n.Shown
	if err := f.writeOwner(ctx, n.Shown); err != nil {
		return err
	}
	if err := f.takeUp(ctx, &n); err != nil {
		return err
	}
	return f.walk(f.dir, func(path string) error {
		if !ours.MatchString(filepath.Base(path)) || known[path] {
			return nil
		}
		return f.Remove(path)
	})
}

// takeUp shows the parts that a note says are complete, which a crash may have done already, and continues with those that are open.
func (f *folder) takeUp(ctx context.Context, n *folderNote) error {
	for _, p := range n.Complete {
		if err := f.show(ctx, p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, p := range n.Open {
		g, err := f.ReopenOwn(ctx, f.path(hidden(p.Name)), p.End)
		if err != nil {
			return err
		}
		f.open[p.Key], f.last[p.Key] = &part{File: g, loose: frame.NewGather(f.frames), partNote: p, named: true, began: f.now(), wrote: f.now()}, p.Name
	}
	return nil
}

// refuse does not let a new state write among parts that it knows nothing of.
func (*folder) refuse(path string) error {
	if name := filepath.Base(path); !seen.MatchString(name) {
		return nil
	}
	return &sink.TargetError{Err: fmt.Errorf("%s is there already, and the state is a new one: move the parts away, or name another folder", path)}
}

// walk visits the files of the folder and of its partitions.
func (f *folder) walk(dir string, visit func(path string) error) error {
	entries, err := f.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() && isPartition(e.Name()):
			err = f.walk(path, visit)
		case e.Type().IsRegular():
			err = visit(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isPartition(name string) bool {
	return strings.HasPrefix(name, "db=") || strings.HasPrefix(name, "dt=") || strings.HasPrefix(name, "hr=")
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// SetHeader says what every part of a log begins with.
func (f *folder) SetHeader(header func(*decode.Log) []byte) { f.header = header }

func (f *folder) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	f.mu.Lock()
	var err error
	pieces := pieces(b)
	f.touched = f.touched[:0]
	for i := range pieces {
		if err = f.writePiece(ctx, b, &pieces[i]); err != nil {
			break
		}
	}
	switch {
	case err == nil:
		f.writes++
	case sink.EndedFull(err) && f.back() == nil: // the parts end in whole batches again
	default:
		f.err = cmp.Or(f.err, err)
	}
	f.mu.Unlock()
	done(err)
}

// touch notes where a part ends before the batch, and that back has to look at it.
func (f *folder) touch(p *part) {
	if !slices.Contains(f.touched, p) {
		p.mark()
		f.touched = append(f.touched, p)
	}
}

// back takes out of the parts what the batch has put there. A part that it has begun goes.
func (f *folder) back() error {
	for _, p := range f.touched {
		if p.Marked() > 0 {
			if err := p.rewind(); err != nil {
				return err
			}
			continue
		}
		if f.open[p.Key] == p {
			delete(f.open, p.Key)
		}
		f.complete = slices.DeleteFunc(f.complete, func(c *part) bool { return c == p })
		if err := errors.Join(p.Close(), f.Remove(p.Path())); err != nil {
			return err
		}
	}
	return nil
}

// writePiece appends to the part that is open, if the piece belongs there, else to a new one.
func (f *folder) writePiece(ctx context.Context, b *sink.Batch, piece *sink.Piece) error {
	key := partKey(b.Log, piece.Hour, f.roll.Hive)
	p := f.open[key]
	if p != nil && (p.At != piece.Begin.Segment || p.Epoch != b.Epoch) {
		f.finish(p)
		p = nil
	}
	if p == nil {
		var err error
		if p, err = f.create(ctx, key, b, piece); err != nil {
			return err
		}
	}
	f.touch(p)
	if err := p.add(ctx, piece.Data, b.Loose); err != nil {
		return err
	}
	p.Hour, p.wrote = max(p.Hour, piece.Hour), f.now() // of two hours when the clocks are put back, which have one name
	if f.roll.Size > 0 && p.size() >= f.roll.Size {
		f.finish(p)
	}
	f.finishOver(b.Log, piece.Last)
	return nil
}

// finishOver completes the parts of a log of which the hour is over when it has come to a time. It goes by the events alone, so
// that the same ones give the same parts.
func (f *folder) finishOver(log *decode.Log, unix int64) {
	if unix == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(f.open)) {
		if p := f.open[key]; p.over(unix) && key == partKey(log, p.Hour, f.roll.Hive) {
			f.finish(p)
		}
	}
}

// create begins a part.
func (f *folder) create(ctx context.Context, key string, b *sink.Batch, piece *sink.Piece) (*part, error) {
	f.makeRoom()
	name, err := f.freeName(key, b, piece)
	if err != nil {
		return nil, err
	}
	path := f.path(hidden(name))
	if err := f.MakeDir(ctx, filepath.Dir(path)); err != nil {
		return nil, err
	}
	g, err := f.CreateOwn(ctx, path)
	if err != nil {
		return nil, err
	}
	p := &part{File: g, loose: frame.NewGather(f.frames), partNote: partNote{Name: name, Key: key, Epoch: b.Epoch, At: piece.Begin.Segment}, began: f.now()}
	f.open[key], f.last[key] = p, name
	f.touch(p)
	return p, p.Write(ctx, f.header(b.Log))
}

// makeRoom completes the part that was begun first, when there are too many.
func (f *folder) makeRoom() {
	if len(f.open) < maxOpen {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Values(f.open)), func(a, b *part) int {
		return cmp.Or(a.began.Compare(b.began), strings.Compare(a.Name, b.Name))
	})
	f.finish(oldest)
}

// freeName is the name of a new part. An event that stands for a missing range has the position of the record after
// it, so that the part before may have the same one.
func (f *folder) freeName(key string, b *sink.Batch, piece *sink.Piece) (string, error) {
	for again := 0; ; again++ {
		name := partName(b, piece, f.roll.Hive, again, f.ext)
		if f.last[key] == name {
			continue
		}
		if !f.resume {
			return name, nil
		}
		if _, err := f.Stat(f.path(name)); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		} else if err != nil {
			return "", err
		}
	}
}

// finish completes a part.
func (f *folder) finish(p *part) {
	delete(f.open, p.Key)
	f.complete = append(f.complete, p)
	select {
	case f.rolled <- struct{}{}:
	default:
	}
}

func (f *folder) Rolled() <-chan struct{} { return f.rolled }

func (f *folder) Close(context.Context) error { return f.closeAll() }

func (f *folder) closeAll() error {
	var errs []error
	for _, p := range f.open {
		errs = append(errs, p.Close())
	}
	for _, p := range f.complete {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, f.unlock())...)
}
