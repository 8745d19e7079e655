package follow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// Options say how live logs are followed. The zero value is the default.
type Options struct {
	binlog.Options

	Plan    binlog.PlanOptions
	PollMax time.Duration // the longest time between two looks at the manifests; 0: 100 ms
	NoWatch bool          // nothing but polling, for file systems that announce no changes

	// Idle is how long to wait for something new in any of the logs, after which Next returns io.EOF. 0: for ever.
	Idle time.Duration

	// Want says which logs are followed. nil: all.
	Want func(*decode.Log) bool

	// Start says where a log begins. late: it was not there at the start, and Log.Start is all of it. nil: Log.Start.
	Start func(ctx context.Context, l *binlog.Log, late bool) (decode.Position, error)

	// Note is told what is odd, from the goroutine of Next. nil: nobody is.
	Note func(binlog.Note)
}

// Tail follows the logs of a live server: all that is committed, each log in its order, the logs interleaved. What is missing
// comes as a decode.Hole in its place; where the history was replaced that is a *decode.RewrittenError, after which comes the
// present history from its beginning.
//
// Next, Logs and Close are for one goroutine at a time, Stop and Status for any.
type Tail struct {
	options Options
	roots   []string
	pace    pace
	watch   *watcher
	timer   *time.Timer
	wait    func(context.Context, time.Duration) error

	trouble   trouble         // of the folders above the logs
	known     map[string]bool // folders of logs that are followed or not wanted
	turn      int             // the follower that is asked first
	mu        sync.Mutex      // of followers, against Status
	followers []*follower

	stopOnce sync.Once
	stop     chan struct{}
}

// Open begins to follow all logs in Pika's log folder, or in that of one DB; of each path, if there are several. A new
// server's folder may still be empty. Segments without a manifest are archives, which Find reads, and nothing to follow.
func Open(ctx context.Context, paths []string, o Options) (*Tail, error) {
	return open(ctx, paths, o, time.Now)
}

func open(ctx context.Context, paths []string, o Options, now func() time.Time) (*Tail, error) {
	if o.Note == nil {
		o.Note = func(binlog.Note) {}
	}
	t := &Tail{options: o, known: map[string]bool{}, stop: make(chan struct{}), timer: time.NewTimer(time.Hour)}
	t.wait = t.sleep
	var err error
	if t.watch, err = newWatcher(o.NoWatch); err != nil {
		t.noteNoWatch("", err)
	}
	t.pace = newPace(&t.options, now)
	if err := t.find(ctx, paths); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Next returns the next chunk of any log, a decode.Hole in the place of what is missing, or io.EOF after Stop and when Idle
// is over. It waits for the server to write. After a hole it continues when it is called again; any other error comes again.
func (t *Tail) Next(ctx context.Context) (decode.Chunk, error) {
	for {
		if t.stopped() {
			return decode.Chunk{}, t.end()
		}
		if err := t.lookAround(ctx); err != nil {
			return decode.Chunk{}, err
		}
		chunk, ok, err := t.round(ctx)
		if ok || err != nil {
			t.pace.news = t.pace.now()
			return chunk, err
		}
		if t.pace.over() && !t.waits() {
			return decode.Chunk{}, t.end()
		}
		if err := t.wait(ctx, t.pace.interval()); err != nil {
			return decode.Chunk{}, err
		}
	}
}

// waits reports whether a log is not read to its end, and may be in a moment.
func (t *Tail) waits() bool {
	now := t.pace.now()
	return slices.ContainsFunc(t.followers, func(f *follower) bool { return f.rest.waits(now) })
}

// end is io.EOF, or what kept logs from being read to their ends.
func (t *Tail) end() error {
	var errs []error
	for _, f := range t.followers {
		errs = append(errs, f.unreached())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return io.EOF
}

// round asks the logs in turn, starting after the one that has given something last. The trouble of one does not hold up the others.
func (t *Tail) round(ctx context.Context) (chunk decode.Chunk, ok bool, err error) {
	for range t.followers {
		f := t.followers[t.turn%len(t.followers)]
		t.turn = (t.turn + 1) % len(t.followers)
		f.tell()
		if f.trouble.waits(t.pace.now()) {
			continue
		}
		if chunk, ok, err = f.next(ctx); err != nil {
			err = f.suffer(err)
		} else {
			f.relieved()
		}
		if ok || err != nil {
			return chunk, ok, err
		}
	}
	return chunk, false, nil
}

// lookAround looks for what has changed besides the manifests, now and then.
func (t *Tail) lookAround(ctx context.Context) error {
	check, search := t.pace.due()
	if check {
		for _, f := range t.followers {
			if f.trouble.waits(t.pace.now()) {
				continue
			}
			if err := f.check(); err != nil && f.suffer(err) != nil {
				return err
			}
		}
	}
	if !search {
		return nil
	}
	err := t.discover(ctx, true)
	switch {
	case passing(err):
		t.trouble.meet(err, t.pace.now())
		if err := t.trouble.news(); err != nil {
			t.options.Note(binlog.Note{Kind: binlog.NoteTrouble, Text: "cannot look for new logs now, trying again: " + err.Error()})
		}
		return nil
	case err == nil:
		t.trouble.over()
	}
	return err
}

func (t *Tail) stopped() bool {
	select {
	case <-t.stop:
		return true
	default:
		return false
	}
}

// Stop makes Next return io.EOF.
func (t *Tail) Stop() { t.stopOnce.Do(func() { close(t.stop) }) }

// Close lets go of all files. The chunks that were handed out keep theirs until their Release.
func (t *Tail) Close() error {
	t.Stop()
	t.timer.Stop()
	err := t.watch.close()
	for _, f := range t.followers {
		err = errors.Join(err, f.close())
	}
	return err
}

// Logs are the logs that are followed, in the order in which they were found.
func (t *Tail) Logs() []*binlog.Log {
	logs := make([]*binlog.Log, len(t.followers))
	for i, f := range t.followers {
		logs[i] = f.log
	}
	return logs
}

// Status says how far each log is read and how far it goes, with a look at its folder of its own. Where that fails the
// status is that of the last look.
func (t *Tail) Status() ([]LogStatus, error) {
	t.mu.Lock()
	followers := t.followers
	t.mu.Unlock()
	list := make([]LogStatus, len(followers))
	var errs []error
	for i, f := range followers {
		var err error
		list[i], err = f.status()
		errs = append(errs, err)
	}
	return list, errors.Join(errs...)
}

func (t *Tail) noteNoWatch(dir string, err error) {
	t.options.Note(binlog.Note{Kind: binlog.NoteNoWatch, Path: dir, Text: fmt.Sprintf("cannot watch the folder, polling it instead: %v", err)})
}
