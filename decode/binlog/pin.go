package binlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/gofrs/flock"

	"pikabin/decode"
)

// Pins holds segments that are not delivered yet by hard links in a folder of our own, so that the server's purge
// cannot take them away from a slow reader. A link is made as soon as a segment is seen, by a goroutine that does
// not wait for the reading, and removed when the segment has been delivered. Until the server purges a segment its link takes no
// room; from then on it holds as much of the disk as the segment is long.
//
// The links of each log lie in a folder of its DB's name, as in the server's log folder. They survive the program, and the next
// one that pins into the folder takes them over.
type Pins struct {
	dir     string
	limit   int64
	warn    func(string)
	lock    *flock.Flock
	watcher *fsnotify.Watcher // nil where nothing can be watched
	stop    context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	logs map[*decode.Log]*pinned
}

// PinOptions say how segments are pinned.
type PinOptions struct {
	Dir   string       // on the file system of the logs, and not in their folders
	Limit int64        // bytes that links may hold which the server has purged; 0: no bound
	Warn  func(string) // takes a line for the user, from any goroutine
}

// pinInterval is how often new segments are looked for where nothing tells of them.
const pinInterval = 200 * time.Millisecond

// lockName is the file in the folder of the pins that says that it is in use.
const lockName = ".pikabin.lock"

// NewPins makes the folder if it is not there. A folder that another program pins into is an error. Pinning goes
// on until Close, or the end of the context.
func NewPins(ctx context.Context, o PinOptions) (*Pins, error) {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("pinning: %w", err)
	}
	lock := flock.New(filepath.Join(o.Dir, lockName))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("pinning: locking %s: %w", o.Dir, err)
	case !ok:
		return nil, fmt.Errorf("pinning: %s is in use by another process: give each its own folder", o.Dir)
	}
	ctx, stop := context.WithCancel(ctx)
	p := &Pins{dir: o.Dir, limit: o.Limit, warn: o.Warn, lock: lock, stop: stop, logs: map[*decode.Log]*pinned{}}
	p.watcher, _ = fsnotify.NewWatcher() // the interval does without
	p.running.Go(func() { p.loop(ctx) })
	return p, nil
}

// Close stops pinning. The links stay where they are.
func (p *Pins) Close() error {
	p.stop()
	p.running.Wait()
	var err error
	if p.watcher != nil {
		err = p.watcher.Close()
	}
	return errors.Join(err, p.lock.Close())
}

// Follow pins the segments of a log from a position on, and from now on reads them through their links where the server
// has purged them. The epoch counts the histories of the log.
func (p *Pins) Follow(l *Log, from decode.Position, epoch uint32) error {
	dir := filepath.Join(p.dir, dbPrefix+l.id.DB)
	if l.id.Slot >= 0 {
		dir = filepath.Join(dir, strconv.Itoa(l.id.Slot))
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("%s: pinning: %w", l.id, err)
	}
	q := &pinned{id: l.id, source: l.dir, dir: dir, from: from.Segment, epoch: epoch, links: map[uint32]Segment{}}
	if err := q.adopt(); err != nil {
		return err
	}
	if err := q.scan(p.limit, p.warn); err != nil {
		return err
	}
	p.mu.Lock()
	p.logs[l.id] = q
	p.mu.Unlock()
	if p.watcher != nil {
		p.watcher.Add(l.dir) //nolint:errcheck,gosec // the interval does without
	}
	l.pinned = q
	return l.Refresh()
}

// Release lets go of the segments before a position, up to which all has been delivered. A position of an epoch that is over says
// nothing of the present segments.
func (p *Pins) Release(id *decode.Log, delivered decode.Position, epoch uint32) {
	if q := p.of(id); q != nil && q.isNow(epoch) {
		q.release(delivered.Segment)
	}
}

// Restart goes on in the next epoch: the history of a log has been replaced, and begins at a position which may be lower than
// what was delivered of the one before.
func (p *Pins) Restart(id *decode.Log, from decode.Position) {
	q := p.of(id)
	if q == nil {
		return
	}
	q.mu.Lock()
	q.epoch++
	q.mu.Unlock()
	q.release(from.Segment)
	p.scan()
}

func (p *Pins) of(id *decode.Log) *pinned {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logs[id]
}

// loop looks for new segments, whatever the reading does.
func (p *Pins) loop(ctx context.Context) {
	tick := time.NewTicker(pinInterval)
	defer tick.Stop()
	var events chan fsnotify.Event
	var failures chan error
	if p.watcher != nil {
		events, failures = p.watcher.Events, p.watcher.Errors
	}
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			if !event.Has(fsnotify.Create) {
				continue
			}
		case <-failures: //nolint:errcheck // an overflow: something has happened
		case <-tick.C:
		}
		p.scan()
	}
}

func (p *Pins) scan() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.logs {
		err := q.scan(p.limit, p.warn)
		if err != nil && (q.err == nil || q.err.Error() != err.Error()) {
			p.warn(err.Error())
		}
		q.err = err
	}
}

// pinned are the links of one log.
type pinned struct {
	id     *decode.Log
	source string // the server's folder
	dir    string // that of the links
	err    error  // of the last scan

	mu    sync.Mutex
	epoch uint32
	from  uint32 // segments below it are not needed any more
	links map[uint32]Segment
	near  bool // the user has been told that the limit is near
}

// adopt takes over the links that are there already.
func (q *pinned) adopt() error {
	f, err := readFolder(q.dir)
	if err != nil {
		return fmt.Errorf("%s: pinning: %w", q.id, err)
	}
	for _, s := range f.segments {
		q.links[s.Number] = s
	}
	q.release(q.from)
	return nil
}

// scan links what is new in the server's folder. What is purged between the listing and the link is for the reader to
// find out.
func (q *pinned) scan(limit int64, warn func(string)) error {
	f, err := readFolder(q.source)
	if err != nil {
		return fmt.Errorf("%s: pinning: %w", q.id, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range f.segments {
		if s.Number < q.from || s.Compression != Plain {
			continue
		}
		if err := q.link(s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return q.explain(err)
		}
	}
	q.bound(f, limit, warn)
	return nil
}

// link makes the link of a segment, in place of one to another file: the number has come again, with another history.
func (q *pinned) link(s Segment) error {
	path := filepath.Join(q.dir, filepath.Base(s.Path))
	if held, ok := q.links[s.Number]; ok {
		if same, err := sameFile(held.Path, s.Path); same || err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := os.Link(s.Path, path); err != nil {
		return err
	}
	q.links[s.Number] = Segment{Number: s.Number, Path: path, Size: s.Size}
	return nil
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y), err
}

func (q *pinned) explain(err error) error {
	if errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("%s: pinning: %s is not on the file system of %s: a hard link needs the same one", q.id, q.dir, q.source)
	}
	return fmt.Errorf("%s: pinning: %w", q.id, err)
}

// bound lets go of the oldest links while those that hold what the server has purged are over the limit.
func (q *pinned) bound(f *folder, limit int64, warn func(string)) {
	if limit <= 0 {
		return
	}
	held := int64(0)
	var numbers []uint32
	for _, n := range slices.Sorted(maps.Keys(q.links)) {
		if _, ok := findSegment(f.segments, n); ok {
			continue
		}
		if info, err := os.Stat(q.links[n].Path); err == nil {
			held += info.Size()
			numbers = append(numbers, n)
		}
	}
	for i, n := range numbers {
		if held <= limit {
			break
		}
		info, err := os.Stat(q.links[n].Path)
		if err != nil {
			continue
		}
		held -= info.Size()
		q.remove(n)
		warn(fmt.Sprintf("%s: PINNED SEGMENTS ARE OVER THE LIMIT of %d bytes: write2file%d is let go although it has not been delivered: "+
			"it will be reported as a gap; %d more are held", q.id, limit, n, len(numbers)-1-i))
	}
	if near := held > limit/5*4; near != q.near {
		q.near = near
		if near {
			warn(fmt.Sprintf("%s: pinned segments that the server has purged hold %d bytes, close to the limit of %d: the output is too slow", q.id, held, limit))
		}
	}
}

func (q *pinned) isNow(epoch uint32) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.epoch == epoch
}

// release removes the links below a segment. It may be lower than before, when the history of the log was replaced.
func (q *pinned) release(from uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.from = from
	for _, n := range slices.Sorted(maps.Keys(q.links)) {
		if n < q.from {
			q.remove(n)
		}
	}
}

func (q *pinned) remove(n uint32) {
	os.Remove(q.links[n].Path) //nolint:gosec // a link that is left over is taken over by the next run
	delete(q.links, n)
}

// merge adds to a listing of the server's folder what only the links still hold.
func (q *pinned) merge(f *folder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n, s := range q.links {
		if _, ok := findSegment(f.segments, n); ok {
			continue
		}
		if info, err := os.Stat(s.Path); err == nil {
			s.Size = info.Size()
			f.segments = append(f.segments, s)
			f.sort()
		}
	}
}

// path is that of the link of a segment.
func (q *pinned) path(number uint32) (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s, ok := q.links[number]
	return s.Path, ok
}
