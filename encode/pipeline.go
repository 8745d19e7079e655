package encode

import (
	"cmp"
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
	"pikabin/encode/stats"
	"pikabin/formats"
)

// Source hands out the chunks of some logs, those of each log in its order.
type Source interface {
	// Next returns the next chunk, with what is missing of the log in its place, or io.EOF.
	Next(ctx context.Context) (decode.Chunk, error)

	// Starts are the places from which logs are read, of all that were begun until now: those of a log that was read before have
	// a fence and an epoch. A log that is not among them is read from its first chunk on. It is for any goroutine, and the map is
	// the caller's.
	Starts() map[*decode.Log]checkpoint.Mark
}

// Options say what Run does. Format is needed; the rest has useful zero values.
type Options struct {
	Format        formats.Format
	FormatOptions formats.Options
	Decoder       decode.DecoderOptions
	Filter        filter.Filter
	Compression   frame.Compression
	Seal          formats.SealOptions // for formats with a Sealer: RowGroup, Timestamps and Version

	Workers int   // 0: one for each CPU
	Memory  int64 // bound on the bytes in flight; 0: 256 MiB. One record may be larger, alone.
	Limit   int64 // stop after so many changes; 0: no limit
	Portion int64 // how much is made at a time of one record with very many changes; 0: some 8 MiB

	// Where these are set a damaged or missing range becomes an event, and the reading continues.
	SkipCorrupt, SkipGaps bool

	// Save, if set, is called from time to time and at the end with what has been delivered, if there is more than at
	// the last call. It is called from one goroutine at a time. On an error it is called again later.
	Save func(Checkpoint) error

	// Every is how often Save is called; 0: about once a second. Lost, if set, says why the state is not this run's any more: then nothing is
	// saved or shown.
	Every time.Duration
	Lost  func() error

	// Stop, if set, is closed when the run is to end, for what waits for room for the state.
	Stop <-chan struct{}

	// Fences says that Save keeps what it is given, so that positions need a fingerprint of what is before them.
	Fences bool

	// Roll asks for the current part of the output to be completed.
	Roll <-chan struct{}

	// Warn takes a line for the user, from any goroutine.
	Warn func(string)

	// Report is told of each range that was skipped, a *decode.Lost or a decode.Hole, in log order.
	Report func(error)

	// Progress is told how many bytes of the log have been dealt with since the last call.
	Progress func(bytes int64)

	// Stats, if set, is kept up to date for whoever watches.
	Stats *stats.Stats
}

// Result is what a run did.
type Result struct {
	stats.Volume

	Lost, LostBytes, Gaps int64 // skipped: damaged ranges, their bytes as far as they are there, missing ranges
	Torn                  []Torn
	Logs                  []*decode.Log
	Committed             map[*decode.Log]decode.Position
}

// Torn is where a log without a manifest ends in half a record.
type Torn struct {
	Log *decode.Log
	At  decode.Position
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
func Run(ctx context.Context, src Source, to sink.Opened, o Options) (Result, error) {
	o.Memory = o.memory() - o.sealMemory()
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Workers = max(1, min(o.Workers, int(o.Memory/(2*chunkShare))))
	if o.Report == nil {
		o.Report = func(error) {}
	}
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j := &joiner{o: &o, out: to, db: cmp.Or(to.Found.DB, decode.FirstDB), ledger: newLedger(src), stop: stop, teller: teller{warn: o.warn}}
	s := &saver{o: &o, out: &j.out, ledger: j.ledger, seam: &j.seam, fail: j.fail}
	j.passes, _ = to.Sink.(sink.Transactional)
	s.resumable, _ = to.Sink.(sink.Resumable)
	j.ledger.timed = o.Stats != nil
	o.Stats.Begin(j.ledger.delivered, o.Fences)
	o.Fences = o.Fences || j.passes != nil
	err := j.all(ctx, within, src, s)
	j.result.Logs = s.ledger.logs
	j.result.Committed = map[*decode.Log]decode.Position{}
	for log, mark := range s.shown() {
		j.result.Committed[log] = mark.Position
	}
	o.Stats.Ended(err)
	return j.result, err
}

// all is Run from the first checkpoint to the closing of the sink.
func (j *joiner) all(ctx, within context.Context, src Source, s *saver) error {
	err := s.first(ctx)
	if j.passes != nil && err == nil {
		if err = j.passes.Begin(ctx, src.Starts()); err != nil {
			err = &sink.Error{Err: err}
		}
	}
	if err != nil {
		if _, ok := errors.AsType[*sink.Error](err); ok {
			j.fail(err)
		}
		return errors.Join(err, j.out.Sink.Close(context.WithoutCancel(ctx)))
	}
	end := s.begin(context.WithoutCancel(ctx))
	watched := j.watch(within)
	runErr := run(within, src, j)
	j.stop(nil)
	watched()
	if written := j.out.Traits.Whole; written != nil && runErr == nil {
		written()
	}
	end()
	closeErr, stateErr := s.finish(context.WithoutCancel(ctx), runErr == nil, j.failed)
	if closeErr != nil {
		j.fail(closeErr)
	}
	err = outcome(ctx, runErr, j.failed())
	if stateErr != nil {
		err = errors.Join(err, stateErr)
	}
	return err
}

// Skips says whether a run continues after what is missing.
func (o *Options) Skips(h decode.Hole) bool {
	if isDamage(h) {
		return o.SkipCorrupt
	}
	return o.SkipGaps
}

// isDamage tells a segment that is cut short from a gap.
func isDamage(h decode.Hole) bool {
	_, ok := errors.AsType[*decode.CorruptError](h)
	return ok
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
	workers, err := newWorkers(o, &j.out, room)
	if err != nil {
		return err
	}
	j.again = workers[o.Workers]
	if err := j.head(ctx); err != nil {
		return err
	}
	err = ordered.Run(ctx, o.Workers, 4*o.Workers, ordered.Stages[*parcel, *parcel]{
		Next:   func(ctx context.Context) (*parcel, error) { return nextBatch(ctx, src, j.pool, j.ledger) },
		Worker: newWork(workers, o, room),
		Join:   j.join,
	}, func(b *parcel) { b.chunkRelease()(); j.pool.put(b) })
	if err == nil {
		err = j.ledger.close(j.lost(ctx, nil))
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
	if _, err := decode.NewDecoder(o.Decoder); err != nil {
		return err
	}
	return o.checkMemory()
}

// nextBatch asks the source for a chunk and gives it a batch. Here the epochs are counted, since the events of a chunk show its own.
func nextBatch(ctx context.Context, src Source, pool *pool, ledger *ledger) (*parcel, error) {
	chunk, err := src.Next(ctx)
	if err != nil {
		return nil, err
	}
	b := pool.get()
	b.chunk = chunk
	_, rewritten := chunk.Missing.(decode.Rewritten)
	b.Epoch = ledger.next(chunk.Log, beginOf(&chunk), rewritten)
	b.chunk.Epoch = b.Epoch
	return b, nil
}

// beginOf is where a chunk begins, or what is missing in its place.
func beginOf(c *decode.Chunk) decode.Position {
	if c.Missing != nil {
		_, from, _ := c.Missing.Hole()
		return from
	}
	return decode.Position{Segment: c.Segment, Offset: c.Begin}
}

// newWorkers makes one worker for each goroutine and one for the joiner.
func newWorkers(o *Options, out *sink.Opened, room *budget.Budget) ([]*worker, error) {
	traits := &out.Traits
	matcher, err := o.Filter.Compile()
	if err != nil {
		return nil, err
	}
	o.FormatOptions.SplitKeys = o.Filter.ByKey()
	o.FormatOptions.Bare, o.FormatOptions.Told = traits.Messages, len(traits.Lead) > 0
	workers := make([]*worker, o.Workers+1)
	for i := range workers {
		w := &worker{filter: matcher, encoder: o.Format.New(o.FormatOptions), fences: o.Fences, traits: traits, budget: room, portion: o.portion(out.Sink)}
		w.doubter, _ = w.encoder.(formats.Doubter)
		w.walker.Skip, w.walker.Lost = o.SkipCorrupt, w.lose
		if w.walker.Decoder, err = decode.NewDecoder(o.Decoder); err != nil {
			return nil, err
		}
		if !traits.Messages {
			w.frames, err = o.Frames()
		}
		if err != nil {
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
			if b.chunk.Missing != nil {
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
