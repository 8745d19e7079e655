package inspect

import (
	"context"
	"errors"
	"runtime"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/ordered"
)

// task is a chunk of a log, or a hole in it.
type task struct {
	log     int // index in the list of logs
	span    decode.Span
	source  decode.Source
	size    int64 // of the segment's file, unpacked
	release func()
	hole    error
}

// source hands out the chunks of the logs, one log after another.
type source struct {
	*binlog.Backfill
	index map[*decode.Log]int // in the list of logs
}

func newSource(logs []*binlog.Log) *source {
	s := &source{index: map[*decode.Log]int{}}
	plans := make([]*binlog.Plan, len(logs))
	for i, l := range logs {
		s.index[l.ID()] = i
		plans[i] = l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	}
	s.Backfill = binlog.NewBackfill(plans...)
	return s
}

// next gives the next chunk or hole, and io.EOF after the last log.
func (s *source) next(ctx context.Context) (task, error) {
	chunk, err := s.Next(ctx)
	var hole decode.Hole
	switch {
	case err == nil:
		return newTask(s.index[chunk.Log], chunk), nil
	case errors.As(err, &hole):
		log, _, _ := hole.Hole()
		return task{log: s.index[log], hole: err}, nil
	}
	return task{}, err
}

func newTask(log int, c decode.Chunk) task {
	t := task{log: log, span: c.Span, source: c.Source, release: c.Release}
	if sized, ok := c.Source.(interface{ Size() int64 }); ok {
		t.size = sized.Size()
	}
	return t
}

// isHole tells what is missing in its place in the log, after which the plan continues, from what ends it.
func isHole(err error) bool {
	var hole decode.Hole
	return errors.As(err, &hole)
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
	begin(t *task)           // a chunk, or a hole
	record(w *decode.Walker) // a sound record
	lost(l decode.Lost)      // a range inside the chunk: the next record does not follow the one before
	finish(p decode.Piece, failure error) R
}

// found is what there is in a chunk, or where there is a hole.
type found struct {
	task    task
	piece   decode.Piece
	lost    []decode.Lost // inside the piece
	failure error         // of the disk, or the end of the context: not of the log
}

// scan reads the logs with all workers. join gets the result of each chunk and each hole in log order.
func scan[R any](ctx context.Context, logs []*binlog.Log, o *Options, strict bool, visit func() visitor[R], join func(context.Context, R) error) error {
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	walkers, err := newWalkers(workers, o, strict)
	if err != nil {
		return err
	}
	src := newSource(logs)
	err = ordered.Run(ctx, workers, 4*workers, ordered.Stages[task, R]{
		Next: src.next,
		Worker: func() func(context.Context, uint64, task) R {
			w, v := walkers[0], visit()
			walkers = walkers[1:]
			return func(ctx context.Context, _ uint64, t task) R { return work(ctx, w, v, &t) }
		},
		Join: join,
	}, func(R) {})
	return errors.Join(err, src.Close())
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
	v.begin(t)
	if t.hole != nil {
		return v.finish(decode.Piece{}, nil)
	}
	defer t.release()
	defer w.release()
	w.Lost = v.lost
	w.Scanner.Reserve = func(size int64) error { return w.reserve(ctx, size) }
	w.Reset(t.source, t.span)
	for w.Next() {
		v.record(&w.Walker)
	}
	return v.finish(w.Piece())
}
