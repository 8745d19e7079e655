// Package redis replays the log into a server: each change becomes the commands that do it, and every reply is looked at.
//
// Commands are sent in the order of the log. The sink has a session with the server as long as a connection lasts (plain.go, transaction.go with
// exactly-once, and scatter.go with a cluster). What a session leaves undone begins the next one.
//
// The connection is that of redigo, which logs in and understands replies. It is one of the libraries that let us write to the connection
// ourselves: the bytes of the commands are made by the format already, and go-redis and rueidis take arguments, which would be parsed out of them and written
// once more.
package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/sink"
)

// closeMargin is what the end of a run may take besides the option close-timeout.
const closeMargin = 10 * time.Second

// waiting is how many batches wait to be sent.
const waiting = 4

// replay sends the commands of each batch. A batch is done when the server has answered all of them.
type replay struct {
	o        *settings.Options
	dialer   *link.Dialer
	facts    *link.Facts
	seeds    []string // the hosts that are named, first the one that has told the facts
	monitor  sink.Monitor
	patience *link.Patience
	refused  *refusals
	limit    *rate.Limiter // nil: there is none

	deadlines *deadlines
	landed    func(context.Context, *link.Conn) error // nil: nobody has to know that deadlines are in effect

	// session sends units: those that the one before has left, and then those that come, until there are no more. It gives those that are
	// not delivered.
	session func(ctx context.Context, left []*unit) ([]*unit, error)

	lastIDs map[string]int64 // of the last connections, by address, of sessions without transactions
	name    string           // of the connections of runs with the same state; empty: there is none

	units      chan *unit
	over       chan struct{}   // closed when everything is delivered, or given up
	life       context.Context //nolint:containedctx // ends when the sink fails, whoever waits in it
	end        context.CancelCauseFunc
	stop       <-chan struct{} // closed when the run is to end
	broken     chan error      // receives the failure
	background sync.WaitGroup
	answered   atomic.Int64 // units
	all        bool         // what the run was to read is written

	mu      sync.Mutex
	failure error
	owners  []string // addresses of masters of a cluster, by slot, as far as they are known
}

// prepare makes what needs no server yet.
func prepare(o *settings.Options, e *sink.Env) (*replay, error) {
	dialer, err := link.NewDialer(o)
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	s := &replay{
		o: o, dialer: dialer, monitor: e.Watched(), patience: &link.Patience{Watcher: e.Watched(), Address: o.Hosts()},
		lastIDs: map[string]int64{}, units: make(chan *unit, waiting), over: make(chan struct{}), stop: e.Stop, broken: make(chan error, 1),
	}
	if o.Rate > 0 {
		s.limit = rate.NewLimiter(rate.Limit(o.Rate), int(min(max(o.Rate/10, 1), 10_000)))
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	s.deadlines = newDeadlines(o, e)
	return s, nil
}

// start begins to send.
func (s *replay) start() {
	if s.o.ExactlyOnce && s.facts.Evicts {
		s.monitor.Warn("redis: the server's maxmemory-policy removes any keys when it is full, those of positions too: set it to noeviction")
	}
	s.background.Go(s.watchStop)
	s.background.Go(s.landEach)
	go s.run()
}

// run has sessions until everything is delivered.
func (s *replay) run() {
	defer close(s.over)
	var left []*unit
	for {
		var err error
		if left, err = s.session(s.life, left); err == nil {
			return
		}
		if s.failed() == nil && link.Passes(err) {
			err = s.patience.Wait(s.life, err)
		}
		if err != nil {
			s.fail(err)
			s.giveUp(left)
			return
		}
	}
}

// giveUp ends what was not delivered, and what comes until the sink is closed.
func (s *replay) giveUp(left []*unit) {
	err := s.failed()
	for _, u := range left {
		u.end(err)
	}
	for u := range s.units {
		u.end(err)
	}
}

// watchStop ends what makes no progress once the run is to end.
func (s *replay) watchStop() {
	select {
	case <-s.stop:
	case <-s.over:
		return
	}
	tick := time.NewTicker(s.o.CloseTimeout)
	defer tick.Stop()
	for before := s.answered.Load(); ; {
		select {
		case <-tick.C:
		case <-s.over:
			return
		}
		now := s.answered.Load()
		if now == before {
			s.fail(fmt.Errorf("what was under way was not answered within %v (close-timeout)", s.o.CloseTimeout))
			return
		}
		before = now
	}
}

// Write implements sink.Sink. It blocks while several batches wait to be sent.
func (s *replay) Write(_ context.Context, b *sink.Batch, done func(error)) {
	db, err := s.o.NumberOf(b.Log.DB)
	if err != nil {
		s.fail(err)
	}
	u := newUnit(b, db, done)
	if s.facts.Server == settings.Redis && !s.facts.Cluster {
		u.flushOwn(s.deadlines.targets())
	}
	s.deadlines.take(u, time.Now())
	s.hand(u)
}

// hand gives a unit to the session.
func (s *replay) hand(u *unit) {
	if err := s.failed(); err != nil {
		u.end(err)
		return
	}
	select {
	case s.units <- u:
	case <-s.life.Done():
		u.end(s.failed())
	}
}

// pace waits until so many events may be sent.
func (s *replay) pace(ctx context.Context, events int) error {
	for s.limit != nil && events > 0 {
		n := min(events, s.limit.Burst())
		if err := s.limit.WaitN(ctx, n); err != nil {
			return err
		}
		events -= n
	}
	return nil
}

// delivered ends a unit that the server has answered.
func (s *replay) delivered(u *unit) {
	s.answered.Add(1)
	s.patience.Over()
	s.deadlines.delivered(u)
	u.end(nil)
}

// whole is told that all that was to be read is written.
func (s *replay) whole() {
	select {
	case <-s.stop:
	default:
		s.all = true
	}
}

// Close implements sink.Sink.
func (s *replay) Close(context.Context) error {
	close(s.units)
	<-s.over
	s.background.Wait()
	err := s.failed()
	if err == nil {
		err = s.landAtEnd()
	}
	s.end(errClosed)
	return errors.Join(err, s.refused.close())
}

// errClosed ends what waits for a sink that is closed.
var errClosed = errors.New("the output is closed")

// fail ends the run.
func (s *replay) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return
	}
	s.failure = fmt.Errorf("redis: %s: %w", s.o.Hosts(), err)
	s.broken <- s.failure
	s.end(s.failure)
}

func (s *replay) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}
