package encode

import (
	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// Batch is what one chunk became. It belongs to the sink from Write until the call of done.
type Batch struct {
	Log   *decode.Log
	Data  []byte          // the encoded changes, compressed if that was asked for; may be empty
	Begin decode.Position // of the record that the first change in Data is of
	End   decode.Position // behind the last record
	Fence decode.Fence    // of End, where positions are saved
	Epoch uint32          // of Begin and End, see checkpoint.Mark

	// Pieces are what Data consists of, if it is to be parted by the hours of its events.
	Pieces []Piece

	Changes int64 // in Data
	Records int64 // read, events or not
	Passed  int64 // records and commands that change nothing
	Plain   int64 // bytes of the changes before compression
	Read    int64 // bytes of the log
	Time    int64 // unix seconds of the last change, 0 where the log does not tell

	Messages []Message // one for each change in Data, for a Messenger only
	Keys     []byte    // what the messages' keys point into

	// What the joiner needs to put the chunk in its place.
	chunk decode.Chunk
	seq   uint64
	hole  decode.Hole
	piece decode.Piece
	err   error // what ended the chunk early and is no damage
	lost  []decode.Lost

	doubts doubts

	cuts    []cut  // of plain
	plain   []byte // buffers: the changes as encoded, and as compressed
	packed  []byte
	charged int64 // what the chunk has taken from the budget

	inFlight bool // it counts in the budget, under seq
}

// reset makes a used batch as good as new, but for its buffers.
func (b *Batch) reset() {
	b.doubts.reset()
	*b = Batch{
		doubts: b.doubts,
		plain:  b.plain[:0], packed: b.packed[:0], lost: b.lost[:0], cuts: b.cuts[:0], Pieces: b.Pieces[:0], piece: decode.Piece{First: -1},
		Messages: b.Messages[:0], Keys: b.Keys[:0],
	}
}

// mark is the place that is reached when the batch has been delivered.
func (b *Batch) mark() checkpoint.Mark {
	return checkpoint.Mark{Position: b.End, Fence: b.Fence, Epoch: b.Epoch}
}

// footprint is what the batch's buffers take, and what a sink adds to each message.
func (b *Batch) footprint() int64 {
	return int64(cap(b.plain)+cap(b.packed)+cap(b.Keys)) + messageCost*int64(len(b.Messages))
}

// rewind makes the batch ready for its chunk to be encoded once more.
func (b *Batch) rewind() {
	was := *b
	b.reset()
	b.chunk, b.Epoch, b.seq, b.charged, b.inFlight = was.chunk, was.Epoch, was.seq, was.charged, was.inFlight
}

// chunkRelease gives what lets go of the chunk, which the batch may forget first.
func (b *Batch) chunkRelease() func() {
	if b.chunk.Release == nil {
		return func() {}
	}
	return b.chunk.Release
}
