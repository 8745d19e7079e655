package encode

import (
	"cmp"
	"context"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/encode/budget"
	"pikabin/encode/filter"
	"pikabin/encode/frame"
	"pikabin/formats"
)

// worker turns chunks into batches: it does everything that costs CPU. It belongs to one goroutine.
type worker struct {
	walker     decode.Walker
	newDecoder func() (*decode.Decoder, error)
	filter     *filter.Matcher
	encoder    formats.Encoder
	doubter    formats.Doubter // the encoder, if it is one
	frames     frame.Compressor
	gathers    bool           // the sink puts small batches together and compresses them itself
	fences     bool           // positions are saved
	zone       *time.Location // changes are parted by their hours there; nil: they are not
	messages   bool           // the sink is a Messenger
	budget     *budget.Budget

	change  decode.Change
	typical int   // length of the changes of the chunk before, up to typicalMax
	large   int64 // size of the largest record of the chunk, if it is charged by itself
	b       *parcel
}

// encode reads the records that begin in the batch's chunk into the batch. limit bounds the number of changes; where positions are
// kept, which are ends of records, the record that reaches it still comes whole.
func (w *worker) encode(ctx context.Context, b *parcel, limit int64) {
	w.b = b
	b.Log = b.chunk.Log
	passed := w.walker.Decoder.Passed()
	w.change.Time = 0
	w.walker.Scanner.Reserve = func(n int64) error { return w.reserve(ctx, n) }
	w.walker.Reset(b.chunk.Source, b.chunk.Span)
	b.plain = slices.Grow(b.plain, w.typical) // at once: growing step by step touches four times the memory
	for more := true; more && w.walker.Next(); {
		more = w.record(ctx, limit)
	}
	w.place()
	b.passed = int64(w.walker.Decoder.Passed() - passed)
	b.time = w.change.Time
	b.read = max(min(b.chunk.End, b.chunk.Limit)-b.chunk.Begin, 0)
	w.finish()
	w.trim()
	w.typical = min(len(b.plain), typicalMax)
}

// typicalMax is what a chunk's share of the budget covers in any case.
const typicalMax = chunkShare / 4

// place says where the batch lies in the log, and what is wrong there.
func (w *worker) place() {
	var err error
	w.b.piece, err = w.walker.Piece()
	w.b.err = cmp.Or(w.b.err, err)
	w.b.End = w.position(w.b.piece.Last)
	if w.fences && w.b.err == nil {
		w.b.Fence, w.b.err = w.walker.Fence()
	}
}

func (w *worker) position(offset int64) decode.Position {
	return decode.Position{Segment: w.b.chunk.Segment, Offset: offset}
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
	if err := w.budget.Acquire(ctx, w.b.seq, more); err != nil {
		return err
	}
	w.b.charged += more
	return nil
}

// trim lets go of what a large record has made large, and gives the budget back what is not kept until the batch is
// delivered: the record itself, the changes if they have been compressed, and what the chunk was read through. Some sinks hold
// all batches that come in half a second, each of a few changes.
func (w *worker) trim() {
	if w.large > 0 {
		w.large, w.change = 0, decode.Change{}
		w.walker.Reset(nil, decode.Span{})
		if fresh, err := w.newDecoder(); err == nil {
			w.walker.Decoder = fresh // the old one keeps as many arguments as it has ever seen
		}
		if w.frames != nil {
			w.b.plain = nil
		}
	}
	if rest := w.b.charged - w.b.footprint() - batchCost; rest > 0 && w.b.inFlight {
		w.budget.Refund(rest)
		w.b.charged -= rest
	}
}

// record encodes the changes of the record that the walker has come to, and reports whether to go on. Some become many
// times as long as they were.
func (w *worker) record(ctx context.Context, limit int64) bool {
	rec, begun := &w.walker.Record, false
	for w.walker.Decoder.Next(&w.change) {
		if !w.filter.Keep(&w.change) {
			continue
		}
		if limit >= 0 && w.b.changes >= limit && (!w.fences || !begun) {
			return false
		}
		begun = true
		if part := len(rec.Payload); w.change.Part == 0 && part >= largeRecord {
			w.b.plain = slices.Grow(w.b.plain, part+outputMargin)
		}
		if len(w.b.plain) == 0 {
			w.b.Begin = w.position(rec.Offset)
		}
		if w.zone != nil {
			w.b.cutAt(w.change.Time, w.zone, w.position(rec.Offset))
		}
		w.add(w.b, &w.change)
		if w.doubter != nil {
			w.b.doubts.add(w.doubter, &w.change)
		}
		w.b.changes++
		if need := w.b.footprint() + w.large; need > w.b.charged {
			if w.b.err = w.charge(ctx, need); w.b.err != nil {
				return false
			}
		}
	}
	w.b.records++
	return true
}

// add encodes a change.
func (w *worker) add(b *parcel, c *decode.Change) {
	begin := len(b.plain)
	b.plain = w.encoder.AppendChange(b.plain, c)
	if w.messages {
		b.addMessage(begin, c)
	}
}

// lose puts an event into the stream in place of a range.
func (w *worker) lose(l decode.Lost) {
	w.b.lost = append(w.b.lost, l)
	if len(w.b.plain) == 0 {
		w.b.Begin = l.From
	}
	if w.zone != nil {
		w.b.cutAt(0, w.zone, l.From)
	}
	c := lostChange(&l)
	c.Epoch = w.b.Epoch
	w.add(w.b, c)
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
	w.b.text = int64(len(w.b.plain))
	w.b.Data = w.b.plain
	frames := w.frames
	if w.b.Loose = w.gathers && frames != nil && len(w.b.plain) < frame.GatherBelow; w.b.Loose {
		frames = nil
	}
	if len(w.b.cuts) > 0 {
		w.b.cutPieces(frames)
		return
	}
	if frames != nil && len(w.b.plain) > 0 {
		w.b.packed = frames.AppendFrame(w.b.packed[:0], w.b.plain)
		w.b.Data = w.b.packed
	}
}
