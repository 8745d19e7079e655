package encode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"pikabin/decode"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// joiner puts the batches back into one stream, with the ranges that are lost between them.
type joiner struct {
	o      *Options
	out    sink.Opened
	passes sink.Transactional // the sink, if it is one
	pool   *pool
	again  *worker // encodes what belongs to no chunk, and a chunk that a limit cuts

	db     string // that the stream has last been switched to
	ledger *ledger
	seam   seam
	teller teller
	result Result

	stop    context.CancelCauseFunc // ends the reading
	mu      sync.Mutex
	failure error // of the sink
}

// join takes the next batch in the order of the log.
func (j *joiner) join(ctx context.Context, b *parcel) error {
	defer b.chunkRelease()()
	err := j.failed()
	switch {
	case err != nil:
	case b.chunk.Missing != nil:
		err = j.hole(ctx, b.chunk.Missing, b.Epoch)
	case b.err != nil:
		err = b.err
	default:
		return j.take(ctx, b)
	}
	j.pool.put(b)
	return err
}

// take delivers a batch after the ranges that are lost in front of it, and looks at how it ended.
func (j *joiner) take(ctx context.Context, b *parcel) error {
	account := j.ledger.account(b.chunk.Log, beginOf(&b.chunk))
	account.epoch = b.Epoch
	torn := account.chain.Torn()
	if err := j.place(ctx, account, b); err != nil {
		j.pool.put(b)
		return err
	}
	limited := j.o.Limit > 0 && j.result.Changes+b.changes >= j.o.Limit
	if limited && j.result.Changes+b.changes > j.o.Limit {
		b.rewind()
		j.again.encode(ctx, b, j.o.Limit-j.result.Changes)
	}
	for _, l := range b.lost {
		j.report(l)
	}
	j.teller.take(&b.doubts)
	log, deliver := b.Log, j.deliver
	if b.large {
		deliver = j.deliverLarge
	}
	if err := deliver(ctx, b); err != nil {
		return err
	}
	switch damage := account.chain.Damage(); {
	case limited:
		j.ledger.unchain() // how the segments end is not looked at any more
		return io.EOF
	case !torn && account.chain.Torn():
		j.result.Torn = append(j.result.Torn, Torn{Log: log, At: account.chain.End()})
	case damage != nil && !j.o.SkipCorrupt:
		return fmt.Errorf("%s: %w", log, damage)
	}
	return nil
}

// place puts a batch after the one before it, with the ranges that are lost between them.
func (j *joiner) place(ctx context.Context, account *account, b *parcel) error {
	if err := account.chain.Add(&b.covered, j.lost(ctx, &b.chunk)); err != nil {
		return err
	}
	if account.rest = (decode.Fence{}); !account.chain.Clean() {
		account.rest = j.fence(&b.chunk, min(b.chunk.End, b.chunk.Limit))
	}
	return nil
}

// lost gives what takes a range that is lost before a chunk, or after the last one if that is nil: an error, or an event in the stream.
func (j *joiner) lost(ctx context.Context, before *decode.Chunk) func(decode.Lost) error {
	return func(l decode.Lost) error {
		if !j.o.SkipCorrupt {
			return fmt.Errorf("%s: %w", l.Log, l.Err)
		}
		j.report(l)
		return j.event(ctx, lostChange(&l), l.To, j.fenceOf(&l, before))
	}
}

// fenceOf is the fingerprint of the end of a range that is lost: it is in the segment of the chunk after it, or at the end of what was joined last.
// A server may yet write over what never was part of its log.
func (j *joiner) fenceOf(l *decode.Lost, before *decode.Chunk) decode.Fence {
	switch {
	case l.Open:
		return decode.Fence{}
	case before != nil && before.Segment == l.To.Segment:
		return j.fence(before, l.To.Offset)
	}
	return j.ledger.account(l.Log, l.To).rest
}

// fence is the fingerprint of a place in the segment of a chunk, if positions are kept. It is that of nothing if the bytes cannot be read: they were lost.
func (j *joiner) fence(c *decode.Chunk, at int64) decode.Fence {
	if !j.o.Fences {
		return decode.Fence{}
	}
	fence, _ := decode.NewFence(c.Blocks, -1, at, c.Generation)
	return fence
}

// hole is a range that the source could not give: an error, or an event in the stream. What comes after it is of an epoch.
func (j *joiner) hole(ctx context.Context, h decode.Hole, epoch uint32) error {
	log, from, to := h.Hole()
	account := j.ledger.account(log, from)
	if err := account.chain.Close(j.lost(ctx, nil)); err != nil {
		return err
	}
	c := &decode.Change{
		Op: decode.OpGap, Log: log, Segment: to.Segment, Offset: to.Offset, From: from, To: to, Reason: h.Why(),
	}
	count := &j.result.Gaps
	if _, ok := h.(decode.Rewritten); ok {
		c.Op = decode.OpRewritten
	}
	if isDamage(h) {
		c.Op, c.Segment, c.Offset = decode.OpCorrupt, from.Segment, from.Offset
		count = &j.result.Lost
	}
	if !j.o.Skips(h) {
		return h
	}
	*count++
	j.o.Stats.Skipped(c.Op, h)
	account.epoch = epoch
	j.o.Report(h)
	return j.event(ctx, c, to, decode.Fence{}) // the bytes before it are missing, too
}

func (j *joiner) report(l decode.Lost) {
	j.result.Lost++
	j.result.LostBytes += l.To.Offset - l.From.Offset
	j.o.Stats.Skipped(decode.OpCorrupt, &l)
	j.o.Report(&l)
}

// event delivers a change that is no command of the log. fence is of the end.
func (j *joiner) event(ctx context.Context, c *decode.Change, end decode.Position, fence decode.Fence) error {
	b := j.pool.get()
	b.Log, b.Begin, b.End, b.Fence = c.Log, decode.Position{Segment: c.Segment, Offset: c.Offset}, end, fence
	b.Epoch = j.ledger.account(b.Log, end).epoch
	c.Epoch = b.Epoch
	j.again.add(b, c)
	return j.deliver(ctx, j.framed(b))
}

// framed finishes a batch that the joiner has filled itself.
func (j *joiner) framed(b *parcel) *parcel {
	j.again.b = b
	j.again.finish()
	return b
}

// deliver hands a batch to the sink. Its position counts once it and all before it are acknowledged.
func (j *joiner) deliver(ctx context.Context, b *parcel) error {
	if len(b.Data) > 0 && b.Log.DB != j.db && !j.out.Traits.PerLog {
		if err := j.switchDB(ctx, b.Log); err != nil {
			j.pool.put(b)
			return err
		}
	}
	ack := func() {}
	switch {
	case b.part:
		ack = j.ledger.hold(b.Log)
	case b.covered.First >= 0 || len(b.Data) > 0:
		ack = j.ledger.track(b)
	}
	return j.write(ctx, b, ack)
}

// write hands a batch to the sink, if there is something in it, and counts it.
func (j *joiner) write(ctx context.Context, b *parcel, ack func()) error {
	j.result.Add(b.volume())
	j.o.Stats.Add(b.volume())
	if j.o.Progress != nil {
		j.o.Progress(b.read)
	}
	if len(b.Data) == 0 {
		if j.passes != nil && b.covered.First >= 0 {
			j.passes.Pass(b.Log, b.Mark())
		}
		ack()
		j.pool.put(b)
		return nil
	}
	ack = j.o.Stats.Send(ack)
	b.sent = true
	j.out.Sink.Write(ctx, &b.Batch, func(err error) {
		if err != nil {
			j.fail(err)
		} else {
			ack()
		}
	})
	return j.failed()
}

// head writes what a file begins with, if it is a new one.
func (j *joiner) head(ctx context.Context) error {
	if j.out.Traits.Messages || j.out.Traits.PerLog || j.out.Found.NotEmpty {
		return nil
	}
	head, err := j.o.Head()
	if head == nil || err != nil {
		return err
	}
	b := j.pool.get()
	b.Data, b.Log = head, &decode.Log{DB: j.db}
	return j.write(ctx, b, func() {})
}

// emptyFrame writes a compressed nothing if nothing has been written, now or before, since no bytes at all are no file that
// zstd -d or gzip -d would take.
func (j *joiner) emptyFrame(ctx context.Context) {
	if j.again.frames == nil || j.result.Written > 0 || j.out.Traits.PerLog || j.out.Found.NotEmpty {
		return
	}
	b := j.pool.get()
	b.packed, b.Loose = j.again.frames.AppendFrame(b.packed, nil), false
	b.Data, b.Log = b.packed, &decode.Log{DB: j.db}
	j.write(ctx, b, func() {}) //nolint:errcheck,gosec // it is kept, and asked for when the sink is closed
}

// switchDB puts what tells of another DB into the stream, in formats that need it. It moves no position, and
// holds those after it until it is delivered.
func (j *joiner) switchDB(ctx context.Context, log *decode.Log) error {
	j.db = log.DB
	s, ok := j.again.encoder.(formats.Switcher)
	if !ok || j.again.traits.Messages {
		return nil
	}
	b := j.pool.get()
	b.Log = log
	var err error
	if b.plain, err = s.AppendSwitch(b.plain, log.DB); err != nil {
		j.pool.put(b)
		return err
	}
	return j.write(ctx, j.framed(b), j.ledger.hold(log))
}

// watch listens to a sink that can fail while nothing is written, until the context ends. It returns what waits for that.
func (j *joiner) watch(ctx context.Context) (wait func()) {
	failed := j.out.Traits.Failed
	if failed == nil {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case err := <-failed:
			j.fail(err)
		case <-ctx.Done():
		}
	})
	return wg.Wait
}

// fail notes that the sink has failed. It may be while nothing is read, so that nobody would ask.
func (j *joiner) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure != nil {
		return
	}
	failure, ok := errors.AsType[*sink.Error](err)
	if !ok {
		failure = &sink.Error{Err: err}
	}
	j.failure = failure
	j.o.Stats.Failed(failure.Err)
	j.stop(failure)
}

func (j *joiner) failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}
