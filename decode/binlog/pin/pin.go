// Package pin holds segments of a live log by hard links. It is the one package of decode that makes files which stay.
package pin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
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
	fs      FS
	unlock  func() error
	watcher *fsnotify.Watcher // nil where nothing can be watched
	stop    context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	logs map[*decode.Log]*links
}

// Options say how segments are pinned.
type Options struct {
	Dir   string       // on the file system of the logs, and not in their folders
	Limit int64        // bytes that links may hold which the server has purged; 0: no bound
	Warn  func(string) // takes a line for the user, from any goroutine
	FS    FS
}

// FS is where folders, links and the lock are made.
type FS interface {
	Mkdir(name string, perm fs.FileMode) error
	Link(from, to string) error
	Remove(name string) error

	// Lock takes the lock that a file stands for, or gives an error at once.
	Lock(name string) (unlock func() error, err error)
}

// pinInterval is how often new segments are looked for where nothing tells of them.
const pinInterval = 200 * time.Millisecond

// lockName is the file in the folder of the pins that says that it is in use.
const lockName = ".pikabin.lock"

// New makes the folder if it is not there. A folder that another program pins into is an error. Pinning goes
// on until Close, or the end of the context.
func New(ctx context.Context, o Options) (*Pins, error) {
	if err := mkdirAll(o.FS, o.Dir); err != nil {
		return nil, fmt.Errorf("pinning: %w", err)
	}
	unlock, err := o.FS.Lock(filepath.Join(o.Dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("pinning: %s cannot be used: %w; give each process its own folder", o.Dir, err)
	}
	ctx, stop := context.WithCancel(ctx)
	p := &Pins{dir: o.Dir, limit: o.Limit, warn: o.Warn, fs: o.FS, unlock: unlock, stop: stop, logs: map[*decode.Log]*links{}}
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
	return errors.Join(err, p.unlock())
}

// Follow pins the segments of a log from a position on, and from now on reads them through their links where the server
// has purged them. The epoch counts the histories of the log. If the log was followed before, its links are taken over; nothing is linked
// for it meanwhile.
func (p *Pins) Follow(l *binlog.Log, from decode.Position, epoch uint32) error {
	dir := folder.DBPath(p.dir, l.ID())
	if err := mkdirAll(p.fs, dir); err != nil {
		return fmt.Errorf("%s: pinning: %w", l.ID(), err)
	}
	q := &links{fs: p.fs, id: l.ID(), source: l.Dir(), dir: dir, from: from.Segment, epoch: epoch, links: map[uint32]folder.Segment{}}
	if err := p.takeUp(q); err != nil {
		return err
	}
	if p.watcher != nil {
		p.watcher.Add(l.Dir()) //nolint:errcheck,gosec // the interval does without
	}
	return l.ReadThrough(q)
}

// takeUp begins to link, while no scan links into the same folder for those that q replaces.
func (p *Pins) takeUp(q *links) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := q.adopt(); err != nil {
		return err
	}
	if err := q.scan(p.limit, p.warn); err != nil {
		return err
	}
	p.logs[q.id] = q
	return nil
}

// Release lets go of the segments before a position, up to which all has been delivered. A position of an epoch that is over says
// nothing of the present segments.
func (p *Pins) Release(id *decode.Log, delivered decode.Position, epoch uint32) {
	if q := p.of(id); q != nil && q.isNow(epoch) {
		q.release(delivered.Segment)
	}
}

// Restart continues in the next epoch: the history of a log has been replaced, and begins at a position which may be lower than
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

// mkdirAll makes a folder and those above it, as far as they are not there.
func mkdirAll(fsys FS, dir string) error {
	err := fsys.Mkdir(dir, 0o750)
	if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		if err := mkdirAll(fsys, filepath.Dir(dir)); err != nil {
			return err
		}
		err = fsys.Mkdir(dir, 0o750)
	}
	if info, errStat := os.Stat(dir); errStat == nil && info.IsDir() {
		return nil
	}
	return err
}

func (p *Pins) of(id *decode.Log) *links {
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
