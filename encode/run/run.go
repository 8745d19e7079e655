package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/encode/sink"
)

// Job is one convert or tail, with everything decided that the user decides.
type Job struct {
	// Logs finds the logs that are to be read, as far as they are there yet. It opens nothing.
	Logs func(ctx context.Context) ([]Log, error)

	// Open opens the source of these logs.
	Open func(ctx context.Context, begin Begin) (Source, error)

	From, Default decode.Where // where logs are read from that no earlier run has left a place of: From, if it is set
	Follow        bool         // the logs grow: what is delivered is saved all the time, and a log that lags is waited for

	Sources []string // as the user named them
	State   string   // the file of the state; empty: none is kept
	Output  Output
	Guard   *Guard
	Watch   *Watch // nil: nothing is shown
	Encode  encode.Options
	Tell    *console.Console
}

// Output is where the events go.
type Output struct {
	Options sink.Options // what the user says of it
	Open    func(sink.Options) (sink.Sink, error)
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

// drainTime is how long an output that takes nothing any more, and does not end by itself, is waited for at the end.
const drainTime = 10 * time.Second

// Run does the job: it checks all that can refuse the run, opens the output and then the source, reads until the source ends
// or stop is closed, and delivers and saves what was read. See the package comment for how it ends.
func (j *Job) Run(ctx context.Context, stop <-chan struct{}) (encode.Result, error) {
	r := &running{Job: j, stop: stop, begun: map[*decode.Log]Place{}}
	opening, opened := until(ctx, stop)
	defer opened()
	var result encode.Result
	err := r.open(opening)
	if err == nil {
		result, err = r.read(ctx)
	}
	if closeErr := r.close(ctx); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	return result, r.atStart(r.left(err))
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
	sink   sink.Sink                    // nil: not open, or closed
	keeps  bool                         // the output keeps its places itself
	places *places                      // nil: not open
	shown  func()                       // ends what is shown; nil: nothing is
	first  func() (decode.Chunk, error) // what the source has given already; nil: nothing
	stuck  bool                         // what is under way is left to the end of the process

	mu     sync.Mutex // of source, against Status, and of begun
	source Source
	begun  map[*decode.Log]Place
	cut    bool // the reading ended because of stop
}

// Next is that of the source, for the engine.
func (r *running) Next(ctx context.Context) (decode.Chunk, error) {
	if first := r.first; first != nil {
		r.first = nil
		return first()
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

// starts are the places where the logs are read from that are there at the start.
func (r *running) starts() map[*decode.Log]checkpoint.Mark {
	starts := map[*decode.Log]checkpoint.Mark{}
	for log, place := range r.begun {
		starts[log] = place.Mark
	}
	return starts
}

// start is the place where a log is read from that has appeared later.
func (r *running) start(log *decode.Log) (checkpoint.Mark, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place, ok := r.begun[log]
	return place.Mark, ok
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
	if r.Follow || r.places.keeps() {
		o.Save = r.save
	}
	o.Start, o.Late = r.starts(), r.start
	out := r.sink
	_, endsInTime := out.(sink.Ending)
	r.sink = nil // the engine closes it
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	began := time.Now()
	ended := make(chan outcome, 1)
	go func() {
		result, err := encode.Run(ctx, r, out, o)
		ended <- outcome{result, err}
	}()
	stop, late := r.stop, (<-chan time.Time)(nil)
	for {
		select {
		case e := <-ended:
			return e.result, r.ended(&e, time.Since(began))
		case <-stop:
			r.source.Stop()
			if !endsInTime {
				late = time.After(drainTime)
			}
			stop = nil
		case <-late:
			r.stuck = true
			return encode.Result{}, &LeftError{Why: errStuck, Kept: r.kept()}
		}
	}
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
	r.Tell.With(SummaryFields(&e.result, took)...).Info(Summary(&e.result, took))
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
	if r.sink != nil {
		err = r.sink.Close(ctx)
	}
	err = errors.Join(err, r.closeSource())
	if r.places != nil {
		r.places.close() //nolint:gosec // what was saved stays, and the lock ends with the process
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
