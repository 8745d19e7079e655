package decode

import (
	"fmt"
	"io"
)

// Chunk is the unit of work: a span of one segment, and the open segment to read it from, or a range of the log that is missing.
// Exactly one of Blocks and Missing is set.
type Chunk struct {
	Span
	Blocks  io.ReaderAt // the segment, as it is on the disk
	Missing Hole        // of the Span only the Log is set then
	Release func()      // to be called once, when nothing of the chunk is read any more
}

// Missing is the chunk that has a hole in it.
func Missing(h Hole) Chunk {
	log, _, _ := h.Hole()
	return Chunk{Span: Span{Log: log}, Missing: h, Release: func() {}}
}

// Hole is a range of the log that is not there to be read: a gap, or, when it unwraps to a *CorruptError, a segment that is cut
// short. A source gives it in its place as a chunk, and continues after it. It becomes the error of a run that does not pass
// over it.
type Hole interface {
	error
	Hole() (log *Log, from, to Position) // to is where the log continues
	Why() string                         // without what Hole says
}

// Rewritten is a hole after which another history begins: a full sync, a truncation or a lost manifest has replaced what
// was read before. The range is from the last position of the old history to the first of the new one, which may be before it.
type Rewritten interface {
	Hole
	Rewritten()
}

// String is the name of the log: its DB, and its slot if it has one.
func (l *Log) String() string {
	switch {
	case l == nil:
		return "log"
	case l.Slot >= 0:
		return fmt.Sprintf("%s/%d", l.DB, l.Slot)
	}
	return l.DB
}
