// Package stats is what a run tells of itself while it lasts: the engine and the sink count, and whoever watches the run reads.
package stats

import (
	"errors"
	"maps"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
)

// Stats are what a run tells of itself while it runs. The zero value is ready; one belongs to one run. All methods are
// safe for concurrent use, and those that count do nothing on nil. There is one lock, taken a few times for each batch and
// never for a record, so that what is read together belongs together.
type Stats struct {
	// Now is the clock, to be set before the run begins. Nil means time.Now.
	Now func() time.Time

	mu    sync.Mutex
	s     Snapshot
	held  int64 // batches out of the pool
	sent  int64 // handed to the sink
	done  int64 // which the sink has released
	acked int64 // delivered
	logs  func() map[*decode.Log]Delivered
	sink  [sinkTroubles]Trouble
}

// Volume is how much went through the engine.
type Volume struct {
	Records, Changes, Passed int64 // that were read, that go out, and that change nothing
	Read, Plain, Written     int64 // bytes of the log, of the changes, and of the output
}

// Add adds another volume.
func (v *Volume) Add(more Volume) {
	v.Records += more.Records
	v.Changes += more.Changes
	v.Passed += more.Passed
	v.Read += more.Read
	v.Plain += more.Plain
	v.Written += more.Written
}

// Snapshot is what has been counted up to a moment.
type Snapshot struct {
	Volume

	Damaged, Gaps, Rewrites int64 // ranges that were skipped
	Oversized               int64 // events that the sink has put elsewhere

	Working    int64 // batches that are being made, or wait for their turn
	Unacked    int64 // batches that the sink has been given and has not delivered
	Deliveries int64
	Delivered  time.Time // of the last batch; zero if there is none
	Latency    Latency

	Spooled    sink.Spooled // what the sink has taken and not passed on
	Standby    bool         // the sink waits until another run has ended
	KeepsState bool
	Saves      int64     // checkpoints that were written
	Saved      time.Time // when the state was last known to hold all that was delivered, or the run began

	Counts    [sink.CounterNumber]map[string]int64 // by the sink, for each label
	Errors    [ErrorKinds]int64
	LastError Trouble

	// Term is how often somebody has claimed the state that several hosts share; 0: it is not shared. Store is why its store does not answer.
	Term  uint64
	Store Trouble

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
	for i := range snap.Counts {
		snap.Counts[i] = maps.Clone(s.s.Counts[i])
	}
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
	logs := s.logs
	s.mu.Unlock()
	if logs == nil {
		return map[*decode.Log]Delivered{}
	}
	return logs()
}

// Waits is for a sink that cannot go on now and tries again: it says why, at each attempt that failed, and nil as soon as
// it continues. It costs next to nothing to say nil again.
func (s *Stats) Waits(err error) { s.trouble(sinkWaits, ErrorRetry, err) }

// StandsBy is for a sink that waits until another run has ended: it says when that begins and when it is over.
func (s *Stats) StandsBy(now bool) { s.with(func(time.Time) { s.s.Standby = now }) }

// Claims says that the run has claimed a state that several hosts share.
func (s *Stats) Claims(term uint64) { s.with(func(time.Time) { s.s.Term = term }) }

// Answers says whether the store of a shared state has answered, whenever it was asked.
func (s *Stats) Answers(err error) {
	s.with(func(now time.Time) {
		s.s.Store.set(now, err)
		s.failure(now, ErrorState, err)
	})
}

// Spooled is for a sink that passes on later what it has taken: it says what waits. Each error is counted once.
func (s *Stats) Spooled(w sink.Spooled) {
	s.with(func(now time.Time) {
		if w.Err != nil && w.Err != s.s.Spooled.Err { //nolint:errorlint // whether it is another one
			s.failure(now, ErrorRetry, w.Err)
		}
		s.s.Spooled = w
	})
}

// Oversized counts an event that the output itself does not take, and that the sink has put elsewhere.
func (s *Stats) Oversized() { s.with(func(time.Time) { s.s.Oversized++ }) }

// Count adds to a counter of the sink.
func (s *Stats) Count(c sink.Counter, label string, n int64) {
	s.with(func(time.Time) {
		if s.s.Counts[c] == nil {
			s.s.Counts[c] = map[string]int64{}
		}
		s.s.Counts[c][label] += n
	})
}

// Failed notes that the sink has failed for good.
func (s *Stats) Failed(err error) { s.trouble(sinkFailed, ErrorSink, err) }

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

// Begin connects the stats with a run: logs says how far each log has come, and keepsState whether that is saved.
func (s *Stats) Begin(logs func() map[*decode.Log]Delivered, keepsState bool) {
	s.with(func(now time.Time) { s.logs, s.s.KeepsState, s.s.Saved = logs, keepsState, now })
}

// Ended counts what has ended the run.
func (s *Stats) Ended(err error) {
	var hole decode.Hole
	var damage *decode.CorruptError
	switch {
	case errors.As(err, &damage):
		s.with(func(now time.Time) { s.failure(now, ErrorCorrupt, err) })
	case errors.As(err, &hole):
		s.with(func(now time.Time) { s.failure(now, ErrorGap, err) })
	}
}

// InFlight counts batches that are taken from the pool, or with -1 given back.
func (s *Stats) InFlight(n int64) { s.with(func(time.Time) { s.held += n }) }

// Add counts what is in a batch that goes out.
func (s *Stats) Add(v Volume) { s.with(func(time.Time) { s.s.Add(v) }) }

// Send counts a batch that is handed to the sink. It returns the batch's acknowledgement.
func (s *Stats) Send(ack func()) (acked func()) {
	if s == nil {
		return ack
	}
	var began time.Time
	s.with(func(now time.Time) {
		began = now
		s.sent++
	})
	return func() {
		ack()
		s.with(func(now time.Time) {
			s.acked++
			s.s.Delivered = now
			s.s.Latency.add(now.Sub(began))
		})
	}
}

// Released counts a batch that the sink gives back.
func (s *Stats) Released() {
	s.with(func(time.Time) {
		s.held--
		s.done++
	})
}

// Skipped counts a range that is left out, by the op of its event: OpCorrupt, OpRewritten, or a gap.
func (s *Stats) Skipped(op decode.Op, err error) {
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

// Saved notes that the state holds all that has been delivered, and whether it had to be written for that; or why not.
func (s *Stats) Saved(written bool, err error) {
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
