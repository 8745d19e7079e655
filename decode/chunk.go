package decode

import "fmt"

// Chunk is the unit of work: a span of one segment, and the open segment to read it from.
type Chunk struct {
	Span
	Source  Source
	Release func() // to be called once, when nothing of the chunk is read any more
}

// Hole is the error of a source for a range of the log that is not there to be read: a gap, or, when it
// unwraps to a *CorruptError, a segment that is cut short. The source continues after it when it is
// asked again.
type Hole interface {
	error
	Hole() (log *Log, from, to Position) // to is where the log continues
	Why() string                         // without what Hole says
}

// Rewritten is a hole after which stands another history: a full sync, a truncation or a lost manifest has replaced what
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
