// Package claim lets several hosts share a state, of which one at a time writes the output that the state is of.
//
// The state is one object in a store, and every write replaces it by compare-and-swap. Whoever has replaced it last holds it. A run takes it
// over when it has not seen it change for longer than the time to live that the object names, by replacing it with the next term. The save of
// the earlier holder fails then, and that is the fence.
//
// Why that is safe: the versions of the object form one chain, since each swap names the version before it. What the chain counts is one
// sequence of positions without overlap or hole. A holder shows only what a version of the chain counts, under a name that follows from the
// chain alone, so that a run that stood still at any point shows what anybody else would show, or nothing. No step needs the clocks of two
// hosts to agree: time decides when somebody claims, and nothing else.
package claim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"pikabin/encode/checkpoint"
)

// Store is one object that is replaced by compare-and-swap.
type Store interface {
	// Load gives the object and its version. The version is empty if there is no object.
	Load(ctx context.Context) (value []byte, version string, err error)

	// Swap replaces the version, or makes the object if that is empty, and gives the version that came of it. ErrConflict says that another
	// version is there, or none. A *RefusedError says that nothing was done. After any other error the swap may have happened, or may still
	// happen.
	Swap(ctx context.Context, version string, value []byte) (next string, err error)
}

// ErrConflict says that the object has another version than the one that was to be replaced.
var ErrConflict = errors.New("another version is there")

// RefusedError is an answer of a store that does not change by asking again: somebody has to do something about it.
type RefusedError struct {
	Err    error
	Advice string // what
}

// Error says what was answered, and what can be done.
func (e *RefusedError) Error() string { return fmt.Sprintf("%v; %s", e.Err, e.Advice) }

// Unwrap gives the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

// AddressError is an address of a state that makes no sense.
type AddressError struct {
	Name string // of the state
	Err  error
}

// Error says what is wrong with it.
func (e *AddressError) Error() string { return fmt.Sprintf("--state %s: %v", e.Name, e.Err) }

// Unwrap gives what is wrong.
func (e *AddressError) Unwrap() error { return e.Err }

// HeldError is a state that another run holds.
type HeldError struct {
	Name string
	Run  checkpoint.Run
}

// Error names the holder.
func (e *HeldError) Error() string {
	return fmt.Sprintf("the state %s is in use by %s, term %d; --standby waits until that one has ended, and takes over", e.Name, e.Run.Holder, e.Run.Term)
}

// FencedError is a state that another run has taken over.
type FencedError struct {
	Name string
	Run  checkpoint.Run
}

// Error names who holds it now.
func (e *FencedError) Error() string {
	return fmt.Sprintf("the state %s was taken over by %s, term %d: this run shows nothing more", e.Name, e.Run.Holder, e.Run.Term)
}

// GoneError is a state that was removed while it was in use. No run makes it anew by itself: that would begin from the start.
type GoneError struct{ Name string }

// Error says what can be done.
func (e *GoneError) Error() string {
	return fmt.Sprintf("the state %s was removed while it was in use: put it back, or start with a new output and a new state", e.Name)
}

// Options say whose claim it is, and to what.
type Options struct {
	Store  Store
	Name   string        // of the state, for messages
	ID     string        // what the state is known by to its output, in whatever way it is reached; empty: by its name
	Holder string        // host and process, of this run
	TTL    time.Duration // how long this run may not be heard of until another one takes over

	Tell    func(text string) // takes a line for the user; nil: nobody is told
	Answers func(err error)   // is told whether the store answers; nil: nobody is
	Clock   Clock             // nil: that of the machine
}

// Clock is what time is measured by. It never goes back. Now counts the time, too, that the host is suspended, in which it hears of nobody and nobody
// hears of it; After need not.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Parts of the time to live: how often a run that waits looks, how long an answer is waited for, and when a holder that has nothing to save
// shows that it is there.
const (
	looks   = 5
	answers = 3
	renewal = 3
)

// defaultTTL is that of states which do not name theirs.
const defaultTTL = 10 * time.Second

func (o Options) complete() *Options {
	o.TTL, o.ID = cmp.Or(o.TTL, defaultTTL), cmp.Or(o.ID, o.Name)
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	if o.Answers == nil {
		o.Answers = func(error) {}
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	return &o
}

// pause waits, and fails when the context ends first.
func (o *Options) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-o.Clock.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// within gives the context of one call.
func (o *Options) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, o.TTL/answers)
}

// seen is the object as a load has found it.
type seen struct {
	state   checkpoint.State
	value   []byte
	version string // empty: there is none
}

// load reads the object.
func (o *Options) load(ctx context.Context) (s seen, err error) {
	call, cancel := o.within(ctx)
	defer cancel()
	s.value, s.version, err = o.Store.Load(call)
	o.Answers(err)
	if err != nil || s.version == "" {
		return s, err
	}
	if s.state, err = checkpoint.Parse(s.value); err == nil && s.state.Run == nil {
		err = errors.New("it names no holder")
	}
	if newer, ok := errors.AsType[*checkpoint.NewerError](err); ok {
		newer.Path = o.Name
		return s, newer
	}
	if err != nil {
		err = &DamagedError{Name: o.Name, Err: err}
	}
	return s, err
}

// DamagedError is a state that cannot be believed.
type DamagedError struct {
	Name string
	Err  error
}

// Error says what is wrong, and what can be done.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the state %s is damaged: %v; \"pikabin state %s --clear\" begins anew", e.Name, e.Err, e.Name)
}

// Unwrap gives what is wrong.
func (e *DamagedError) Unwrap() error { return e.Err }

// Peek gives the state as it is, and false if there is none.
func Peek(ctx context.Context, options Options) (checkpoint.State, bool, error) {
	s, err := options.complete().load(ctx)
	return s.state, s.version != "", err
}

// isFinal tells errors that another attempt does not mend.
func isFinal(err error) bool {
	_, refused := errors.AsType[*RefusedError](err)
	_, damaged := errors.AsType[*DamagedError](err)
	_, newer := errors.AsType[*checkpoint.NewerError](err)
	return refused || damaged || newer
}
