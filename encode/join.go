package encode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/formats"
)

// joiner puts the batches back into one stream. It checks that each chunk's first record begins where
// the last one before it ended: whatever lies between, if anything does, is damage.
type joiner struct {
	o     *Options
	sink  Sink
	pool  *pool
	again *worker // encodes what belongs to no chunk, and a chunk that a limit cuts

	span  decode.Span // of the chunk before; its Log is nil at the start
	at    int64       // where the last record of its segment ended
	why   error       // damage from at on, of which the end is still to be found
	zeros bool        // the chunk before ended in zeros
	torn  bool        // the log ended in half a record

	db       string // that the stream has last been switched to
	trackers map[*decode.Log]*checkpoint.Tracker
	result   Result

	mu      sync.Mutex
	failure error // of the sink
}

// join takes the next batch in the order of the log.
func (j *joiner) join(ctx context.Context, b *Batch) error {
	defer b.chunkRelease()()
	err := j.failed()
	switch {
	case err != nil:
	case b.hole != nil:
		err = j.hole(ctx, b.hole)
	case isFatal(b.err):
		err = b.err
	default:
		if err = j.place(ctx, b); err == nil {
			return j.take(ctx, b)
		}
	}
	j.pool.put(b)
	return err
}

// isFatal tells a run that has to end from damage, which has its place in the stream.
func isFatal(err error) bool {
	var damage *decode.CorruptError
	return err != nil && !errors.As(err, &damage)
}

// place puts the batch behind the one before: it ends that one's segment if this is another one, and
// closes the range in front of the batch's first record, if there is one.
func (j *joiner) place(ctx context.Context, b *Batch) error {
	if b.chunk.Log != j.span.Log || b.chunk.Segment != j.span.Segment {
		if err := j.endSegment(ctx); err != nil {
			return err
		}
		j.at, j.why, j.zeros, j.torn = b.chunk.Begin, nil, false, false
		j.follow(b.chunk.Log, decode.Position{Segment: b.chunk.Segment, Offset: b.chunk.Begin})
	}
	j.span = b.chunk.Span
	if b.begin < 0 {
		return j.noRecord(b)
	}
	if j.why == nil && follows(j.at, b.begin) {
		return nil
	}
	if b.begin < j.at {
		return &decode.CorruptError{
			Segment: b.chunk.Segment, Offset: b.begin,
			Err: fmt.Errorf("%w: a record begins here, inside the one that ends at %d", decode.ErrBadSequence, j.at),
		}
	}
	return j.lost(ctx, b.begin, j.firstDamage(b))
}

// noRecord keeps what is wrong with a chunk in which no record begins: a long record may pass through
// it, and zeros may be all that is left.
func (j *joiner) noRecord(b *Batch) error {
	if b.zeros && b.headErr == nil {
		j.zeros = true
		return nil
	}
	if j.torn || b.torn || j.reaches(min(b.chunk.End, b.chunk.Limit)) {
		return nil
	}
	j.why, j.zeros = j.firstDamage(b), false
	if !j.o.SkipCorrupt {
		return j.why
	}
	return nil
}

// behind says what is wrong with the bytes behind the last record when no worker has: each took its part of them for
// the zeros at the end of the data, or for the rest of a record of the chunk before.
func (j *joiner) behind() error {
	err := fmt.Errorf("%w: the rest of a record whose beginning is not there", decode.ErrBadSequence)
	if j.zeros {
		err = decode.ErrZeros
	}
	return &decode.CorruptError{Segment: j.span.Segment, Offset: headerBehind(j.at), Err: err}
}

// firstDamage is the cause to name for the bytes between the last record and what the batch begins with: that which
// comes first in the log, so that it does not depend on where chunks were cut.
func (j *joiner) firstDamage(b *Batch) error {
	switch {
	case j.why != nil:
		return j.why
	case b.headErr != nil && !j.zeros:
		return b.headErr
	}
	return j.behind()
}

// take delivers a batch that is in its place, and keeps how it ended.
func (j *joiner) take(ctx context.Context, b *Batch) error {
	limited := j.o.Limit > 0 && j.result.Changes+b.Changes >= j.o.Limit
	if limited && j.result.Changes+b.Changes > j.o.Limit {
		b.rewind()
		j.again.encode(ctx, b, j.o.Limit-j.result.Changes)
		if err := b.err; isFatal(err) {
			j.pool.put(b)
			return err
		}
	}
	if b.begin >= 0 {
		j.at, j.why, j.zeros = b.end, nil, b.zeros
	}
	end, torn := b.err, b.torn
	for _, l := range b.lost {
		j.report(l)
	}
	if err := j.deliver(ctx, b); err != nil {
		return err
	}
	switch {
	case limited:
		j.span = decode.Span{} // how its segment ends is not looked at any more
		return io.EOF
	case torn && j.why == nil:
		j.torn = true
		j.result.Torn = append(j.result.Torn, Torn{Log: j.span.Log, At: j.position(j.at)})
	case end != nil && !j.o.SkipCorrupt:
		return end
	case end != nil && j.why == nil && j.at < j.span.End:
		j.why = end
	}
	return nil
}

// endSegment closes the range behind the last record of a segment, if it is not what it should be.
func (j *joiner) endSegment(ctx context.Context) error {
	end := min(j.span.End, j.span.Limit)
	clean := j.why == nil && (j.reaches(end) || j.zeros || j.torn)
	if j.span.Log == nil || clean {
		return nil
	}
	if j.why == nil {
		j.why = j.behind()
	}
	return j.lost(ctx, end, j.why)
}

// follows reports whether a record that begins at begin is next to one that ended at end: at most the
// trailer of a block lies between.
func follows(end, begin int64) bool { return begin == end || begin == headerBehind(end) }

// reaches reports whether the last record goes up to an offset, or up to the trailer of the block that ends there.
func (j *joiner) reaches(to int64) bool {
	return j.at >= to || follows(j.at, (to+decode.BlockSize-1)&^(decode.BlockSize-1))
}

// headerBehind is where the header behind a record that ended at end must be: in the next block, if there is no room
// for one in this.
func headerBehind(end int64) int64 {
	if left := -end & (decode.BlockSize - 1); left < 8 {
		return end + left
	}
	return end
}

func (j *joiner) position(offset int64) decode.Position {
	return decode.Position{Segment: j.span.Segment, Offset: offset}
}

// lost is damage from where the last record ended to offset to: an error, or an event in the stream.
func (j *joiner) lost(ctx context.Context, to int64, err error) error {
	if !j.o.SkipCorrupt {
		return err
	}
	l := LostError{Log: j.span.Log, From: j.position(j.at), To: j.position(to), Err: err}
	j.report(l)
	j.why, j.zeros, j.at = nil, false, to
	return j.event(ctx, l.change(), l.To)
}

// hole is a range that the source could not give: an error, or an event in the stream.
func (j *joiner) hole(ctx context.Context, h decode.Hole) error {
	if err := j.endSegment(ctx); err != nil {
		return err
	}
	log, from, to := h.Hole()
	j.span = decode.Span{}
	j.follow(log, from)
	c := &decode.Change{
		Op: decode.OpGap, Log: log, Segment: to.Segment, Offset: to.Offset, From: from, To: to, Reason: h.Error(),
	}
	skip, count := j.o.SkipGaps, &j.result.Gaps
	if !isFatal(h) {
		c.Op, c.Segment, c.Offset = decode.OpCorrupt, from.Segment, from.Offset
		skip, count = j.o.SkipCorrupt, &j.result.Lost
	}
	if !skip {
		return h
	}
	*count++
	j.o.Report(h)
	return j.event(ctx, c, to)
}

func (j *joiner) report(l LostError) {
	j.result.Lost++
	j.result.LostBytes += l.To.Offset - l.From.Offset
	j.o.Report(&l)
}

// event delivers a change that is no command of the log.
func (j *joiner) event(ctx context.Context, c *decode.Change, end decode.Position) error {
	b := j.pool.get()
	b.Log, b.End = c.Log, end
	b.plain = j.again.encoder.AppendChange(b.plain, c)
	return j.deliver(ctx, j.framed(b))
}

// framed finishes a batch that the joiner has filled itself.
func (j *joiner) framed(b *Batch) *Batch {
	j.again.b = b
	j.again.finish()
	return b
}

// deliver hands a batch to the sink. Its position counts once it and all before it are acknowledged.
func (j *joiner) deliver(ctx context.Context, b *Batch) error {
	if len(b.Data) > 0 && b.Log.DB != j.db {
		if err := j.switchDB(ctx, b.Log); err != nil {
			j.pool.put(b)
			return err
		}
	}
	ack := func() {}
	if b.begin >= 0 || len(b.Data) > 0 {
		ack = j.trackers[b.Log].Track(b.End)
	}
	return j.write(ctx, b, ack)
}

// write hands a batch to the sink, if there is something in it, and counts it.
func (j *joiner) write(ctx context.Context, b *Batch, ack func()) error {
	j.result.add(b)
	if j.o.Progress != nil {
		j.o.Progress(b.Read)
	}
	if len(b.Data) == 0 {
		ack()
		j.pool.put(b)
		return nil
	}
	j.sink.Write(ctx, b, func(err error) {
		if err != nil {
			j.fail(err)
		} else {
			ack()
		}
		j.pool.put(b)
	})
	return j.failed()
}

// emptyFrame writes a compressed nothing if nothing has been written, since no bytes at all are no file that
// zstd -d or gzip -d would take.
func (j *joiner) emptyFrame(ctx context.Context) {
	if j.again.frames == nil || j.result.Written > 0 {
		return
	}
	b := j.pool.get()
	b.packed = j.again.frames.appendFrame(b.packed, nil)
	b.Data = b.packed
	j.write(ctx, b, func() {}) //nolint:errcheck,gosec // it is kept, and asked for when the sink is closed
}

// switchDB puts what tells of another DB into the stream, in formats that need it. It moves no position, and
// holds those behind it until it is delivered.
func (j *joiner) switchDB(ctx context.Context, log *decode.Log) error {
	j.db = log.DB
	s, ok := j.again.encoder.(formats.Switcher)
	if !ok {
		return nil
	}
	b := j.pool.get()
	var err error
	if b.plain, err = s.AppendSwitch(b.plain, log.DB); err != nil {
		return err
	}
	return j.write(ctx, j.framed(b), j.trackers[log].Hold())
}

// follow makes the tracker of a log, when the first thing of it comes: so that a log of which nothing is delivered
// has a position, too.
func (j *joiner) follow(log *decode.Log, start decode.Position) {
	if j.trackers[log] == nil {
		j.trackers[log] = checkpoint.NewTracker(start)
		j.result.Logs = append(j.result.Logs, log)
	}
}

func (j *joiner) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure == nil {
		j.failure = &SinkError{Err: err}
	}
}

func (j *joiner) failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}
