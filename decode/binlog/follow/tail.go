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
	"pikabin/decode/binlog/follow/discovery"
	"pikabin/decode/binlog/follow/patience"
	"pikabin/decode/binlog/follow/watch"
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

	// Start says where the reading of a log begins, and what is missing before that, which comes out of Next first. late: the log
	// was not there at the start, and Log.Start is all of it. nil: Log.Start.
	Start func(ctx context.Context, l *binlog.Log, late bool) (from decode.Position, before decode.Hole, err error)

	// Note is told what is odd, from the goroutine of Next. nil: nobody is.
	Note func(binlog.Oddity)
}

// Tail follows the logs of a live server: all that is committed, each log in its order, the logs interleaved. What is missing
// comes in its place; where the history was replaced that is a *decode.RewrittenError, after which comes the present history from
// its beginning.
//
// Next, Logs and Close are for one goroutine at a time, Stop and Status for any.
type Tail struct {
	options Options
	finder  discovery.Finder
	pace    pace
	watch   *watch.Watcher
	timer   *time.Timer
	wait    func(context.Context, time.Duration) error

	trouble   patience.Trouble // of the folders above the logs
	turn      int              // the follower that is asked first
	hurried   bool             // what has failed was tried once more before the end
	mu        sync.Mutex       // of followers, against Status
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
		o.Note = func(binlog.Oddity) {}
	}
	t := &Tail{options: o, stop: make(chan struct{}), timer: time.NewTimer(time.Hour)}
	t.finder = discovery.Finder{Options: o.Options, Want: o.Want, Note: o.Note, Now: now, Take: t.follow}
	t.wait = t.sleep
	var err error
	if t.watch, err = watch.New(o.NoWatch); err != nil {
		t.noteNoWatch("", err)
	}
	t.pace = newPace(&t.options, now)
	roots, err := t.finder.Start(paths)
	for _, root := range roots {
		t.watchDir(root)
	}
	if err == nil {
		err = t.finder.Look(ctx, false)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// follow takes up a log.
func (t *Tail) follow(ctx context.Context, l *binlog.Log, late bool) error {
	start, before, err := t.start(ctx, l, late)
	if err != nil {
		return err
	}
	for _, o := range l.Oddities() {
		t.options.Note(o)
	}
	t.watchDir(l.Dir())
	f := newFollower(l, start, before, t.options.Plan, t.options.Note, t.pace.now)
	f.stop = t.stop
	t.mu.Lock()
	t.followers = append(slices.Clip(t.followers), f)
	t.mu.Unlock()
	return nil
}

func (t *Tail) start(ctx context.Context, l *binlog.Log, late bool) (from decode.Position, before decode.Hole, err error) {
	if late {
		t.options.Note(binlog.Oddity{Kind: binlog.OddityAppeared, Log: l.ID(), Path: l.Dir(), Text: "a new log: reading it from " + l.Start().String()})
	}
	if t.options.Start == nil {
		return l.Start(), nil, nil
	}
	return t.options.Start(ctx, l, late)
}

// watchDir has the changes of a folder announced, if that can be had.
func (t *Tail) watchDir(dir string) {
	if err := t.watch.Add(dir); err != nil {
		t.noteNoWatch(dir, err)
	}
}

// Next returns the next chunk of any log, or io.EOF after Stop and when Idle is over. It waits for the server to write. An error
// comes again.
func (t *Tail) Next(ctx context.Context) (decode.Chunk, error) {
	for {
		if t.stopped() && !t.retryFailed() {
			return decode.Chunk{}, t.end()
		}
		if err := t.lookAround(ctx); err != nil {
			return decode.Chunk{}, err
		}
		chunk, ok, err := t.round(ctx)
		if ok || err != nil {
			t.pace.news, t.hurried = t.pace.now(), false
			return chunk, err
		}
		switch {
		case t.stopped():
			continue
		case t.pace.over() && !t.waits() && !t.retryFailed():
			return decode.Chunk{}, t.end()
		}
		if err := t.wait(ctx, t.pace.interval()); err != nil {
			return decode.Chunk{}, err
		}
	}
}

// waits reports whether a log is not read to its end, and may be in a moment.
func (t *Tail) waits() bool {
	return slices.ContainsFunc(t.followers, func(f *follower) bool { return f.rest.waits() && f.trouble.Err() == nil })
}

// retryFailed has what has failed tried once more at once, and reports whether there is any: a tail is not to end with trouble that is over.
func (t *Tail) retryFailed() bool {
	if t.hurried {
		return false
	}
	for _, f := range t.followers {
		t.hurried = f.trouble.Hurry() || t.hurried
	}
	for _, c := range t.finder.Closed() {
		t.hurried = c.Trouble.Hurry() || t.hurried
		t.pace.woken = true
	}
	return t.hurried
}

// end is io.EOF, or what kept logs from being read to their ends.
func (t *Tail) end() error {
	var errs []error
	for _, f := range t.followers {
		errs = append(errs, f.unreached())
	}
	for _, c := range t.finder.Closed() {
		errs = append(errs, &StuckError{Log: c.ID, Err: c.Trouble.Err()})
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
		if f.trouble.Waits(t.pace.now()) {
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
			if f.trouble.Waits(t.pace.now()) {
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
	err := t.finder.Look(ctx, true)
	switch {
	case patience.Passing(err):
		t.trouble.Meet(err, t.pace.now())
		if err := t.trouble.News(); err != nil {
			t.options.Note(binlog.Oddity{Kind: binlog.OddityTrouble, Text: "cannot look for new logs now, trying again: " + err.Error()})
		}
		return nil
	case err == nil:
		t.trouble.Over()
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
	err := t.watch.Close()
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
	list := make([]LogStatus, 0, len(followers))
	var errs []error
	for _, f := range followers {
		s, err := f.status()
		list, errs = append(list, s), append(errs, err)
	}
	for _, c := range t.finder.Closed() { // of which nothing but the trouble is known
		s := LogStatus{ID: c.ID, Dir: c.Dir}
		s.Trouble, s.TroubleSince = c.Trouble.State()
		list = append(list, s)
	}
	return list, errors.Join(errs...)
}

func (t *Tail) noteNoWatch(dir string, err error) {
	t.options.Note(binlog.Oddity{Kind: binlog.OddityNoWatch, Path: dir, Text: fmt.Sprintf("cannot watch the folder, polling it instead: %v", err)})
}
