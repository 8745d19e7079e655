package encode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
)

// Checkpoint is what has been delivered: the place to go on from in each log, and what the sink says of its output as it is
// at these places.
type Checkpoint struct {
	Marks map[*decode.Log]checkpoint.Mark
	Note  json.RawMessage // of a Keeper or a Noter, else nil
}

// equal reports whether there is nothing in c that is not in other.
func (c *Checkpoint) equal(other *Checkpoint) bool {
	return maps.Equal(c.Marks, other.Marks) && bytes.Equal(c.Note, other.Note)
}

// saveInterval is how often a checkpoint is taken.
const saveInterval = time.Second

// saver takes checkpoints during a run.
type saver struct {
	o      *Options
	ledger *ledger
	keeper sink.Keeper // nil if the sink is none
	noter  sink.Noter  // nil if the sink is none

	fail func(error) // ends the run

	last Checkpoint // that was saved
	note any        // of the last flush
	err  error      // of the last attempt
}

// begin takes checkpoints in a goroutine of its own, until the function that it returns is called.
func (s *saver) begin(ctx context.Context) (end func()) {
	if s.o.Save == nil && s.keeper == nil {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { s.loop(ctx, done) })
	return func() {
		close(done)
		wg.Wait()
	}
}

func (s *saver) loop(ctx context.Context, done <-chan struct{}) {
	tick := time.NewTicker(saveInterval)
	defer tick.Stop()
	if s.o.Save == nil {
		tick.Stop() // what is written is synced at the end, or when a part is complete
	}
	var rolled <-chan struct{}
	if s.keeper != nil {
		rolled = s.keeper.Rolled()
	}
	for {
		complete := false
		select {
		case <-done:
			return
		case <-tick.C:
		case <-rolled:
		case <-s.o.Roll:
			complete = true
		}
		if !s.attempt(ctx, complete) {
			return
		}
	}
}

// first saves where the run begins, before anything is written: what is written is then known to be of this state. It waits
// for room.
func (s *saver) first(ctx context.Context) error {
	if s.o.Save == nil {
		return nil
	}
	err := s.save(ctx, false)
	if sink.IsFull(err) {
		s.o.warn(fmt.Sprintf("%v; trying again", err))
	}
	for wait := time.NewTimer(saveInterval); sink.IsFull(err); wait.Reset(saveInterval) {
		select {
		case <-wait.C:
			err = s.save(ctx, false)
		case <-s.o.Stop:
			return s.full(err)
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
	return err
}

// attempt takes a checkpoint. A state that cannot be saved is saved later; a sink that has failed ends the run.
func (s *saver) attempt(ctx context.Context, complete bool) bool {
	before := s.err
	s.err = s.save(ctx, complete)
	if _, ok := errors.AsType[*sink.Error](s.err); ok {
		s.fail(s.err)
		return false
	}
	if s.err != nil && (before == nil || before.Error() != s.err.Error()) {
		s.o.warn(fmt.Sprintf("%v; trying again", s.err))
	}
	return true
}

// save takes one checkpoint, and has the sink show what is complete by it.
func (s *saver) save(ctx context.Context, complete bool) error {
	err := s.flush(ctx, complete)
	if err != nil {
		return &sink.Error{Err: err}
	}
	c := Checkpoint{Marks: s.ledger.marks()}
	if s.note != nil {
		if c.Note, err = json.Marshal(s.note); err != nil {
			return &sink.Error{Err: err}
		}
	}
	if c.equal(&s.last) {
		s.o.Stats.saved(false, nil)
		return nil
	}
	if s.o.Save != nil {
		err := s.o.Save(c)
		s.o.Stats.saved(true, err)
		if err != nil {
			return &StateError{Err: err}
		}
	}
	s.last = c
	if s.keeper == nil {
		return nil
	}
	if err := s.keeper.Kept(ctx, s.note); err != nil {
		return &sink.Error{Err: err}
	}
	return nil
}

// flush acknowledges what a Keeper has made durable. Nothing else does, so that the note belongs to the positions.
func (s *saver) flush(ctx context.Context, complete bool) error {
	if s.noter != nil {
		s.note = s.noter.Note()
	}
	if s.keeper == nil {
		return nil
	}
	note, writes, err := s.keeper.Flush(ctx, complete)
	if err != nil {
		return err
	}
	s.note = note
	s.ledger.kept(writes)
	return nil
}

// StateError is a checkpoint that could not be saved: what comes after the last one will be delivered again.
type StateError struct{ Err error }

// Error says that it was the state.
func (e *StateError) Error() string { return fmt.Sprintf("saving the state: %v", e.Err) }

// Unwrap gives the cause.
func (e *StateError) Unwrap() error { return e.Err }

// finish takes the last checkpoint and closes the sink. A sink that has failed is not asked to complete anything, unless it had
// no room alone: then it has what comes before.
func (s *saver) finish(ctx context.Context, to sink.Sink, failed func() error) (sinkErr, stateErr error) {
	if s.keeper == nil {
		sinkErr = to.Close(ctx)
		return sinkErr, s.save(ctx, false)
	}
	if err := failed(); err != nil && !sink.EndedFull(err) {
		return to.Close(ctx), nil
	}
	err := s.save(ctx, true)
	if _, ok := errors.AsType[*StateError](err); ok {
		stateErr, err = s.full(err), nil
	}
	return errors.Join(err, to.Close(ctx)), stateErr
}

// full makes a FullError of a state that has no room when the run is to end, where nothing comes twice by that.
func (s *saver) full(err error) error {
	select {
	case <-s.o.Stop:
	default:
		return err
	}
	if state, ok := errors.AsType[*StateError](err); ok && sink.IsFull(err) {
		return &sink.FullError{Path: "the state", Err: state.Err}
	}
	return err
}
