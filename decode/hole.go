package decode

import (
	"errors"
	"fmt"
)

// GapError is a hole in the numbers of the segments: the records between From and To are in no file
// here. First and Last are the missing segments.
type GapError struct {
	Log         *Log
	From, To    Position
	First, Last uint32
}

// Error says what is missing between which positions, and what to do.
func (e *GapError) Error() string {
	return fmt.Sprintf("%s: %s: the records from %v to %v are not here; restore the files, or skip the gap",
		e.Log, e.Why(), e.From, e.To)
}

// Why names the missing segments.
func (e *GapError) Why() string {
	if e.First < e.Last {
		return fmt.Sprintf("write2file%d to write2file%d are missing", e.First, e.Last)
	}
	return fmt.Sprintf("write2file%d is missing", e.First)
}

// PurgedError is a position whose segment is gone: purged, or in a hole. Oldest is where the log continues.
type PurgedError struct {
	Log          *Log
	Want, Oldest Position
}

// Error says what is gone, what is there, and what to do.
func (e *PurgedError) Error() string {
	return fmt.Sprintf("%s: position %v is gone: %s, the log continues at %v; "+
		"start there, or restore the segment", e.Log, e.Want, e.Why(), e.Oldest)
}

// Why names the segment that is gone.
func (e *PurgedError) Why() string {
	return fmt.Sprintf("write2file%d is not there (purged by the server?)", e.Want.Segment)
}

// BeyondError is a start position past the end of what is committed, or past the end of a
// finished segment: the position belongs to another log, or the log's history was replaced.
type BeyondError struct {
	Log       *Log
	Want, End Position
}

// Error gives both sides.
func (e *BeyondError) Error() string {
	return fmt.Sprintf("%s: position %v is past the end of the log (%v): it belongs to another log, or this one was replaced (full sync, restored copy)",
		e.Log, e.Want, e.End)
}

// RewrittenError is a position before which there is another history than the one that was read: a full sync, a truncation or
// a restored copy has replaced it. What was read up to From is no part of the log any more.
type RewrittenError struct {
	Log        *Log
	From       Position // to which the old history was read
	To         Position // where the present history begins
	Reason     string   // what differs, both sides of it
	Advice     string   // what else it may be, for a person; empty: nothing
	SameRecord bool     // the record that ends at From has the same content all the same: another replica of the same log
}

// Error says what differs, what is there, and what to do.
func (e *RewrittenError) Error() string {
	return fmt.Sprintf("%s: the history before position %v was replaced (full sync, truncation, another copy): %s; "+
		"what is there now begins at %v%s", e.Log, e.From, e.Reason, e.To, e.Advice)
}

// Why is the reason.
func (e *RewrittenError) Why() string { return e.Reason }

// CutShortError is a segment whose file ends before its records do. It is damage, so that it unwraps to a
// *CorruptError, as well as to its cause.
type CutShortError struct {
	Log   *Log
	From  Position // where the file ends
	To    Position // where its records end; the offset is 0 when nothing says so
	Next  Position // where the log continues
	Cause error    // damage of an archive, or the evidence of where the records end
}

// Error says which bytes are missing and by what evidence.
func (e *CutShortError) Error() string { return fmt.Sprintf("%s: %s", e.Log, e.Why()) }

// Why is the same without the log.
func (e *CutShortError) Why() string {
	text := fmt.Sprintf("write2file%d is cut short: it ends at %d", e.From.Segment, e.From.Offset)
	if e.To.Offset > 0 {
		text += fmt.Sprintf(", its records at %d", e.To.Offset)
	}
	if cause, ok := errors.AsType[interface {
		error
		Why() string
	}](e.Cause); ok {
		return text + ": " + cause.Why()
	}
	return text + ": " + e.Cause.Error()
}

// Unwrap gives the cause, and the damage as package decode names it.
func (e *CutShortError) Unwrap() []error {
	return []error{e.Cause, &CorruptError{Segment: e.From.Segment, Offset: e.From.Offset, Err: ErrTorn}}
}

// MisplacedError is a segment under the number of another one: a copy, or a file that was restored to the wrong name. What belongs there is
// missing. It is damage, so that it unwraps to a *CorruptError.
type MisplacedError struct {
	Log      *Log
	From, To Position // of what is missing
	Holds    uint32   // the number of the segment that it holds
}

// Error says which segment it is, what it holds, and what to do.
func (e *MisplacedError) Error() string {
	return fmt.Sprintf("%s: %s; restore the right file, or skip it", e.Log, e.Why())
}

// Why says what it holds.
func (e *MisplacedError) Why() string {
	return fmt.Sprintf("write2file%d holds the records of write2file%d", e.From.Segment, e.Holds)
}

// Unwrap gives the damage as package decode names it.
func (e *MisplacedError) Unwrap() error {
	return &CorruptError{Segment: e.From.Segment, Offset: e.From.Offset, Err: ErrBadChain}
}

var (
	_ Hole = (*GapError)(nil)
	_ Hole = (*PurgedError)(nil)
	_ Hole = (*CutShortError)(nil)
	_ Hole = (*MisplacedError)(nil)

	_ Rewritten = (*RewrittenError)(nil)
)

// Hole is the range that the missing segments held.
func (e *GapError) Hole() (log *Log, from, to Position) { return e.Log, e.From, e.To }

// Hole is the range from the position wanted to the oldest that is there.
func (e *PurgedError) Hole() (log *Log, from, to Position) {
	return e.Log, e.Want, e.Oldest
}

// Hole is the range from the end of the file to the segment after it, or to the end of the log.
func (e *CutShortError) Hole() (log *Log, from, to Position) {
	return e.Log, e.From, e.Next
}

// Hole is the range that the right file would have held.
func (e *MisplacedError) Hole() (log *Log, from, to Position) {
	return e.Log, e.From, e.To
}

// Hole is the range from the end of the old history to the beginning of the new one.
func (e *RewrittenError) Hole() (log *Log, from, to Position) {
	return e.Log, e.From, e.To
}

// Rewritten tells it from a hole in one history.
func (*RewrittenError) Rewritten() {}
