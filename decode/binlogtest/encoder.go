package binlogtest

import (
	"slices"

	"pikabin/decode"
)

// HeaderSize is the size of a physical header: 4 bytes in G0, and 8 with the time of later generations.
func HeaderSize(g decode.Generation) int {
	if g == decode.G0 {
		return 4
	}
	return 8
}

// Producer is what a server knows before a put, and all that the bytes of the next record depend on.
type Producer struct {
	Segment uint32
	Offset  int64           // where in the segment's file the next byte goes
	Status  decode.Position // what the item header says: the manifest's position, from before a rotation that the put causes
	LogicID uint64          // of the manifest: how many puts there were
}

// Encoded is one record as it goes to the disk.
type Encoded struct {
	Bytes   []byte // the trailer before it, if any, and all its fragments
	Payload []byte // what the fragments hold
	Want    Want   // with Options.Discard only its place and time
}

// Encoder makes the records of a Writer for whoever keeps the files of the log itself. The bytes that it
// gives are valid until its next call. It is not safe for concurrent use.
type Encoder struct {
	w   Writer
	buf []byte
}

// NewEncoder returns an encoder that takes Generation, Origin, Time and Discard of the options.
func NewEncoder(opts Options) *Encoder {
	return &Encoder{w: Writer{opts: opts.withDefaults()}}
}

// Put encodes the record of one put.
func (e *Encoder) Put(p Put, at Producer) Encoded {
	e.w.pos, e.w.puts = at.Status, at.LogicID
	h := e.w.header(&p)
	e.w.payload = e.w.appendPut(e.w.payload[:0], &p, h)
	r := e.encode(KindCommand, p.Time, at)
	if !e.w.opts.Discard {
		e.w.describe(&r.Want, &p, h)
	}
	return r
}

// Record encodes a record with any payload, or none.
func (e *Encoder) Record(payload []byte, time uint32, at Producer) Encoded {
	e.w.payload = append(e.w.payload[:0], payload...)
	return e.encode(KindRaw, time, at)
}

// encode cuts the payload in e.w.payload into fragments.
func (e *Encoder) encode(kind Kind, time uint32, at Producer) Encoded {
	if time == 0 {
		time = e.w.opts.Time
	}
	var first, fragments int
	// appendFragments counts blocks from the begin of the segment, of which only the place in its block matters.
	base := int(at.Offset % decode.BlockSize)
	e.buf, first, fragments = appendFragments(e.buf[:0], base, e.w.headerSize(), time, e.w.payload)
	r := Encoded{Bytes: e.buf, Payload: e.w.payload, Want: Want{
		Kind: kind, Segment: at.Segment, Offset: at.Offset + int64(first), End: at.Offset + int64(len(e.buf)), Prev: at.Status,
		Fragments: fragments, Time: int64(time),
	}}
	if e.w.opts.Generation == decode.G0 {
		r.Want.Time = 0
	}
	if !e.w.opts.Discard {
		r.Want.Payload = slices.Clone(r.Payload)
	}
	return r
}
