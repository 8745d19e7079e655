package encode

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"pikabin/decode"
	"pikabin/decode/ordered"
	"pikabin/encode/budget"
	"pikabin/encode/checkpoint"
	"pikabin/encode/filter"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// Source hands out the chunks of one log after another, each log in its order.
type Source interface {
	// Next returns the next chunk, a decode.Hole where a range of the log is missing, after which it may
	// be called again and continues after that, or io.EOF.
	Next(ctx context.Context) (decode.Chunk, error)
}

// Options say what Run does. Format is needed; the rest has useful zero values.
type Options struct {
	Format        formats.Format
	FormatOptions formats.Options
	Decoder       decode.DecoderOptions
	Filter        filter.Filter
	Compression   frame.Compression

	Workers int   // 0: one for each CPU
	Memory  int64 // bound on the bytes in flight; 0: 256 MiB. One record may be larger, alone.
	Limit   int64 // stop after so many changes; 0: no limit

	// Where these are set a damaged or missing range becomes an event, and the reading continues.
	SkipCorrupt, SkipGaps bool

	// Start are the places from which logs are read that are known before: those of a log that was read before have a
	// fence and an epoch.
	Start map[*decode.Log]checkpoint.Mark

	// Late, if set, gives the same for a log that is not in Start, when the first thing of it comes. False: nothing is known.
	Late func(*decode.Log) (checkpoint.Mark, bool)

	// Save, if set, is called about once a second and at the end with what has been delivered, if there is more than at
	// the last call. It is called from one goroutine at a time. On an error it is called again later.
	Save func(Checkpoint) error

	// Stop, if set, is closed when the run is to end, for what waits for room for the state.
	Stop <-chan struct{}

	// Fences says that Save keeps what it is given, so that positions need a fingerprint of what is before them.
	Fences bool

	// Hive parts batches by the hours of their events in this zone, for a folder with such partitions. Nil: they are not.
	Hive *time.Location

	// Roll asks for the current part of the output to be completed.
	Roll <-chan struct{}

	// Warn takes a line for the user, from any goroutine.
	Warn func(string)

	// Report is told of each range that was skipped, a *decode.Lost or a decode.Hole, in log order.
	Report func(error)

	// Progress is told how many bytes of the log have been dealt with since the last call.
	Progress func(bytes int64)

	// Stats, if set, is kept up to date for whoever watches.
	Stats *Stats

	gathers   bool // the sink compresses small batches itself
	positions bool // the sink is a Positioner
}

// Result is what a run did.
type Result struct {
	Records, Changes, Passed int64
	Read, Plain, Written     int64 // bytes of the log, of the changes, and of the output
	Lost, LostBytes, Gaps    int64 // skipped: damaged ranges, their bytes as far as they are there, missing ranges
	Torn                     []Torn
	Logs                     []*decode.Log
	Committed                map[*decode.Log]decode.Position
}

// Torn is where a log without a manifest ends in half a record.
type Torn struct {
	Log *decode.Log
	At  decode.Position
}

func (r *Result) add(b *parcel) {
	r.Records += b.records
	r.Changes += b.changes
	r.Passed += b.passed
	r.Read += b.read
	r.Plain += b.text
	r.Written += int64(len(b.Data))
}

// chunkShare is what a chunk in flight is reckoned to take at least: what it is read through, and several times its
// own 512 KiB of output, plain and compressed. What its buffers take beyond that is charged as they grow.
const chunkShare = 4 << 20

// batchCost is what a batch that waits to be delivered is reckoned to take besides its buffers, here and in a sink.
const batchCost = 16 << 10

// defaultMemory bounds the bytes in flight unless told otherwise.
const defaultMemory = 256 << 20

// Run takes everything from src to a sink, and closes it. The bytes do not depend on the number of
// workers. On an error all that comes before it in the log has been handed to the sink.
func Run(ctx context.Context, src Source, to sink.Sink, o Options) (Result, error) {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Workers = max(1, min(o.Workers, int(o.Memory/(2*chunkShare))))
	if o.Report == nil {
		o.Report = func(error) {}
	}
	keeper, keeps := to.(sink.Keeper)
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j := &joiner{o: &o, sink: to, keeps: keeps, db: decode.FirstDB, ledger: newLedger(&o), stop: stop, teller: teller{warn: o.warn}}
	if c, ok := to.(sink.Continued); ok {
		j.db, j.begun = c.DB(), c.Begun()
	}
	if g, ok := to.(sink.Gatherer); ok {
		o.gathers = g.Gathers()
	}
	noter, _ := to.(sink.Noter)
	s := &saver{o: &o, keeper: keeper, noter: noter, ledger: j.ledger, fail: j.fail}
	o.Stats.begin(j.ledger, o.Fences)
	parts, isParted := to.(sink.Parted)
	if isParted {
		parts.SetHeader(j.header)
	}
	j.parted = isParted
	err := j.all(ctx, within, src, s)
	j.result.Logs = s.ledger.logs
	j.result.Committed = map[*decode.Log]decode.Position{}
	for log, mark := range s.ledger.marks() {
		j.result.Committed[log] = mark.Position
	}
	o.Stats.ended(err)
	return j.result, err
}

// all is Run from the first checkpoint to the closing of the sink.
func (j *joiner) all(ctx, within context.Context, src Source, s *saver) error {
	err := s.first(ctx)
	if p, ok := j.sink.(sink.Positioner); ok && err == nil {
		if err = p.Begin(ctx, s.o.Start); err != nil {
			err = &sink.Error{Err: err}
		}
	}
	if err != nil {
		if _, ok := errors.AsType[*sink.Error](err); ok {
			j.fail(err)
		}
		return errors.Join(err, j.sink.Close(context.WithoutCancel(ctx)))
	}
	end := s.begin(context.WithoutCancel(ctx))
	watched := j.watch(within)
	runErr := run(within, src, j)
	j.stop(nil)
	watched()
	end()
	closeErr, stateErr := s.finish(context.WithoutCancel(ctx), j.sink, j.failed)
	if closeErr != nil {
		j.fail(closeErr)
	}
	err = outcome(ctx, runErr, j.failed())
	if stateErr != nil {
		err = errors.Join(err, stateErr)
	}
	return err
}

func (o *Options) warn(text string) {
	if o.Warn != nil {
		o.Warn(text)
	}
}

// run is Run up to the last checkpoint and the closing of the sink. It ends when the sink has failed, whatever is read.
func run(ctx context.Context, src Source, j *joiner) error {
	o := j.o
	room := budget.New(o.Memory)
	j.pool = newPool(room, o.Stats, 2*o.Workers)
	_, o.FormatOptions.Bare = j.sink.(sink.Messenger)
	_, o.positions = j.sink.(sink.Positioner)
	workers, err := newWorkers(o, room)
	if err != nil {
		return err
	}
	j.again = workers[o.Workers]
	err = ordered.Run(ctx, o.Workers, 4*o.Workers, ordered.Stages[*parcel, *parcel]{
		Next:   func(ctx context.Context) (*parcel, error) { return nextBatch(ctx, src, j.pool, j.ledger) },
		Worker: newWork(workers, o, room),
		Join:   j.join,
	}, func(b *parcel) { b.chunkRelease()(); j.pool.put(b) })
	if err == nil {
		err = j.ledger.close(j.lost(ctx))
	}
	j.emptyFrame(ctx)
	j.teller.end()
	return err
}

// outcome is what to tell of a run that may have failed, into a sink that may have failed, both perhaps only because
// they were told to stop.
func outcome(ctx context.Context, runErr, sinkErr error) error {
	stopped := func(err error) bool {
		return ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, ctx.Err()))
	}
	switch {
	case sinkErr == nil:
		return runErr
	case sink.EndedFull(sinkErr) && ctx.Err() != nil:
		return fmt.Errorf("%w: %w", context.Cause(ctx), sinkErr)
	case stopped(sinkErr):
		return context.Cause(ctx)
	case runErr == nil || stopped(runErr) || errors.Is(runErr, sinkErr):
		return sinkErr
	}
	return errors.Join(sinkErr, runErr)
}

// Check says what is wrong with the options, before anything is opened.
func (o *Options) Check() error {
	if _, err := o.Filter.Compile(); err != nil {
		return err
	}
	_, err := decode.NewDecoder(o.Decoder)
	return err
}

// nextBatch asks the source for a chunk and gives it a batch. Here the epochs are counted, since the events of a chunk show its own.
func nextBatch(ctx context.Context, src Source, pool *pool, ledger *ledger) (*parcel, error) {
	chunk, err := src.Next(ctx)
	var hole decode.Hole
	if err != nil && !errors.As(err, &hole) {
		return nil, err
	}
	b := pool.get()
	b.chunk, b.hole = chunk, hole
	if hole != nil {
		log, from, _ := hole.Hole()
		_, rewritten := hole.(decode.Rewritten)
		b.Epoch = ledger.next(log, from, rewritten)
	} else {
		b.Epoch = ledger.next(chunk.Log, decode.Position{Segment: chunk.Segment, Offset: chunk.Begin}, false)
	}
	b.chunk.Epoch = b.Epoch
	return b, nil
}

// newWorkers makes one worker for each goroutine and one for the joiner.
func newWorkers(o *Options, room *budget.Budget) ([]*worker, error) {
	matcher, err := o.Filter.Compile()
	if err != nil {
		return nil, err
	}
	o.FormatOptions.SplitKeys = o.Filter.ByKey()
	workers := make([]*worker, o.Workers+1)
	for i := range workers {
		w := &worker{filter: matcher, encoder: o.Format.New(o.FormatOptions), fences: o.Fences || o.positions, zone: o.Hive, budget: room, gathers: o.gathers}
		w.doubter, _ = w.encoder.(formats.Doubter)
		w.messages = o.FormatOptions.Bare
		w.newDecoder = func() (*decode.Decoder, error) { return decode.NewDecoder(o.Decoder) }
		w.walker.Skip, w.walker.Lost = o.SkipCorrupt, w.lose
		if w.walker.Decoder, err = w.newDecoder(); err != nil {
			return nil, err
		}
		if w.frames, err = o.Compression.NewCompressor(); err != nil {
			return nil, err
		}
		workers[i] = w
	}
	return workers, nil
}

// newWork hands the workers out to the goroutines.
func newWork(workers []*worker, o *Options, room *budget.Budget) func() func(context.Context, uint64, *parcel) *parcel {
	next := 0
	limit := o.Limit
	if limit == 0 {
		limit = -1
	}
	return func() func(context.Context, uint64, *parcel) *parcel {
		w := workers[next]
		next++
		return func(ctx context.Context, seq uint64, b *parcel) *parcel {
			b.seq, b.inFlight = seq, true
			if b.hole != nil {
				return b
			}
			share := max(chunkShare, b.footprint())
			if b.err = room.Acquire(ctx, seq, share); b.err != nil {
				return b
			}
			b.charged = share
			w.encode(ctx, b, limit)
			return b
		}
	}
}
