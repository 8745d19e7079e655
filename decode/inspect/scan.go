package inspect

import (
	"context"
	"errors"
	"runtime"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/ordered"
)

// task is a chunk of a log.
type task struct {
	decode.Chunk
	log  int   // index in the list of logs
	size int64 // of the segment's file, unpacked
}

// tasks are the chunks of the logs, one log after another.
type tasks struct {
	*binlog.Backfill
	index map[*decode.Log]int // in the list of logs
}

func newTasks(logs []*binlog.Log) *tasks {
	s := &tasks{index: map[*decode.Log]int{}}
	plans := make([]*binlog.Plan, len(logs))
	for i, l := range logs {
		s.index[l.ID()] = i
		plans[i] = l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	}
	s.Backfill = binlog.NewBackfill(plans...)
	return s
}

// next gives the next chunk, and io.EOF after the last log.
func (s *tasks) next(ctx context.Context) (task, error) {
	c, err := s.Next(ctx)
	if err != nil {
		return task{}, err
	}
	t := task{Chunk: c, log: s.index[c.Log]}
	if sized, ok := c.Blocks.(interface{ Size() int64 }); ok {
		t.size = sized.Size()
	}
	return t, nil
}

// Options say how Info and Verify read. The zero value is the default.
type Options struct {
	Workers int // 0: one for each CPU
	Decoder decode.DecoderOptions

	// Progress is told how many bytes of the log have been dealt with since the last call.
	Progress func(bytes int64)
}

// visitor is what a worker does with the records that it finds. R is what becomes of a chunk.
type visitor[R any] interface {
	begin(t *task)
	record(w *decode.Walker) // a sound record
	lost(l decode.Lost)      // a range inside the chunk: the next record does not follow the one before
	finish(p decode.Coverage, failure error) R
}

// found is what there is in a chunk.
type found struct {
	task    task
	covered decode.Coverage
	lost    []decode.Lost // inside the chunk
	failure error         // of the disk, or the end of the context: not of the log
}

// scan reads the logs with all workers. join gets the result of each chunk in log order.
func scan[R any](ctx context.Context, logs []*binlog.Log, o *Options, strict bool, visit func() visitor[R], join func(context.Context, R) error) error {
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	walkers, err := newWalkers(workers, o, strict)
	if err != nil {
		return err
	}
	chunks := newTasks(logs)
	err = ordered.Run(ctx, workers, 4*workers, ordered.Stages[task, R]{
		Next: chunks.next,
		Worker: func() func(context.Context, uint64, task) R {
			w, v := walkers[0], visit()
			walkers = walkers[1:]
			return func(ctx context.Context, _ uint64, t task) R { return work(ctx, w, v, &t) }
		},
		Join: join,
	}, func(R) {})
	return errors.Join(err, chunks.Close())
}

// walker reads one chunk after another. It belongs to one goroutine.
type walker struct {
	decode.Walker
	large   chan struct{} // held by the one walker that reads a large record
	holding bool
}

// largeRecord is the size from which records are read one at a time, so that the memory for them does
// not grow with the number of workers.
const largeRecord = 16 << 20

func newWalkers(n int, o *Options, strict bool) ([]*walker, error) {
	large := make(chan struct{}, 1)
	walkers := make([]*walker, n)
	for i := range walkers {
		d, err := decode.NewDecoder(o.Decoder)
		if err != nil {
			return nil, err
		}
		walkers[i] = &walker{large: large}
		walkers[i].Decoder, walkers[i].Skip, walkers[i].Scanner.Strict = d, true, strict
	}
	return walkers, nil
}

func (w *walker) reserve(ctx context.Context, size int64) error {
	if size < largeRecord || w.holding {
		return nil
	}
	select {
	case w.large <- struct{}{}:
		w.holding = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *walker) release() {
	if w.holding {
		<-w.large
		w.holding = false
	}
}

func work[R any](ctx context.Context, w *walker, v visitor[R], t *task) R {
	defer t.Release()
	v.begin(t)
	if t.Missing != nil {
		return v.finish(decode.Coverage{}, nil)
	}
	defer w.release()
	w.Lost = v.lost
	w.Scanner.Reserve = func(size int64) error { return w.reserve(ctx, size) }
	w.Reset(t.Blocks, t.Span)
	for w.Next() {
		v.record(&w.Walker)
	}
	return v.finish(w.Coverage())
}
