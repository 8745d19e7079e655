package encode

import (
	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
	"pikabin/formats"
)

// parcel is a batch on its way through the engine, from the chunk that it is made of until the sink has no more need of it.
type parcel struct {
	sink.Batch

	changes int64 // in Data
	records int64 // read, events or not
	passed  int64 // records and commands that change nothing
	text    int64 // bytes of the changes before compression
	read    int64 // bytes of the log
	time    int64 // unix seconds of the last change, 0 where the log does not tell

	// What the joiner needs to put the chunk in its place.
	chunk   decode.Chunk
	seq     uint64
	covered decode.Coverage
	err     error // what ended the chunk early and is no damage
	lost    []decode.Lost

	doubts doubts // of its changes

	cuts    []cut  // of plain
	ends    []int  // of the pieces between the cuts
	plain   []byte // buffers: the changes as encoded, and as compressed
	packed  []byte
	charged int64 // what the chunk has taken from the budget

	inFlight bool // it counts in the budget, under seq
	large    bool // its text was let go of, to be made once more in portions
	part     bool // a portion, after which there is more of the same record
	sent     bool // the sink has been given it
}

// reset makes a used parcel as good as new, but for its buffers.
func (p *parcel) reset() {
	p.doubts.reset()
	*p = parcel{
		doubts: p.doubts,
		plain:  p.plain[:0], packed: p.packed[:0], lost: p.lost[:0], cuts: p.cuts[:0], ends: p.ends[:0], covered: decode.Coverage{First: -1},
		Batch: p.Batch,
	}
	p.Reset()
}

// footprint is what the parcel's buffers take, and what a sink adds to each message.
func (p *parcel) footprint() int64 {
	return int64(cap(p.plain)+cap(p.packed)+cap(p.Keys)) + sink.MessageCost*int64(len(p.Messages))
}

// size is how much has been made of the chunk.
func (p *parcel) size() int64 {
	return int64(len(p.plain)+len(p.Keys)) + sink.MessageCost*int64(len(p.Messages))
}

// drop lets go of what has been made of the chunk.
func (p *parcel) drop() {
	p.plain, p.Keys, p.Messages, p.cuts = nil, nil, nil, nil
	p.doubts = doubts{}
}

// volume is what the parcel adds to what went through the engine.
func (p *parcel) volume() stats.Volume {
	return stats.Volume{Records: p.records, Changes: p.changes, Passed: p.passed, Read: p.read, Plain: p.text, Written: int64(len(p.Data))}
}

// pack makes frames of the plain bytes, and moves the ends of their pieces to where they are in Data. Large ones are compressed where they
// are, unless frames can end between messages only.
func (p *parcel) pack(frames frame.Compressor, ends []int) {
	if _, whole := frames.(formats.File); whole || len(p.plain) < frame.Large {
		p.packed = frame.Pack(frames, p.packed[:0], p.plain, ends)
	} else {
		p.packed, p.plain = frame.PackInPlace(frames, p.plain, ends), nil
	}
	p.Data = p.packed
}

// rewind makes the parcel ready for its chunk to be encoded once more.
func (p *parcel) rewind() {
	was := *p
	p.reset()
	p.chunk, p.Epoch, p.seq, p.charged, p.inFlight = was.chunk, was.Epoch, was.seq, was.charged, was.inFlight
}

// chunkRelease gives what lets go of the chunk, which the parcel may forget first.
func (p *parcel) chunkRelease() func() {
	if p.chunk.Release == nil {
		return func() {}
	}
	return p.chunk.Release
}

// addMessage describes the change that was encoded from begin on.
func (p *parcel) addMessage(begin int, c *decode.Change) {
	key := len(p.Keys)
	p.Keys = append(p.Keys, c.Key...)
	p.Messages = append(p.Messages, sink.Message{
		Begin: begin, End: len(p.plain), KeyBegin: key, KeyEnd: len(p.Keys),
		HasKey: c.Key != nil, HasTime: c.Has&decode.HasTime != 0,
		At: decode.Position{Segment: c.Segment, Offset: c.Offset}, Part: c.Part, Parts: c.Parts,
		Time: c.Time, Op: c.Op, Type: c.Type, Conditional: c.Effect != decode.EffectExact,
	})
}
