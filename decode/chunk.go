package decode

import "fmt"

// Chunk is the unit of work: a span of one segment, and the open segment to read it from.
type Chunk struct {
	Span
	Source  Source
	Release func() // to be called once, when nothing of the chunk is read any more
}

// GapError is a hole in a log: what stood between two positions is not there any more.
type GapError struct {
	Log      *Log
	From, To Position // To is where the log goes on
	Reason   string   // "write2file13 is gone"
}

// Error names the range and what became of it.
func (e *GapError) Error() string {
	return fmt.Sprintf("%s: the log from %v to %v is missing: %s", e.Log, e.From, e.To, e.Reason)
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
