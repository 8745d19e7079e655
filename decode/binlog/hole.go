package binlog

import "pikabin/decode"

var (
	_ decode.Hole = (*GapError)(nil)
	_ decode.Hole = (*PurgedError)(nil)
	_ decode.Hole = (*CutShortError)(nil)

	_ decode.Rewritten = (*RewrittenError)(nil)
)

// Hole is the range that the missing segments held.
func (e *GapError) Hole() (log *decode.Log, from, to decode.Position) { return e.Log, e.From, e.To }

// Hole is the range from the position wanted to the oldest that is there.
func (e *PurgedError) Hole() (log *decode.Log, from, to decode.Position) {
	return e.Log, e.Want, e.Oldest
}

// Hole is the range from the end of the file to the segment behind it, or to the end of the log.
func (e *CutShortError) Hole() (log *decode.Log, from, to decode.Position) {
	return e.Log, e.From, e.Next
}

// Hole is the range from the end of the old history to the beginning of the new one.
func (e *RewrittenError) Hole() (log *decode.Log, from, to decode.Position) {
	return e.Log, e.From, e.To
}

// Rewritten tells it from a hole in one history.
func (*RewrittenError) Rewritten() {}
