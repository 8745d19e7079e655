package encode

import (
	"errors"
	"maps"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// Stats are what a run tells of itself while it runs. The zero value is ready; one belongs to one run. All methods are
// safe for concurrent use, and those that count do nothing on nil. There is one lock, taken a few times for each batch and
// never for a record, so that what is read together belongs together.
type Stats struct {
	// Now is the clock, to be set before the run begins. Nil means time.Now.
	Now func() time.Time

	mu     sync.Mutex
	s      Snapshot
	held   int64 // batches out of the pool
	sent   int64 // handed to the sink
	done   int64 // which the sink has no more need of
	acked  int64 // delivered
	ledger *ledger
	sink   [sinkTroubles]Trouble
}

// Snapshot is what has been counted up to a moment.
type Snapshot struct {
	Records, Changes, Passed int64 // as in Result
	Read, Plain, Written     int64
	Damaged, Gaps, Rewrites  int64 // ranges that were skipped
	Oversized                int64 // events that the sink has put elsewhere

	Working    int64 // batches that are being made, or wait for their turn
	Unacked    int64 // batches that the sink has been given and has not delivered
	Deliveries int64
	Delivered  time.Time // of the last batch; zero if there is none
	Latency    Latency

	Standby    bool // the sink waits until another run has ended
	KeepsState bool
	Saves      int64     // checkpoints that were written
	Saved      time.Time // when the state was last known to hold all that was delivered, or the run began

	Errors    [ErrorKinds]int64
	LastError Trouble

	// Sink is why the sink does not take anything now, and State why the state is not being saved; Err is nil where all is
	// well.
	Sink, State Trouble
}

// Trouble is an error that lasts, and since when.
type Trouble struct {
	Since time.Time
	Err   error
}

// set notes when the trouble began; an error of nil ends it.
func (t *Trouble) set(now time.Time, err error) {
	switch {
	case err == nil:
		*t = Trouble{}
	case t.Err == nil:
		*t = Trouble{Since: now, Err: err}
	default:
		t.Err = err
	}
}

// ErrorKind is what an error was about.
type ErrorKind uint8

// The kinds. ErrorRetry is an attempt of the sink that failed and is made again.
const (
	ErrorSink ErrorKind = iota
	ErrorState
	ErrorGap
	ErrorCorrupt
	ErrorRetry
	ErrorKinds // how many there are
)

// String is the name that metrics carry.
func (k ErrorKind) String() string {
	return [...]string{"sink", "state", "gap", "corrupt", "retry"}[k]
}

// What can be wrong with a sink, the worst first.
const (
	sinkFailed = iota
	sinkWaits
	sinkTroubles
)

// Snapshot reads all counters at once.
func (s *Stats) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.s
	snap.Working, snap.Unacked, snap.Deliveries = s.held-(s.sent-s.done), s.sent-s.acked, s.acked
	for _, t := range s.sink {
		if t.Err != nil {
			snap.Sink = t
			break
		}
	}
	return snap
}

// Delivered is how far one log has come.
type Delivered struct {
	checkpoint.Mark
	Time int64 // unix seconds of the last change that was delivered, 0 where that is not known
}

// Logs says how far each log has come; a log of which nothing has been read may not be there.
func (s *Stats) Logs() map[*decode.Log]Delivered {
	s.mu.Lock()
	ledger := s.ledger
	s.mu.Unlock()
	if ledger == nil {
		return map[*decode.Log]Delivered{}
	}
	return ledger.delivered()
}

// Waits is for a sink that cannot go on now and tries again: it says why, at each attempt that failed, and nil as soon as
// it continues. It costs next to nothing to say nil again.
func (s *Stats) Waits(err error) { s.trouble(sinkWaits, ErrorRetry, err) }

// StandsBy is for a sink that waits until another run has ended: it says when that begins and when it is over.
func (s *Stats) StandsBy(now bool) { s.with(func(time.Time) { s.s.Standby = now }) }

// Oversized counts an event that the output itself does not take, and that the sink has put elsewhere.
func (s *Stats) Oversized() { s.with(func(time.Time) { s.s.Oversized++ }) }

// failed notes that the sink has failed for good.
func (s *Stats) failed(err error) { s.trouble(sinkFailed, ErrorSink, err) }

func (s *Stats) trouble(what int, kind ErrorKind, err error) {
	s.with(func(now time.Time) {
		s.sink[what].set(now, err)
		s.failure(now, kind, err)
	})
}

// failure counts an error, if it is one.
func (s *Stats) failure(now time.Time, kind ErrorKind, err error) {
	if err != nil {
		s.s.Errors[kind]++
		s.s.LastError = Trouble{Since: now, Err: err}
	}
}

// with changes the counters.
func (s *Stats) with(change func(now time.Time)) {
	if s == nil {
		return
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	change(now())
}

// begin connects the stats with a run.
func (s *Stats) begin(l *ledger, keepsState bool) {
	s.with(func(now time.Time) {
		s.ledger, s.s.KeepsState, s.s.Saved = l, keepsState, now
		l.timed = true
	})
}

// ended counts what has ended the run.
func (s *Stats) ended(err error) {
	var hole decode.Hole
	var damage *decode.CorruptError
	switch {
	case errors.As(err, &damage):
		s.with(func(now time.Time) { s.failure(now, ErrorCorrupt, err) })
	case errors.As(err, &hole):
		s.with(func(now time.Time) { s.failure(now, ErrorGap, err) })
	}
}

// hold counts batches that are taken from the pool, or with -1 given back.
func (s *Stats) hold(n int64) { s.with(func(time.Time) { s.held += n }) }

// add counts what is in a batch that goes out.
func (s *Stats) add(b *parcel) {
	s.with(func(time.Time) {
		s.s.Records += b.records
		s.s.Changes += b.changes
		s.s.Passed += b.passed
		s.s.Read += b.read
		s.s.Plain += b.text
		s.s.Written += int64(len(b.Data))
	})
}

// send counts a batch that is handed to the sink. It returns the batch's acknowledgement, and what is to be called
// when the sink has no more need of the batch.
func (s *Stats) send(ack func()) (acked, done func()) {
	if s == nil {
		return ack, func() {}
	}
	var began time.Time
	s.with(func(now time.Time) {
		began = now
		s.sent++
	})
	acked = func() {
		ack()
		s.with(func(now time.Time) {
			s.acked++
			s.s.Delivered = now
			s.s.Latency.add(now.Sub(began))
		})
	}
	return acked, func() { s.with(func(time.Time) { s.done++ }) }
}

// skipped counts a range that is left out.
func (s *Stats) skipped(op decode.Op, err error) {
	s.with(func(now time.Time) {
		switch op {
		case decode.OpCorrupt:
			s.s.Damaged++
			s.failure(now, ErrorCorrupt, err)
		case decode.OpRewritten:
			s.s.Rewrites++
			s.failure(now, ErrorGap, err)
		default:
			s.s.Gaps++
			s.failure(now, ErrorGap, err)
		}
	})
}

// saved notes that the state holds all that has been delivered, and whether it had to be written for that; or why not.
func (s *Stats) saved(written bool, err error) {
	s.with(func(now time.Time) {
		s.s.State.set(now, err)
		s.failure(now, ErrorState, err)
		if err != nil {
			return
		}
		s.s.Saved = now
		if written {
			s.s.Saves++
		}
	})
}

// latencyBounds are the upper bounds of the buckets of Latency, from a write to memory to a broker that is away.
var latencyBounds = [...]time.Duration{
	100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// Latency counts how long batches took from the sink's Write to their delivery.
type Latency struct {
	Count int64
	Sum   time.Duration
	up    [len(latencyBounds)]uint64 // that took at most so long
}

func (l *Latency) add(d time.Duration) {
	l.Count++
	l.Sum += d
	for i, bound := range latencyBounds {
		if d <= bound {
			l.up[i]++
		}
	}
}

// Buckets says how many batches took at most so many seconds.
func (l *Latency) Buckets() map[float64]uint64 {
	buckets := make(map[float64]uint64, len(l.up))
	for i, bound := range latencyBounds {
		buckets[bound.Seconds()] = l.up[i]
	}
	return buckets
}

// eventTimes are the times of the changes in batches that are not delivered, in log order, and of the last one that is.
type eventTimes struct {
	due       []dueTime
	delivered int64
}

type dueTime struct {
	end  checkpoint.Mark
	time int64
}

// track adds a batch, if it has a time.
func (e *eventTimes) track(b *parcel, committed checkpoint.Mark) {
	e.at(committed)
	if b.time != 0 {
		e.due = append(e.due, dueTime{b.Mark(), b.time})
	}
}

// at is the time of what has been delivered, which ends at a place.
func (e *eventTimes) at(committed checkpoint.Mark) int64 {
	n := 0
	for n < len(e.due) && !after(e.due[n].end, committed) {
		e.delivered = e.due[n].time
		n++
	}
	e.due = e.due[:copy(e.due, e.due[n:])]
	return e.delivered
}

// after reports whether a comes after b in the life of a log.
func after(a, b checkpoint.Mark) bool {
	return a.Epoch > b.Epoch || a.Epoch == b.Epoch && b.Position.Before(a.Position)
}

// delivered is what marks gives, with the times.
func (l *ledger) delivered() map[*decode.Log]Delivered {
	logs := map[*decode.Log]Delivered{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for log, mark := range maps.All(l.start) {
		logs[log] = Delivered{Mark: mark}
	}
	for log, a := range l.accounts {
		mark := a.tracker.Committed()
		logs[log] = Delivered{Mark: mark, Time: a.times.at(mark)}
	}
	return logs
}
