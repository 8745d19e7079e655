package follow

import "pikabin/decode"

// cursor is how far a log has been read.
type cursor struct {
	// pos is where the next chunk begins. end is what was handed out up to: it lies in the segment before while pos is the
	// beginning of the next one.
	pos, end decode.Position
	kind     kind // of pos

	begun bool // the place to begin with has been found in the log
	found bool // the log went as far when it was opened
}

// kind is what a position is.
type kind uint8

const (
	recordEnd    kind = iota // the end of a record, or the beginning of the segment after it
	historyStart             // where a history is read from, and nothing is before it
	inside                   // not known to be the end of a record: that of a chunk in the middle of a segment
)

// move comes to a position up to which all was handed out, or is known to be missing.
func (c *cursor) move(to decode.Position, k kind) {
	c.pos, c.end, c.kind, c.begun = to, to, k, true
}

// advance comes to the beginning of a segment: the one before has nothing more.
func (c *cursor) advance(segment uint32) {
	c.pos, c.kind = decode.Position{Segment: segment}, recordEnd
}

// insideIf is the kind of a position in a segment.
func insideIf(unconfirmed bool) kind {
	if unconfirmed {
		return inside
	}
	return recordEnd
}
