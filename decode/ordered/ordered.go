// Package ordered spreads work over goroutines and hands the results on in the order of the work, so
// that what comes out does not depend on how many there are.
package ordered

import (
	"context"
	"io"
	"sync"
)

// Stages are the three steps that each task goes through. T is a task, R what became of it.
type Stages[T, R any] struct {
	// Next gives the tasks, one after another, and io.EOF after the last. It runs in a goroutine of
	// its own. Another error ends the run once the tasks before it have been joined.
	Next func(context.Context) (T, error)

	// Worker is called once for each worker and returns what works on its tasks, one at a time. seq
	// counts the tasks from 0.
	Worker func() func(ctx context.Context, seq uint64, task T) R

	// Join takes the results in the order of the tasks, in the goroutine that called Run. An error ends
	// the run. io.EOF does so too, and Run then returns nil.
	Join func(context.Context, R) error
}

// slot is the place of a task in the order. done has room for the one result.
type slot[T, R any] struct {
	seq  uint64
	task T
	done chan R
	err  error
}

// Run works until the tasks end, with the given number of workers and at most depth results waiting to be
// joined. It returns when all its goroutines have ended; on an error, whatever had been begun is
// finished and dropped: drop is called with its result.
func Run[T, R any](ctx context.Context, workers, depth int, s Stages[T, R], drop func(R)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	queue := make(chan *slot[T, R], depth)
	jobs := make(chan *slot[T, R])
	var wg sync.WaitGroup
	wg.Go(func() { dispatch(ctx, s.Next, queue, jobs) })
	for range workers {
		work := s.Worker()
		wg.Go(func() {
			for slot := range jobs {
				slot.done <- work(ctx, slot.seq, slot.task)
			}
		})
	}
	err := join(ctx, queue, s.Join)
	cancel()
	for slot := range queue {
		if slot.err == nil {
			drop(<-slot.done)
		}
	}
	wg.Wait()
	if err == io.EOF { //nolint:errorlint // an error that wraps io.EOF, of a broken connection, is no proper end
		return nil
	}
	return err
}

// dispatch puts each task into the order first, then gives it to a worker: a task that a worker has is
// always waited for.
func dispatch[T, R any](ctx context.Context, next func(context.Context) (T, error), queue, jobs chan<- *slot[T, R]) {
	defer close(queue)
	defer close(jobs)
	for seq := uint64(0); ctx.Err() == nil; seq++ {
		task, err := next(ctx)
		slot := &slot[T, R]{seq: seq, task: task, err: err, done: make(chan R, 1)}
		select {
		case queue <- slot:
		case <-ctx.Done():
			// The task is worked on all the same, so that what it holds is let go of in one place.
			if err == nil {
				queue <- slot
			}
		}
		if err != nil {
			return
		}
		jobs <- slot
	}
}

func join[T, R any](ctx context.Context, queue <-chan *slot[T, R], join func(context.Context, R) error) error {
	for slot := range queue {
		if slot.err != nil {
			return slot.err
		}
		if err := join(ctx, <-slot.done); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
