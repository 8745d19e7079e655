package encode

import (
	"cmp"
	"context"
	"slices"

	"pikabin/decode"
	"pikabin/encode/budget"
	"pikabin/encode/filter"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// worker turns chunks into batches: it does everything that costs CPU. It belongs to one goroutine.
type worker struct {
	walker  decode.Walker
	filter  *filter.Matcher
	encoder formats.Encoder
	doubter formats.Doubter // the encoder, if it is one
	frames  frame.Compressor
	fences  bool // positions are saved
	traits  *sink.Traits
	budget  *budget.Budget
	portion int64 // how much is made at a time of a large record; 0: all of it

	// next takes a portion of a record, and gives what the next one is put into. Nil for workers whose parcels hold whole chunks.
	next func(*parcel) (*parcel, error)

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
	w.walker.Reset(b.chunk.Blocks, b.chunk.Span)
	b.plain = slices.Grow(b.plain, w.typical) // at once: growing step by step touches four times the memory
	for more := true; more && w.walker.Next(); {
		more = w.b.large || w.record(ctx, limit)
	}
	w.place()
	b = w.b
	b.passed = int64(w.walker.Decoder.Passed() - passed)
	b.time = w.change.Time
	b.read = max(min(b.chunk.End, b.chunk.Limit)-b.chunk.Begin, 0)
	w.forget()
	if b.large {
		b.drop()
		w.large = 0
		return
	}
	w.finish()
	w.trim()
	w.typical = min(len(b.plain), typicalMax)
}

// typicalMax is what a chunk's share of the budget covers in any case.
const typicalMax = chunkShare / 4

// place says where the batch lies in the log, and what is wrong there.
func (w *worker) place() {
	var err error
	w.b.covered, err = w.walker.Coverage()
	w.b.err = cmp.Or(w.b.err, err)
	w.b.End = w.position(w.b.covered.Last)
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

// nearlyFull is how much of the buffer is left when it is grown for many events.
const nearlyFull = 64 << 10

// maxFrame is what an event is reckoned to have at most besides its key and value.
const maxFrame = 256

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
	if more <= 0 || w.next != nil { // the chunk is charged as it was when it was found to be large
		return nil
	}
	if err := w.budget.Acquire(ctx, w.b.seq, more); err != nil {
		return err
	}
	w.b.charged += more
	return nil
}

// forget lets go of a large record.
func (w *worker) forget() {
	if w.large == 0 {
		return
	}
	w.change = decode.Change{}
	w.walker.Reset(nil, decode.Span{})
	w.walker.Decoder.Forget()
}

// trim lets go of what a large record has made large, and gives the budget back what is not kept until the batch is
// delivered: the record itself, the changes if they have been compressed, and what the chunk was read through. Some sinks hold
// all batches that come in half a second, each of a few changes.
func (w *worker) trim() {
	if w.large > 0 && w.frames != nil {
		w.b.plain = nil
	}
	w.large = 0
	if rest := w.b.charged - w.b.footprint() - batchCost; rest > 0 && w.b.inFlight {
		w.budget.Refund(rest)
		w.b.charged -= rest
	}
}

// record encodes the changes of the record that the walker has come to, and reports whether to go on. Some become many
// times as long as they were.
func (w *worker) record(ctx context.Context, limit int64) bool {
	rec, begun, last := &w.walker.Record, false, 0
	for w.walker.Decoder.Next(&w.change) {
		if !w.filter.Keep(&w.change) {
			continue
		}
		if limit >= 0 && w.b.changes >= limit && (!w.fences || !begun) {
			return false
		}
		begun = true
		if w.change.Part > 1 && len(rec.Payload) >= largeRecord { // the first event may have the whole command
			w.makeRoom(last)
		}
		if len(w.b.plain) == 0 {
			w.b.Begin = w.position(rec.Offset)
		}
		if w.traits.Zone != nil {
			w.b.cutAt(w.change.Time, w.traits.Zone, w.position(rec.Offset))
		}
		last = len(w.b.plain)
		w.add(w.b, &w.change)
		last = len(w.b.plain) - last
		if w.doubter != nil {
			w.b.doubts.add(w.doubter, &w.change)
		}
		w.b.changes++
		if w.change.Part+1 < w.change.Parts && w.portion > 0 && w.b.size() >= w.most() {
			if w.turn(rec.Offset); w.b.err != nil || w.b.large {
				return w.b.large
			}
		}
		if need := w.b.footprint() + w.large; need > w.b.charged {
			if w.b.err = w.charge(ctx, need); w.b.err != nil {
				return false
			}
		}
	}
	w.b.records++
	return true
}

// most is how much may be made of one record before something has to become of it.
func (w *worker) most() int64 {
	if w.next == nil {
		return largePortions * w.portion
	}
	return w.portion
}

// turn ends a portion inside of a record that begins at an offset.
func (w *worker) turn(offset int64) {
	if w.next == nil {
		w.b.large = true
		return
	}
	w.finish()
	w.b.End, w.b.part = w.position(offset), true
	next, err := w.next(w.b)
	w.b = next
	w.b.err = err
}

// makeRoom grows the buffer for all that is left of a record with many keys, when it is nearly full. By a quarter at a time it
// would be copied again and again, and be there twice. The event before, of so many bytes, tells how long the others are.
func (w *worker) makeRoom(event int) {
	c := &w.change
	frame := min(event-len(c.Key)-len(c.Value), maxFrame)
	if frame <= 0 || cap(w.b.plain)-len(w.b.plain) > nearlyFull {
		return
	}
	need := int64(c.Parts-c.Part)*int64(frame) + int64(len(w.walker.Record.Payload))
	if w.portion > 0 {
		need = min(need, w.most()-int64(len(w.b.plain))+nearlyFull)
	}
	w.b.plain = slices.Grow(w.b.plain, int(max(need, 0)))
}

// add encodes a change.
func (w *worker) add(b *parcel, c *decode.Change) {
	begin := len(b.plain)
	b.plain = w.encoder.AppendChange(append(b.plain, w.traits.Lead...), c)
	switch message := begin + len(w.traits.Lead); {
	case len(b.plain) == message: // a format may have said nothing
		b.plain = b.plain[:begin]
	case w.traits.Messages:
		b.addMessage(begin, c)
	}
}

// lose puts an event into the stream in place of a range.
func (w *worker) lose(l decode.Lost) {
	w.b.lost = append(w.b.lost, l)
	if len(w.b.plain) == 0 {
		w.b.Begin = l.From
	}
	if w.traits.Zone != nil {
		w.b.cutAt(0, w.traits.Zone, l.From)
	}
	c := lostChange(&l)
	c.Epoch = w.b.Epoch
	w.add(w.b, c)
}

// lostChange is the event of a lost range.
func lostChange(l *decode.Lost) *decode.Change {
	return &decode.Change{
		Op: decode.OpCorrupt, Log: l.Log, Segment: l.From.Segment, Offset: l.From.Offset,
		From: l.From, To: l.To, Reason: l.Err.Error(),
	}
}

// finish makes Data of the plain bytes.
func (w *worker) finish() {
	w.b.text = int64(len(w.b.plain))
	frames := w.frames
	if w.b.Loose = w.traits.Loose && frames != nil && len(w.b.plain) < frame.GatherBelow; w.b.Loose {
		frames = nil
	}
	w.b.Data = w.b.plain
	ends := w.b.pieceEnds()
	if frames != nil && len(w.b.plain) > 0 {
		w.b.pack(frames, ends)
	}
	w.b.cutPieces(ends)
}
