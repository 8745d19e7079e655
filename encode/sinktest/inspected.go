package sinktest

import (
	"context"
	"sync"
	"testing"

	"pikabin/encode/sink"
)

// inspected is a sink between the engine and the one that is tested, and sees that each batch is released once and done once, in time.
type inspected struct {
	sink.Sink
	t       *testing.T
	portion func(bool)

	mu       sync.Mutex
	released []int // how often, of each batch
	done     []int
	flushing bool
	closed   bool
}

// Write implements sink.Sink.
func (s *inspected) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	s.mu.Lock()
	n := len(s.done)
	s.portion(b.Portion)
	s.done, s.released = append(s.done, 0), append(s.released, 0)
	s.mu.Unlock()
	mine := *b
	mine.OnRelease(func() {
		s.mu.Lock()
		s.released[n]++
		s.mu.Unlock()
		b.Release()
	})
	s.Sink.Write(ctx, &mine, func(err error) {
		s.count(n, err)
		done(err)
	})
}

func (s *inspected) count(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[n]++
	if _, ok := s.Sink.(sink.Resumable); ok && err == nil && !s.flushing {
		s.t.Errorf("batch %d is said to be durable outside of Flush", n)
	}
	if s.closed {
		s.t.Errorf("batch %d is done after Close", n)
	}
}

// Close implements sink.Sink.
func (s *inspected) Close(ctx context.Context) error {
	err := s.Sink.Close(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for n := range s.done {
		if s.done[n] != 1 || s.released[n] != 1 {
			s.t.Errorf("batch %d of %d: done %d times, released %d times", n, len(s.done), s.done[n], s.released[n])
		}
	}
	return err
}

// inspectedResumable is the same for a sink that can be continued.
type inspectedResumable struct {
	*inspected
	sink.Resumable
}

// Write implements sink.Sink.
func (s inspectedResumable) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	s.inspected.Write(ctx, b, done)
}

// Close implements sink.Sink.
func (s inspectedResumable) Close(ctx context.Context) error { return s.inspected.Close(ctx) }

// Flush implements sink.Resumable.
func (s inspectedResumable) Flush(ctx context.Context, m sink.Moment) (any, error) {
	s.flush(true)
	defer s.flush(false)
	return s.Resumable.Flush(ctx, m)
}

func (s *inspected) flush(now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushing = now
}

// inspect puts itself between the engine and a sink: the test fails if a batch is not released once and done once, or is done at the wrong time. portion
// is told of each batch whether it is one of several of a record.
func inspect(t *testing.T, to sink.Opened, portion func(bool)) sink.Opened {
	t.Helper()
	within := &inspected{Sink: to.Sink, t: t, portion: portion}
	if r, ok := to.Sink.(sink.Resumable); ok {
		to.Sink = inspectedResumable{within, r}
	} else {
		to.Sink = within
	}
	return to
}
