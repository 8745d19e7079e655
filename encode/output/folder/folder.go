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
	"time"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// maxOpen is how many partitions are written at a time: hours that overlap, and some that clocks gone wrong have made.
const maxOpen = 16

// folder writes parts. A part has a hidden name until the state is saved that says that it is complete: from then on
// whoever comes later will not write it again, and consumers may see it.
type folder struct {
	*disk.Disk
	Settings
	dir    string // the staging folder
	store  Store
	sealer sink.Sealer // nil: what is written is the file
	env    *sink.Env
	now    func() time.Time
	unlock func() error
	due    chan struct{} // a part is complete
	forgot chan struct{} // one was shown

	writes   disk.Writes      // whose lock is for the rest
	open     map[string]*part // by key
	complete []*part          // in the order in which they became so, until they are shown
	given    names
	shown    uint64     // how often parts became complete, in all runs of the state
	counted  folderNote // at the last flush that has counted anything, of a shared state
	left     []partNote // parts of other hosts that are counted and not here
	touched  []*part    // by the batch that is being written
	before   names      // those given before it
	seals    sealing
	readiness
}

// Open opens the output into a store that stages its parts in dir, and continues where the state says. Parts that are open are files of dir, and what
// became of them in the store is no more looked at. It locks dir.
func Open(ctx context.Context, dir string, s Settings, store Store, e *sink.Env) (sink.Opened, error) {
	f, err := open(ctx, dir, s, store, e)
	if err != nil {
		return sink.Opened{}, err
	}
	t := sink.Traits{PerLog: true, Loose: e.Live && e.Frames != nil, Zone: s.zone, Whole: f.sealAll}
	if !e.Resume {
		t.Shown = f.shownMarks
	}
	return sink.Opened{Sink: f, Traits: t}, nil
}

func open(ctx context.Context, dir string, s Settings, store Store, e *sink.Env) (*folder, error) {
	f := &folder{
		readiness: readiness{hours: map[string]waiting{}, latest: map[string]int64{}},
		Disk:      disk.New(e), Settings: s, dir: dir, store: store, env: e, now: time.Now, due: make(chan struct{}, 1), forgot: make(chan struct{}, 1), open: map[string]*part{}, given: names{},
	}
	f.seals.begin(ctx)
	if err := f.MakeDir(ctx, f.dir); err != nil {
		return nil, err
	}
	var err error
	if e.Seal != nil {
		if f.sealer, err = e.Seal(s.zone != nil); err != nil {
			return nil, err
		}
	}
	if err := f.lock(); err != nil {
		return nil, err
	}
	if err := f.begin(ctx, e.Note); err != nil {
		return nil, errors.Join(err, f.closeAll())
	}
	return f, nil
}

// folderNote is what the state holds.
type folderNote struct {
	Open     []partNote `json:"open,omitempty"`
	Complete []partNote `json:"complete,omitempty"` // and perhaps not yet shown
	Left     []partNote `json:"left,omitempty"`     // of other hosts, which show them when they are back
	Shown    uint64     `json:"shown,omitempty"`    // how often there were some
	Given    names      `json:"given,omitempty"`    // that the next part could have, too

	Hours map[string]int64 `json:"hours,omitempty"` // that are not complete, by their folders, if somebody wants to know
	Ready []string         `json:"ready,omitempty"` // that are, and perhaps not yet told
}

// examine reads a note, and refuses a folder that belongs to another one. The paths are those that the note knows of. Nothing is changed.
func (f *folder) examine(ctx context.Context, note json.RawMessage) (n folderNote, known map[string]bool, err error) {
	switch {
	case note != nil:
		if err := json.Unmarshal(note, &n); err != nil {
			return n, nil, fmt.Errorf("the state's note of %s: %w", f.dir, err)
		}
	case f.env.Resume:
		if err := f.refuse(ctx); err != nil {
			return n, nil, err
		}
	default:
		if err := f.refuseMerged(); err != nil {
			return n, nil, err
		}
	}
	known = map[string]bool{}
	for _, p := range slices.Concat(n.Open, n.Complete, n.Left) {
		known[f.path(p.hidden())], known[f.path(p.sealed())] = true, true
	}
	return n, known, f.checkOwner(ctx, n.Shown, note != nil, known)
}

// begin continues where a note says, and removes what no state knows of.
func (f *folder) begin(ctx context.Context, note json.RawMessage) error {
	n, known, err := f.examine(ctx, note)
	if err != nil {
		return err
	}
	f.shown = n.Shown
	if err := f.writeOwner(ctx, n.Shown); err != nil {
		return err
	}
	if err := f.takeUp(ctx, &n); err != nil {
		return err
	}
	return Walk(f.Disk, f.dir, func(path string) error {
		if known[path] || !f.isRest(filepath.Base(path)) {
			return nil
		}
		return f.Remove(path)
	})
}

// isRest tells a hidden file of an earlier run. Where the state is shared, that of a later one is none, which this one has not heard of yet.
func (f *folder) isRest(name string) bool {
	return hiddenPattern.MatchString(name) && (!f.whole() || TermOf(name) < f.env.Term)
}

// takeUp shows the parts that a note says are complete, which a crash may have done already, and continues with those that are open.
func (f *folder) takeUp(ctx context.Context, n *folderNote) error {
	for _, p := range slices.Concat(n.Left, n.Complete) {
		err := f.show(ctx, &p)
		if errors.Is(err, fs.ErrNotExist) {
			err = f.miss(ctx, &p)
		}
		if err != nil {
			return err
		}
	}
	f.ready = n.Ready
	if err := f.tellAll(ctx, slices.Clone(n.Ready)); err != nil {
		return err
	}
	for dir, hour := range n.Hours {
		f.hours[dir] = waiting{hour: hour, wrote: f.now()}
	}
	maps.Copy(f.given, n.Given)
	if err := f.undisturbed(ctx, func() error { return f.reopen(ctx, n.Open) }); err != nil {
		return err
	}
	f.counted = f.noted()
	return nil
}

// reopen continues with parts that are open.
func (f *folder) reopen(ctx context.Context, open []partNote) error {
	for _, p := range open {
		g, err := f.ReopenOwn(ctx, f.path(p.hidden()), p.End)
		if err != nil {
			return err
		}
		f.open[p.Key] = &part{Framed: disk.NewFramed(g, f.env.Frames), partNote: p, named: true, began: f.now(), wrote: f.now()}
		if _, ok := f.given[p.Key]; !ok {
			f.given[p.Key] = idOf(&p) // for notes of before there were names in them
		}
	}
	return nil
}

// refuse does not let a new state write among parts that it knows nothing of.
func (f *folder) refuse(ctx context.Context) error {
	for name, err := range f.store.Names(ctx) {
		if err != nil {
			return err
		}
		return &sink.TargetError{Err: fmt.Errorf("%s is there already, and the state is a new one: move the parts away, or name another folder", f.path(name))}
	}
	return nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// Write implements sink.Sink.
func (f *folder) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	if !b.Portion {
		f.await(ctx)
	}
	f.writes.Add(b, done, func() error { return f.writePieces(ctx, b) }, f.rewind)
}

func (f *folder) writePieces(ctx context.Context, b *sink.Batch) error {
	f.touched, f.before = f.touched[:0], maps.Clone(f.given)
	pieces := pieces(b)
	for i := range pieces {
		if err := f.writePiece(ctx, b, &pieces[i]); err != nil {
			return err
		}
	}
	f.given.passed(b)
	f.sealNext()
	return nil
}

// touch notes where a part ends before the batch, and that rewind has to look at it.
func (f *folder) touch(p *part) {
	if !slices.Contains(f.touched, p) {
		p.fresh = false
		p.Mark()
		f.touched = append(f.touched, p)
	}
}

// rewind takes out of the parts what the batch has put there. A part that it has begun goes.
func (f *folder) rewind() error {
	f.given = f.before
	for _, p := range f.touched {
		if !p.fresh {
			if err := p.Rewind(); err != nil {
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
	key := partKey(b.Log, piece.Hour, f.zone)
	p := f.open[key]
	if p != nil && (p.Epoch != b.Epoch || p.Hour == 0 && p.At != piece.Begin.Segment) { // an hour has one part, whatever segments it is in
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
	if err := p.Add(ctx, piece.Data, b.Loose); err != nil {
		return err
	}
	f.sees(p, b, piece)
	p.Hour, p.wrote = max(p.Hour, piece.Hour), f.now() // of two hours when the clocks are put back, which have one name
	if f.rollSize > 0 && p.Size() >= f.rollSize {
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
		if p := f.open[key]; p.over(unix) && key == partKey(log, p.Hour, f.zone) {
			f.finish(p)
		}
	}
}

// create begins a part.
func (f *folder) create(ctx context.Context, key string, b *sink.Batch, piece *sink.Piece) (*part, error) {
	f.makeRoom()
	id, err := f.freeName(ctx, key, b, piece)
	if err != nil {
		return nil, err
	}
	n := partNote{Name: id.Name, Key: key, Epoch: b.Epoch, At: piece.Begin.Segment, Term: f.env.Term, Host: f.env.Host}
	g, err := f.stage(ctx, f.path(n.hidden()))
	if err != nil {
		return nil, err
	}
	p := &part{Framed: disk.NewFramed(g, f.env.Frames), partNote: n, began: f.now()}
	f.open[key], f.given[key] = p, id
	f.touch(p)
	p.fresh = true
	if err := p.Write(ctx, f.env.Head); err != nil {
		return nil, err
	}
	return p, p.Add(ctx, f.header(b.Log), f.env.Frames != nil)
}

// header is what a part of a log begins with.
func (f *folder) header(log *decode.Log) []byte {
	if f.env.Header == nil {
		return nil
	}
	return f.env.Header(log)
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

// freeName is the name of a new part, which no part has or has had.
func (f *folder) freeName(ctx context.Context, key string, b *sink.Batch, piece *sink.Piece) (partID, error) {
	id := partID{Log: b.Log.String(), Epoch: b.Epoch, At: piece.Begin, Again: f.given.next(key, b.Epoch, piece.Begin)}
	for ; ; id.Again++ {
		id.Name = partName(b, piece, f.zone, id.Again, f.env.Ext)
		if f.given[key].Name == id.Name {
			continue
		}
		if !f.env.Resume {
			return id, nil
		}
		if there, err := f.store.Has(ctx, id.Name); !there || err != nil {
			return id, err
		}
	}
}

// finish completes a part.
func (f *folder) finish(p *part) {
	delete(f.open, p.Key)
	f.complete = append(f.complete, p)
	wake(f.due)
}

// finishAll completes all parts.
func (f *folder) finishAll() {
	for _, p := range f.opened() {
		f.finish(p)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Due implements sink.Resumable.
func (f *folder) Due() <-chan struct{} { return f.due }

// Close implements sink.Sink.
func (f *folder) Close(context.Context) error {
	f.writes.Close()
	return f.closeAll()
}

func (f *folder) closeAll() error {
	f.seals.close()
	var errs []error
	for _, p := range f.open {
		errs = append(errs, p.Close())
		if f.whole() { // nothing counts it
			errs = append(errs, f.Remove(p.Path()))
		}
	}
	for _, p := range f.complete {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, f.unlock())...)
}
