package object

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/units"
	"pikabin/encode/checkpoint"
	"pikabin/encode/disk"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/store"
	"pikabin/encode/sink"
)

// parallel is how many objects are sent at a time, each of another log.
const parallel = 4

// outbox is the folder.Store of the spool: a part that is complete by the state gets its name there, and is then sent. It is in the
// spool under its own name until its object is there, and from then on a mark says so, until a state is saved that does not wait for it.
type outbox struct {
	disk      *disk.Disk
	dir       string
	to        store.Store
	monitor   sink.Monitor
	limit     int64
	content   string // type
	id        string // of the spool
	checked   bool   // each name is asked for before it is written
	stateless bool   // no state is kept: no marks either
	hour      func(dir string) *folder.Hour

	life context.Context //nolint:containedctx // of what is sent beside the calls
	end  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	ready   bool // sending may begin
	waiting []*parcel
	bytes   int64           // of them
	sent    map[string]bool // what has a mark
	trouble error           // of the last attempt; nil: it was well
	told    bool            // of the trouble
	err     error           // that ended the sending
	failed  chan error
	changed chan struct{} // closed, and replaced, when anything of this changes
}

// parcel is a part that waits to be sent, or an hour that waits to be told.
type parcel struct {
	noted
	log     string // its own lane; empty: after everything that is before it, and before everything that is after it
	since   time.Time
	sending bool
}

// noted is what the state holds of a part that waits, or of an hour.
type noted struct {
	Name string `json:"name"` // an hour's is that of its folder, and ends in a slash
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

func newOutbox(o *opening, id string) *outbox {
	b := &outbox{
		disk: disk.New(o.env), dir: o.dir, to: o.store, monitor: o.env.Watched(), limit: o.limit, content: o.env.Content, id: id, checked: o.checked, stateless: !o.env.Resume,
		hour: func(dir string) *folder.Hour { return o.settings.Hour(dir, o.env.Stop) },
		sent: map[string]bool{}, failed: make(chan error, 1), changed: make(chan struct{}),
	}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// path is a part in the spool.
func (b *outbox) path(name string) string { return filepath.Join(b.dir, name) }

// mark is the empty file that says that a part has been sent.
func (b *outbox) mark(name string) string {
	dir, base := filepath.Split(name)
	return filepath.Join(b.dir, dir, "."+base+sentSuffix)
}

const sentSuffix = ".sent"

// Stage implements folder.Store. A spool is of one host.
func (*outbox) Stage(context.Context, string) error { return nil }

// Publish implements folder.Store.
func (b *outbox) Publish(ctx context.Context, staged, name string) error {
	name = filepath.ToSlash(name)
	to := b.path(name)
	err := b.disk.Retry(ctx, to, func() error { return b.disk.Rename(staged, to) })
	if errors.Is(err, fs.ErrNotExist) {
		return b.again(name)
	}
	if err == nil {
		err = b.disk.SyncDir(filepath.Dir(to))
	}
	if err != nil {
		return err
	}
	return b.measure(name)
}

// again is Publish of what an earlier run has published.
func (b *outbox) again(name string) error {
	if b.has(name) {
		return nil
	}
	err := b.measure(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return b.recall(name)
}

// recall finds the mark of a part that is not in the spool any more.
func (b *outbox) recall(name string) error {
	_, err := b.disk.Stat(b.mark(name))
	if errors.Is(err, fs.ErrNotExist) {
		return &LostSpoolError{Dir: b.dir, Text: name + ", which was complete and not sent yet, is not there"}
	}
	if err == nil {
		b.mu.Lock()
		b.sent[name] = true
		b.mu.Unlock()
	}
	return err
}

// measure adds a part of the spool to those that wait.
func (b *outbox) measure(name string) error {
	size, sum, err := measure(b.disk, b.path(name))
	if err != nil {
		return err
	}
	b.add(noted{Name: name, Size: size, Sum: sum})
	return nil
}

// resume takes up what waited when the state was saved.
func (b *outbox) resume(n noted) error {
	if n.isHour() {
		b.add(n)
		return nil
	}
	_, err := b.disk.Stat(b.path(n.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return b.recall(n.Name)
	case err != nil:
		return err
	}
	b.add(n)
	return nil
}

func (b *outbox) add(n noted) {
	p := &parcel{noted: n, since: time.Now()}
	p.log, _ = folder.SeriesOf(n.Name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, p)
	b.bytes += n.Size
	b.moved()
}

// Has implements folder.Store.
func (b *outbox) Has(_ context.Context, name string) (bool, error) {
	name = filepath.ToSlash(name)
	if b.has(name) {
		return true, nil
	}
	_, err := b.disk.Stat(b.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Names implements folder.Store: what is in the spool. What is in the store is looked at before the folder is opened.
func (b *outbox) Names(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := folder.Walk(b.disk, b.dir, func(path string) error {
			name, err := filepath.Rel(b.dir, path)
			if _, ok := folder.SeriesOf(name); err == nil && ok && !yield(name, nil) {
				err = fs.SkipAll
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.SkipAll) {
			yield("", err)
		}
	}
}

func (b *outbox) has(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent[name] || slices.ContainsFunc(b.waiting, func(p *parcel) bool { return p.Name == name })
}

// moved tells those who wait, and sends what may be sent now. The lock is held.
func (b *outbox) moved() {
	close(b.changed)
	b.changed = make(chan struct{})
	parts, _ := b.count()
	w := sink.Spooled{Parts: parts, Bytes: b.bytes, Err: b.trouble}
	if len(b.waiting) > 0 {
		w.Since = b.waiting[0].since
	}
	b.monitor.Spooled(w)
	if !b.ready || b.err != nil || b.life.Err() != nil {
		return
	}
	for _, p := range b.next() {
		p.sending = true
		b.work.Go(func() { b.deliver(p) })
	}
}

// next are the parts to be sent now: of each log the oldest, so that a consumer who remembers the last name that he took misses nothing.
func (b *outbox) next() (due []*parcel) {
	busy := map[string]bool{}
	under := 0
	for i, p := range b.waiting {
		switch {
		case under == parallel:
			return due
		case p.log == "" && i > 0:
			return due
		case !p.sending && !busy[p.log]:
			due = append(due, p)
			under++
		case p.sending:
			under++
		}
		if busy[p.log] = true; p.log == "" {
			return due
		}
	}
	return due
}

// start lets the sending begin.
func (b *outbox) start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = true
	b.moved()
}

// finished takes a part out of those that wait, once its object is there.
func (b *outbox) finished(p *parcel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(q *parcel) bool { return q == p })
	b.bytes -= p.Size
	if !b.stateless && !p.isHour() {
		b.sent[p.Name] = true
	}
	if b.told {
		b.monitor.Warn(b.to.String() + ": continues")
	}
	b.trouble, b.told = nil, false
	b.moved()
}

// failing says that an attempt has failed, and that there is another one.
func (b *outbox) failing(err error, attempt int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = err
	_, refused := errors.AsType[*store.RefusedError](err)
	_, command := errors.AsType[*commandError](err)
	parts, _ := b.count()
	if !b.told && (refused || command || attempt >= patientAttempts) {
		b.told = true
		b.monitor.Warn(fmt.Sprintf("%v; trying on for as long as it takes; %d parts, %s, wait in %s; nothing is lost", err, parts, units.FormatSize(b.bytes), b.dir))
	}
	b.moved()
}

// patientAttempts is how many fail before the user is told.
const patientAttempts = 3

// broken ends the sending, and the run.
func (b *outbox) broken(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		b.failed <- err
	}
	b.moved()
}

// room waits until the spool is below its limit. It fails with the sending, and with a sink.FullError when the run is to end first.
func (b *outbox) room(ctx context.Context, stop <-chan struct{}) error {
	for waited := false; ; waited = true {
		b.mu.Lock()
		err, full, changed := b.err, b.bytes >= b.limit, b.changed
		b.mu.Unlock()
		if err != nil || !full {
			if waited {
				b.monitor.Waits(nil)
			}
			return err
		}
		if !waited {
			b.monitor.Waits(errSpoolFull)
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
		case <-stop:
		}
		return &sink.FullError{Path: b.dir, Err: errSpoolFull}
	}
}

// state is what is to be noted: what waits, and the parts with a mark, which are older than that.
func (b *outbox) state() (waiting []noted, sent []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.waiting {
		waiting = append(waiting, p.noted)
	}
	return waiting, slices.Sorted(maps.Keys(b.sent))
}

// unsent moves the marks of logs back to where the parts begin that wait.
func (b *outbox) unsent(marks map[*decode.Log]checkpoint.Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.waiting {
		folder.Unshown(marks, p.Name)
	}
}

// forget removes marks that no state needs any more.
func (b *outbox) forget(names []string) error {
	for _, name := range names {
		if err := b.disk.Remove(b.mark(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		b.mu.Lock()
		delete(b.sent, name)
		b.mu.Unlock()
	}
	return nil
}

// empty waits until nothing waits to be sent. Once the run is to end that is given up at the first trouble, or after a while.
func (b *outbox) empty(ctx context.Context, stop <-chan struct{}) error {
	var late <-chan time.Time
	for {
		b.mu.Lock()
		err, left, trouble, changed := b.err, len(b.waiting), b.trouble, b.changed
		b.mu.Unlock()
		if err != nil || left == 0 || late != nil && trouble != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		case <-late:
			return nil
		case <-stop:
			stop, late = nil, time.After(lastTime)
		}
	}
}

// lastTime is how long the end of a run waits for what is being sent.
const lastTime = 20 * time.Second

// close ends what is being sent.
func (b *outbox) close() {
	b.mu.Lock()
	b.end()
	b.mu.Unlock()
	b.work.Wait()
	b.to.Close()
}
