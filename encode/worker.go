package encode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"pikabin/decode"
	"pikabin/formats"
)

// worker turns chunks into batches: it does everything that costs CPU. It belongs to one goroutine.
type worker struct {
	scanner    decode.Scanner
	decoder    *decode.Decoder
	newDecoder func() (*decode.Decoder, error)
	filter     *matcher
	encoder    formats.Encoder
	frames     compressor
	skip       bool // go on behind damage
	fences     bool // positions are saved
	messages   bool // the sink is a Messenger
	budget     *budget

	rec    decode.Record
	change decode.Change
	chunk  decode.Chunk
	last   int64 // where the last record begins, -1 if the last thing was a range that is lost
	large  int64 // size of the largest record of the chunk, if it is charged by itself
	b      *Batch
	damage error // from the last record on, until the next one is found
}

// encode reads the records that begin in the batch's chunk into the batch. limit bounds the number of changes.
func (w *worker) encode(ctx context.Context, b *Batch, limit int64) {
	w.b, w.chunk = b, b.chunk
	w.scanner.Reset(w.chunk.Source, w.chunk.Span)
	passed := w.decoder.Passed()

	b.Log, b.end, w.last = w.chunk.Log, -1, -1
	w.scanner.Reserve = func(n int64) error { return w.reserve(ctx, n) }
	if err := w.records(ctx, limit); err != io.EOF { //nolint:errorlint // damage may wrap it
		b.err = err
	}
	b.begin = w.scanner.Begin()
	if b.end < 0 {
		b.end = b.begin
	}
	b.headErr = earlier(w.scanner.HeadError(), b.headErr)
	b.zeros = w.scanner.Zeros()
	b.End = w.position(b.end)
	w.fence()
	b.Passed = int64(w.decoder.Passed() - passed)
	b.Read = max(min(w.chunk.End, w.chunk.Limit)-w.chunk.Begin, 0)
	w.finish()
	w.trim()
}

// fence takes the fingerprint of the batch's end.
func (w *worker) fence() {
	if !w.fences || w.b.end < 0 {
		return
	}
	var err error
	if w.b.Fence, err = decode.NewFence(w.chunk.Source, w.last, w.b.end, w.chunk.Generation); err != nil && !isFatal(w.b.err) {
		w.b.err = err
	}
}

// earlier is that of two damages which comes first in the segment, b if both are at the same place; either may be nil.
func earlier(a, b error) error {
	var first, second *decode.CorruptError
	if !errors.As(a, &first) || errors.As(b, &second) && second.Offset <= first.Offset {
		return b
	}
	return a
}

func (w *worker) position(offset int64) decode.Position {
	return decode.Position{Segment: w.chunk.Segment, Offset: offset}
}

// largeRecord is the size from which a record is charged to the budget by itself; what is smaller is
// covered by the share of its chunk.
const largeRecord = 1 << 20

// outputMargin is what the encoding of a large record may add to it without another growth of the buffer.
const outputMargin = 64 << 10

// reserve asks the budget for a record of n bytes and for what becomes of it.
func (w *worker) reserve(ctx context.Context, n int64) error {
	if n < largeRecord {
		return nil
	}
	w.large = n
	return w.charge(ctx, w.b.footprint()+2*n)
}

// charge takes from the budget what the batch needs beyond what it has taken before.
func (w *worker) charge(ctx context.Context, need int64) error {
	more := need - w.b.charged
	if more <= 0 {
		return nil
	}
	if err := w.budget.acquire(ctx, w.b.seq, more); err != nil {
		return err
	}
	w.b.charged += more
	return nil
}

// trim lets go of what a large record has made large, and gives the budget back what is not kept until the batch is
// delivered: the record itself, and the changes if they have been compressed.
func (w *worker) trim() {
	if w.large > 0 {
		w.large, w.rec, w.change = 0, decode.Record{}, decode.Change{}
		w.scanner.Reset(nil, decode.Span{})
		if fresh, err := w.newDecoder(); err == nil {
			w.decoder = fresh // the old one keeps as many arguments as it has ever seen
		}
		if w.frames != nil {
			w.b.plain = nil
		}
	}
	if rest := w.b.charged - max(chunkShare, w.b.footprint()); rest > 0 && w.b.inFlight {
		w.budget.refund(rest)
		w.b.charged -= rest
	}
}

// records walks the chunk. The error is io.EOF at its end, or when the limit is reached; or it is what ends the chunk
// early, damage that reaches to its end included.
func (w *worker) records(ctx context.Context, limit int64) error {
	for w.damage = nil; ; {
		err := w.scanner.Next(&w.rec)
		switch {
		case err == nil:
			w.found()
			if err = w.record(ctx, limit); err != nil {
				err = w.badContent(err)
			}
		case err != io.EOF: //nolint:errorlint // damage may wrap it
			err = w.badFrame(err)
		case w.damage != nil:
			err = w.damage
		}
		if err != nil {
			return err
		}
	}
}

// found closes a range of damage in front of the record last read. In front of the chunk's first record that is left to
// the joiner, who sees both sides.
func (w *worker) found() {
	if w.damage != nil && w.b.end >= 0 {
		w.lose(w.b.end, w.rec.Offset, w.damage)
	}
	w.damage = nil
}

// record encodes the changes of the record last read. Some become many times as long as they were.
func (w *worker) record(ctx context.Context, limit int64) error {
	if err := w.decoder.Decode(&w.chunk.Span, &w.rec); err != nil {
		return err
	}
	for w.decoder.Next(&w.change) {
		if !w.filter.keep(&w.change) {
			continue
		}
		if w.b.Changes == limit {
			return io.EOF
		}
		if part := len(w.rec.Payload); w.change.Part == 0 && part >= largeRecord {
			w.b.plain = slices.Grow(w.b.plain, part+outputMargin)
		}
		if len(w.b.plain) == 0 {
			w.b.Begin = w.position(w.rec.Offset)
		}
		w.add(w.b, &w.change)
		w.b.Changes++
		if need := w.b.footprint() + w.large; need > w.b.charged {
			if err := w.charge(ctx, need); err != nil {
				return err
			}
		}
	}
	w.b.Records++
	w.last, w.b.end = w.rec.Offset, w.rec.End
	return nil
}

// add encodes a change.
func (w *worker) add(b *Batch, c *decode.Change) {
	begin := len(b.plain)
	b.plain = w.encoder.AppendChange(b.plain, c)
	if w.messages {
		b.addMessage(begin, c)
	}
}

// badFrame decides how to go on behind a frame that makes no sense, where the next record has to be found. All that
// is wrong up to there is one damage.
func (w *worker) badFrame(err error) error {
	if isFatal(err) {
		return err
	}
	if w.damage == nil {
		if w.unfinished(err) {
			w.b.torn = true
			return err
		}
		w.damage = err
	}
	if w.scanner.Begin() < 0 {
		w.b.headErr = w.damage
	}
	if !w.skip {
		return w.damage
	}
	return w.resynced(w.damage, w.scanner.Resync())
}

// resynced is what to go on with behind damage: nothing, when a record was found there; else the damage, which
// reaches to the end of the chunk, unless the search itself failed.
func (*worker) resynced(damage, err error) error {
	if err == nil || isFatal(err) && !errors.Is(err, io.EOF) {
		return err
	}
	return damage
}

// badContent decides how to go on behind a record whose frame looks good: it is one lost record, or its length is
// wrong too.
func (w *worker) badContent(err error) error {
	var damage *decode.CorruptError
	switch {
	case !errors.As(err, &damage):
		return err
	case w.chunk.Open && w.zerosFrom(w.rec.End):
		w.b.torn = true
		return err
	}
	from := w.rec.Offset
	if w.b.end < 0 {
		w.b.end = from
	}
	if !w.skip {
		return err
	}
	if err := w.resynced(err, w.scanner.ResyncAt(damage.Offset)); err != nil {
		return err
	}
	w.lose(from, w.scanner.End(), err)
	return nil
}

// unfinished recognises the record that a writer was at: the log is open, and the record is cut off by the end of the
// data, or at a header that is not whole by nothing but zeros.
func (w *worker) unfinished(err error) bool {
	const header = 8
	var damage *decode.CorruptError
	return w.chunk.Open && errors.As(err, &damage) && (errors.Is(err, decode.ErrTorn) || w.zerosFrom(damage.Offset+header-1))
}

// zerosFrom reports whether there are only zeros from an offset on: a writer puts the header of a fragment there before
// the payload, so that the last record of an open log may be a header with zeros behind it.
func (w *worker) zerosFrom(offset int64) bool {
	block, zeros := make([]byte, decode.BlockSize), make([]byte, decode.BlockSize)
	for ; offset < w.chunk.Limit; offset += decode.BlockSize {
		n, err := w.chunk.Source.ReadAt(block[:min(decode.BlockSize, w.chunk.Limit-offset)], offset)
		if !bytes.Equal(block[:n], zeros[:n]) {
			return false
		}
		if err != nil {
			break // what cannot be read is not there
		}
	}
	return true
}

// lose puts an event into the stream in place of a range.
func (w *worker) lose(from, to int64, err error) {
	l := decode.Lost{Log: w.chunk.Log, From: w.position(from), To: w.position(to), Err: err}
	w.b.lost = append(w.b.lost, l)
	if len(w.b.plain) == 0 {
		w.b.Begin = l.From
	}
	w.add(w.b, lostChange(&l))
	w.last, w.b.end = -1, to
}

// lostChange is the event that stands for a lost range.
func lostChange(l *decode.Lost) *decode.Change {
	return &decode.Change{
		Op: decode.OpCorrupt, Log: l.Log, Segment: l.From.Segment, Offset: l.From.Offset,
		From: l.From, To: l.To, Reason: l.Err.Error(),
	}
}

// finish makes Data of the plain bytes.
func (w *worker) finish() {
	w.b.Plain = int64(len(w.b.plain))
	w.b.Data = w.b.plain
	if w.frames != nil && len(w.b.plain) > 0 {
		w.b.packed = w.frames.appendFrame(w.b.packed[:0], w.b.plain)
		w.b.Data = w.b.packed
	}
}
