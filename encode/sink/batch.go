package sink

import (
	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// Batch is what one chunk became. It belongs to the sink from Write until the call of Release.
type Batch struct {
	Log   *decode.Log
	Data  []byte          // the encoded changes, compressed if that was asked for
	Begin decode.Position // of the record that the first change in Data is of
	End   decode.Position // after the last record
	Fence decode.Fence    // of End, where positions are saved
	Epoch uint32          // of Begin and End, see checkpoint.Mark

	// Loose says that Data is small and has not been compressed, though the output is, see Traits.
	Loose bool

	// Portion says that the batch is one of several that hold a large record. No checkpoint is taken until all have been written, so that
	// nothing may wait for one.
	Portion bool

	// Pieces are what Data consists of, with Traits.Zone only.
	Pieces []Piece

	Messages []Message // one for each change in Data, with Traits.Messages only
	Keys     []byte    // what the messages' keys point into

	release func()
}

// OnRelease says what Release does.
func (b *Batch) OnRelease(release func()) { b.release = release }

// Release gives the batch back: its bytes are used for others from now on. It is called once.
func (b *Batch) Release() {
	if b.release != nil {
		b.release()
	}
}

// Reset makes a used batch as good as new, but for its buffers and for what Release does.
func (b *Batch) Reset() {
	*b = Batch{Pieces: b.Pieces[:0], Messages: b.Messages[:0], Keys: b.Keys[:0], release: b.release}
}

// Mark is the place that is reached when the batch has been delivered.
func (b *Batch) Mark() checkpoint.Mark {
	return checkpoint.Mark{Position: b.End, Fence: b.Fence, Epoch: b.Epoch}
}

// Footprint is what the batch takes, with what a sink adds to each message.
func (b *Batch) Footprint() int64 {
	return int64(cap(b.Data)+cap(b.Keys)) + MessageCost*int64(len(b.Messages))
}

// Piece is what of a batch goes into one partition.
type Piece struct {
	Hour  int64           // unix seconds of its beginning; 0 where it is not known
	Last  int64           // of the latest change
	Begin decode.Position // of the first record
	Data  []byte
}
