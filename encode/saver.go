package encode

import (
	"bytes"
	"cmp"
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
	Note  json.RawMessage // nil if the sink has none
}

// equal reports whether there is nothing in c that is not in other.
func (c *Checkpoint) equal(other *Checkpoint) bool {
	return maps.Equal(c.Marks, other.Marks) && bytes.Equal(c.Note, other.Note)
}

// saveInterval is how often a checkpoint is taken. Where no state is kept the sink is flushed as often: what waits for it takes memory.
const saveInterval = time.Second

// saver takes checkpoints during a run.
type saver struct {
	o         *Options
	ledger    *ledger
	seam      *seam
	out       *sink.Opened
	resumable sink.Resumable // the sink, if it is one

	fail func(error) // ends the run

	last Checkpoint // that was saved
	note any        // of the last flush
	err  error      // of the last attempt
}

// begin takes checkpoints in a goroutine of its own, until the function that it returns is called.
func (s *saver) begin(ctx context.Context) (end func()) {
	if s.o.Save == nil && s.resumable == nil {
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
	tick := time.NewTicker(cmp.Or(s.o.Every, saveInterval))
	defer tick.Stop()
	var due <-chan struct{}
	if s.resumable != nil {
		due = s.resumable.Due()
	}
	for {
		moment := sink.Passing
		select {
		case <-done:
			return
		case <-tick.C:
		case <-due:
		case <-s.o.Roll:
			moment = sink.Roll
		}
		if !s.attempt(ctx, moment) {
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
	err := s.save(ctx, sink.Passing)
	if sink.IsFull(err) {
		s.o.warn(fmt.Sprintf("%v; trying again", err))
	}
	for wait := time.NewTimer(saveInterval); sink.IsFull(err); wait.Reset(saveInterval) {
		select {
		case <-wait.C:
			err = s.save(ctx, sink.Passing)
		case <-s.o.Stop:
			return s.full(err)
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
	return err
}

// attempt takes a checkpoint. A state that cannot be saved is saved later; a sink that has failed ends the run.
func (s *saver) attempt(ctx context.Context, m sink.Moment) bool {
	if s.o.lost() != nil {
		return false
	}
	before := s.err
	s.err = s.save(ctx, m)
	if _, ok := errors.AsType[*sink.Error](s.err); ok {
		s.fail(s.err)
		return false
	}
	if s.err != nil && s.o.lost() == nil && (before == nil || before.Error() != s.err.Error()) {
		s.o.warn(fmt.Sprintf("%v; trying again", s.err))
	}
	return true
}

// save takes one checkpoint, of a sink that can be continued between two records.
func (s *saver) save(ctx context.Context, m sink.Moment) error {
	if s.resumable == nil {
		return s.saveNow(ctx, m)
	}
	return s.seam.take(func() error { return s.saveNow(ctx, m) })
}

// saveNow takes one checkpoint, and has the sink show what is complete by it.
func (s *saver) saveNow(ctx context.Context, m sink.Moment) error {
	err := s.flush(ctx, m)
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
		s.o.Stats.Saved(false, nil)
		return nil
	}
	if s.o.Save != nil {
		err := s.o.Save(c)
		s.o.Stats.Saved(true, err)
		if err != nil {
			return &StateError{Err: err}
		}
	}
	s.last = c
	if s.resumable == nil {
		return nil
	}
	if err := s.resumable.Saved(ctx, s.note); err != nil {
		return &sink.Error{Err: err}
	}
	return nil
}

// flush asks for the sink's note, which belongs to the positions: a Resumable acknowledges within Flush what is durable, and nowhere else.
func (s *saver) flush(ctx context.Context, m sink.Moment) (err error) {
	switch {
	case s.resumable != nil:
		s.note, err = s.resumable.Flush(ctx, m)
	case s.out.Traits.Note != nil:
		s.note = s.out.Traits.Note()
	}
	return err
}

// StateError is a checkpoint that could not be saved: what comes after the last one will be delivered again.
type StateError struct{ Err error }

// Error says that it was the state.
func (e *StateError) Error() string { return fmt.Sprintf("saving the state: %v", e.Err) }

// Unwrap gives the cause.
func (e *StateError) Unwrap() error { return e.Err }

// finish takes the last checkpoint and closes the sink. A sink that has failed is not asked to complete anything, unless it had
// no room alone: then it has what comes before.
func (s *saver) finish(ctx context.Context, whole bool, failed func() error) (sinkErr, stateErr error) {
	if s.resumable == nil {
		sinkErr = s.out.Sink.Close(ctx)
		return sinkErr, s.save(ctx, sink.Passing)
	}
	if err := failed(); err != nil && !sink.EndedFull(err) || s.o.lost() != nil {
		return s.out.Sink.Close(ctx), s.o.lost()
	}
	moment := sink.End
	if whole {
		moment = sink.Whole
	}
	err := s.save(ctx, moment)
	if _, ok := errors.AsType[*StateError](err); ok {
		stateErr, err = s.full(err), nil
	}
	if err != nil {
		s.fail(err) // before Close says that what was not flushed is not durable
	}
	return errors.Join(err, s.out.Sink.Close(ctx)), stateErr
}

// shown are the places up to which everything is delivered, once the sink is closed.
func (s *saver) shown() map[*decode.Log]checkpoint.Mark {
	marks := s.ledger.marks()
	if hide := s.out.Traits.Shown; hide != nil {
		hide(marks)
	}
	return marks
}

// lost says why the state is not this run's any more; nil: it is.
func (o *Options) lost() error {
	if o.Lost == nil {
		return nil
	}
	return o.Lost()
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
