package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
	"pikabin/encode/console"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
)

// Job is one convert or tail, with everything decided that the user decides.
type Job struct {
	// Logs finds the logs that are to be read, as far as they are there yet. It opens nothing.
	Logs func(ctx context.Context) ([]Log, error)

	// Open opens the source of these logs.
	Open func(ctx context.Context, begin Begin) (Source, error)

	Group Group // of a source over the network; nil: it knows none

	From, Default decode.Where // where logs are read from that no earlier run has left a place of: From, if it is set
	Dry           bool         // nothing is written: the state is read without its lock, and stays as it is. The output is to know
	Follow        bool         // the logs grow: what is delivered is saved all the time, and a log that lags is waited for

	Sources []string // as the user named them
	State   string   // the file of the state; empty: none is kept
	Shared  *Shared  // a state that several hosts share, in place of a file; nil: there is none
	Output  sink.Output
	Stdout  io.Writer // for outputs that go there
	Guard   *Guard
	Watch   *Watch // nil: nothing is shown
	Encode  encode.Options
	Tell    *console.Console
}

// ErrInterrupted is a run that was told to end before it had read everything.
var ErrInterrupted = errors.New("interrupted")

// LeftError is a run that was told to end and could not deliver all that it had read.
type LeftError struct {
	Why  error
	Kept bool // the next run continues where this one was
}

// Error says why, and what becomes of the rest.
func (e *LeftError) Error() string {
	rest := "is left out: no --state keeps the place"
	if e.Kept {
		rest = "comes the next time, from the place that is saved"
	}
	return fmt.Sprintf("%v: ending without it; what was not delivered %s", e.Why, rest)
}

// Unwrap gives the cause.
func (e *LeftError) Unwrap() error { return e.Why }

// errStuck is an output that neither takes what it is given nor fails.
var errStuck = errors.New("the output takes nothing")

// drainTime is how long an output that takes nothing any more is waited for at the end, unless it says so itself.
const drainTime = 10 * time.Second

// Run does the job: it checks all that can refuse the run, opens source and output, reads until the source ends
// or stop is closed, and delivers and saves what was read. See the package comment for how it ends.
func (j *Job) Run(ctx context.Context, stop <-chan struct{}) (encode.Result, error) {
	job := *j
	job.Encode.Stats = cmp.Or(j.Encode.Stats, &stats.Stats{}) // which tell whether the output makes progress
	r := &running{Job: &job, stop: stop, begun: map[*decode.Log]Place{}}
	opening, opened := until(ctx, stop)
	defer opened()
	var result encode.Result
	err := r.open(opening)
	switch {
	case err == nil:
		result, err = r.read(ctx)
	case isClosed(stop) && ctx.Err() == nil:
		err = stopped(err)
	}
	if closeErr := r.close(ctx); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	if r.held != nil && r.held.Err() != nil { // what else went wrong may be the doing of the run that has its turn now
		err = r.held.Err()
		r.counted(&result)
	}
	return result, r.atStart(r.left(err))
}

// stopped is what opening has ended with because of stop: an interruption, unless it says what was waited for, or has failed.
func stopped(err error) error {
	_, says := errors.AsType[*sink.StoppedError](err)
	if says || !errors.Is(err, ErrInterrupted) && !errors.Is(err, context.Canceled) {
		return err
	}
	return ErrInterrupted
}

// until makes a context that ends with stop, too.
func until(ctx context.Context, stop <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-stop:
			cancel(ErrInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// running is a job that runs.
type running struct {
	*Job
	stop   <-chan struct{}
	output sink.Opened                  // without a sink: not open, or closed
	keeps  bool                         // the output keeps its places itself
	held   *claim.Held                  // the state that several hosts share; nil: not claimed
	places *places                      // nil: not open
	shown  func()                       // ends what is shown; nil: nothing is
	first  func() (decode.Chunk, error) // what the source has given already; nil: nothing
	stuck  bool                         // what is under way is left to the end of the process

	mu       sync.Mutex // of what comes here, against Status, Starts, and logs that appear
	source   Source
	followed []Log // in the order in which they were begun
	begun    map[*decode.Log]Place
	cut      bool // the reading ended because of stop
}

// Next is that of the source, for the engine.
func (r *running) Next(ctx context.Context) (decode.Chunk, error) {
	if first := r.first; first != nil {
		r.first = nil
		return first()
	}
	if r.held != nil { // what may be taken over just now is not gone on with
		if err := r.held.Await(ctx); err != nil {
			return decode.Chunk{}, err
		}
	}
	chunk, err := r.source.Next(ctx)
	if err == io.EOF { //nolint:errorlint // what wraps it is an error
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cut = isClosed(r.stop)
	}
	return chunk, err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Starts are the places where the logs are read from, for the engine.
func (r *running) Starts() map[*decode.Log]checkpoint.Mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	starts := map[*decode.Log]checkpoint.Mark{}
	for log, place := range r.begun {
		starts[log] = place.Mark
	}
	return starts
}

// save keeps the places, and lets the source know.
func (r *running) save(c encode.Checkpoint) error {
	if err := r.places.save(c); err != nil {
		return err
	}
	r.source.Delivered(c.Marks)
	return nil
}

// outcome is what the engine ended with.
type outcome struct {
	result encode.Result
	err    error
}

// read reads until the source ends, and then until all that was read has been delivered.
func (r *running) read(ctx context.Context) (encode.Result, error) {
	o := r.Encode
	o.Stop, o.Fences = r.stop, r.places.keeps()
	if (r.Follow || r.places.keeps()) && !r.Dry {
		o.Save = r.save
	}
	out := r.output
	r.output.Sink = nil // the engine closes it
	ctx, abandon := context.WithCancelCause(ctx)
	defer abandon(nil)
	if r.held != nil {
		o.Lost, o.Every = r.held.Err, r.every()
		defer r.guarding(abandon)()
	}
	began := time.Now()
	ended := make(chan outcome, 1)
	go func() {
		result, err := encode.Run(ctx, r, out, o)
		ended <- outcome{result, err}
	}()
	e, ok := r.drain(ended, cmp.Or(out.Traits.Drain, drainTime))
	if !ok {
		r.stuck = true
		return encode.Result{}, &LeftError{Why: errStuck, Kept: r.kept()}
	}
	return e.result, r.ended(&e, time.Since(began))
}

// drain waits for the end of the engine. Once the run is told to end the output has some time for each step that it makes: false is
// one that made none.
func (r *running) drain(ended <-chan outcome, patience time.Duration) (outcome, bool) {
	select {
	case e := <-ended:
		return e, true
	case <-r.stop:
		r.source.Stop()
	}
	for before := r.progress(); ; {
		select {
		case e := <-ended:
			return e, true
		case <-time.After(patience):
		}
		now := r.progress()
		if now == before {
			return outcome{}, false
		}
		before = now
	}
}

// progress is what changes whenever the output takes, gives back or delivers something, or a state is saved.
type progress struct{ working, unacked, delivered, written, saves int64 }

func (r *running) progress() progress {
	s := r.Encode.Stats.Snapshot()
	return progress{working: s.Working, unacked: s.Unacked, delivered: s.Deliveries, written: s.Written, saves: s.Saves}
}

// ended closes the source and says how the run went.
func (r *running) ended(e *outcome, took time.Duration) error {
	r.hide()
	err := e.err
	if closeErr := r.closeSource(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	for _, t := range e.result.Torn {
		r.Tell.Warn(fmt.Sprintf("%s: half a record at the end, at %d:%d: left out", t.Log, t.At.Segment, t.At.Offset))
	}
	r.Tell.With(summaryFields(&e.result, took)...).Info(summary(&e.result, took))
	if err == nil && r.cut {
		err = ErrInterrupted
	}
	return err
}

// kept says that the next run continues where this one was.
func (r *running) kept() bool { return r.keeps || r.places != nil && r.places.keeps() }

// left makes a *LeftError of a disk that was full up to the end: as with an output that takes nothing, the rest is for the next
// run.
func (r *running) left(err error) error {
	full, ok := errors.AsType[*sink.FullError](err)
	if _, unsaved := errors.AsType[*encode.StateError](err); !ok || unsaved {
		return err
	}
	return &LeftError{Why: full, Kept: r.kept()}
}

// atStart adds to damage at the very place where a log was begun that the place may be the mistake.
func (r *running) atStart(err error) error {
	damage, ok := errors.AsType[*decode.CorruptError](err)
	if !ok {
		return err
	}
	at := decode.Position{Segment: damage.Segment, Offset: damage.Offset}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, place := range r.begun {
		if at.Offset > 0 && place.From() == at {
			return fmt.Errorf("%w (does a record begin at %v? inspect --from shows the one it lies in)", err, at)
		}
	}
	return err
}

// close lets go of everything that is still open, unless something is under way that does not end.
func (r *running) close(ctx context.Context) error {
	r.hide()
	if r.stuck {
		return nil
	}
	var err error
	if r.output.Sink != nil {
		err = r.output.Sink.Close(ctx)
	}
	err = errors.Join(err, r.closeSource())
	if r.places != nil {
		r.places.close() //nolint:gosec // what was saved stays, and the lock ends with the process
	} else if r.held != nil {
		r.held.Close() //nolint:gosec,contextcheck // nothing was saved, and a claim has a life of its own
	}
	if r.Shared != nil {
		r.Shared.Close()
	}
	return err
}

// hide ends what is shown.
func (r *running) hide() {
	if r.shown != nil {
		r.shown()
		r.shown = nil
	}
}

// closeSource closes the source, if it is open, and lets go of what nobody has asked for.
func (r *running) closeSource() error {
	if r.source == nil {
		return nil
	}
	if r.first != nil {
		if chunk, err := r.first(); err == nil {
			chunk.Release()
		}
		r.first = nil
	}
	source := r.source
	r.source = nil
	return source.Close()
}
