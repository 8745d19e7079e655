package binlog

import (
	"errors"
	"fmt"
	"path/filepath"

	"pikabin/decode"
)

// ErrNoManifest says that the folder holds segments and no manifest: archived or copied files.
var ErrNoManifest = errors.New("no manifest")

// ErrNoTime says that a log has no times to seek by: Pika 2.0 wrote none.
var ErrNoTime = errors.New("this log has no times: Pika 2.0 wrote none; give a position instead, such as 12:4096")

// ErrNoLogicID says that a log has no logic ids: they came with Pika 3.0.
var ErrNoLogicID = errors.New("this log has no logic ids: Pika 2 wrote none; give a position or a time instead")

// ManifestError is a manifest that cannot be believed. The log is then read as if it had none.
type ManifestError struct {
	Log  *decode.Log
	Path string
	Err  error // what it says, and what the files say
}

// Error reads "db0: manifest /data/log/manifest: only 7 bytes long, expected 65536".
func (e *ManifestError) Error() string {
	return fmt.Sprintf("%s: manifest %s: %v", e.Log, e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *ManifestError) Unwrap() error { return e.Err }

// GapError is a hole in the numbers of the segments: the records between From and To are in no file
// here. First and Last are the missing segments.
type GapError struct {
	Log         *decode.Log
	From, To    decode.Position
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

// PurgedError is a position whose segment is gone: purged, or in a hole. Oldest is where the log goes on.
type PurgedError struct {
	Log          *decode.Log
	Want, Oldest decode.Position
}

// Error says what is gone, what is there, and what to do.
func (e *PurgedError) Error() string {
	return fmt.Sprintf("%s: position %v is gone: %s, the log goes on at %v; "+
		"start there, or restore the segment", e.Log, e.Want, e.Why(), e.Oldest)
}

// Why names the segment that is gone.
func (e *PurgedError) Why() string {
	return fmt.Sprintf("write2file%d is not there (purged by the server?)", e.Want.Segment)
}

// BeyondError is a start position behind the end of what is committed, or behind the end of a
// finished segment: the position belongs to another log, or the log's history was replaced.
type BeyondError struct {
	Log       *decode.Log
	Want, End decode.Position
}

// Error gives both sides.
func (e *BeyondError) Error() string {
	return fmt.Sprintf("%s: position %v lies behind the end %v: it belongs to another log, or this log was replaced (full sync, restored copy)",
		e.Log, e.Want, e.End)
}

// RewrittenError is a position before which another history stands than the one that was read: a full sync, a truncation or
// a restored copy has replaced it. What was read up to From is no part of the log any more.
type RewrittenError struct {
	Log        *decode.Log
	From       decode.Position // to which the old history was read
	To         decode.Position // where the present history begins
	Reason     string          // what differs, both sides of it
	SameRecord bool            // the record that ends at From has the same content all the same: another replica of the same log
}

// Error says what differs, what is there, and what to do.
func (e *RewrittenError) Error() string {
	return fmt.Sprintf("%s: the history before position %v was replaced (full sync, truncation, another copy): %s; "+
		"what is there now begins at %v", e.Log, e.From, e.Reason, e.To)
}

// Why is the reason.
func (e *RewrittenError) Why() string { return e.Reason }

// CutShortError is a segment whose file ends before its records do. It is damage, so that it unwraps to a
// *decode.CorruptError, as well as to its cause.
type CutShortError struct {
	Log   *decode.Log
	From  decode.Position // where the file ends
	To    decode.Position // where its records end; the offset is 0 when nothing says so
	Next  decode.Position // where the log goes on
	Cause error           // an *ArchiveError, or who says where the records end
}

// Error says which bytes are missing and who says so.
func (e *CutShortError) Error() string { return fmt.Sprintf("%s: %s", e.Log, e.Why()) }

// Why is the same without the log.
func (e *CutShortError) Why() string {
	text := fmt.Sprintf("write2file%d is cut short: it ends at %d", e.From.Segment, e.From.Offset)
	if e.To.Offset > 0 {
		text += fmt.Sprintf(", its records at %d", e.To.Offset)
	}
	// Events tell of it, too, and nothing in them depends on where the archive stands.
	if archive, ok := errors.AsType[*ArchiveError](e.Cause); ok {
		return fmt.Sprintf("%s: unpacking %s: %v", text, filepath.Base(archive.Path), archive.Err)
	}
	return text + ": " + e.Cause.Error()
}

// Unwrap gives the cause, and the damage as package decode names it.
func (e *CutShortError) Unwrap() []error {
	return []error{e.Cause, &decode.CorruptError{Segment: e.From.Segment, Offset: e.From.Offset, Err: decode.ErrTorn}}
}

// ChangedError is a file that became shorter while it was read: a full sync, a truncation, or a copy that is
// being replaced.
type ChangedError struct {
	Log     *decode.Log
	Segment uint32
	Offset  int64 // where the bytes ended
	Size    int64 // of the file when it was opened
}

// Error gives segment, offset and what to do.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s: write2file%d at %d: the file had %d bytes and was cut while it was read; start again from a position that is still there",
		e.Log, e.Segment, e.Offset, e.Size)
}

// ArchiveError is a compressed segment that could not be unpacked whole.
type ArchiveError struct {
	Log    *decode.Log
	Path   string
	Offset int64 // how many unpacked bytes are good
	Err    error
}

// Error gives the archive's path, the unpacked offset and the cause.
func (e *ArchiveError) Error() string {
	return fmt.Sprintf("%s: unpacking %s: damaged behind unpacked offset %d: %v", e.Log, e.Path, e.Offset, e.Err)
}

// Unwrap gives what the decompressor said.
func (e *ArchiveError) Unwrap() error { return e.Err }
