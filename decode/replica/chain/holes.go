package chain

import (
	"fmt"

	"pikabin/decode"
)

// LeftOutError is a range that the server did not send: its reader has passed over it, or it is not there. It is a gap.
type LeftOutError struct {
	Log      *decode.Log
	From, To decode.Position
	Reason   string
}

// Error says which range, by what evidence, and what to do.
func (e *LeftOutError) Error() string {
	return fmt.Sprintf("%s: %s: the server sends nothing from %v to %v; read its files, or skip the gap", e.Log, e.Reason, e.From, e.To)
}

// Hole is the range.
func (e *LeftOutError) Hole() (log *decode.Log, from, to decode.Position) { return e.Log, e.From, e.To }

// Why is the evidence.
func (e *LeftOutError) Why() string { return e.Reason }

// UnreadableError is a segment that the server cannot read on from a position, or reads wrongly. It is damage, so that it unwraps to a
// *decode.CorruptError. The log continues with the next segment.
type UnreadableError struct {
	Log      *decode.Log
	From, To decode.Position
	Err      error
}

// Error says where, and what to do.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s: %s; read its files", e.Log, e.Why())
}

// Hole is the rest of the segment.
func (e *UnreadableError) Hole() (log *decode.Log, from, to decode.Position) {
	return e.Log, e.From, e.To
}

// Why says what is wrong.
func (e *UnreadableError) Why() string {
	return fmt.Sprintf("the server cannot read its own log at %v: %v", e.From, e.Err)
}

// Unwrap gives the damage as package decode names it.
func (e *UnreadableError) Unwrap() []error {
	return []error{e.Err, &decode.CorruptError{Segment: e.From.Segment, Offset: e.From.Offset, Err: decode.ErrTorn}}
}

var (
	_ decode.Hole = (*LeftOutError)(nil)
	_ decode.Hole = (*UnreadableError)(nil)
)
