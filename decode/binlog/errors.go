package binlog

import (
	"errors"
	"fmt"
	"strconv"

	"pikabin/decode"
)

// ErrNoManifest says that the folder holds segments and no manifest: archived or copied files.
var ErrNoManifest = errors.New("no manifest")

// ErrNoTime says that a log has no times to seek by: Pika 2.0 wrote none.
var ErrNoTime = errors.New("this log has no times: Pika 2.0 wrote none; give a position instead, such as 12:4096")

// ErrNoLogicID says that a log has no logic ids: they came with Pika 3.0.
var ErrNoLogicID = errors.New("this log has no logic ids: Pika 2 wrote none; give a position or a time instead")

// where names a log for an error text: "db0", or "db0/3" for a slot.
func where(id *decode.Log) string {
	if id.Slot < 0 {
		return id.DB
	}
	return id.DB + "/" + strconv.Itoa(id.Slot)
}

// missingText names the missing segments of a hole: "write2file3 is", "write2file3 to write2file7 are".
func missingText(first, last uint32) string {
	if first == last {
		return fmt.Sprintf("write2file%d is", first)
	}
	return fmt.Sprintf("write2file%d to write2file%d are", first, last)
}

// ManifestError is a manifest that cannot be believed. The log is then read as if it had none.
type ManifestError struct {
	Log  *decode.Log
	Path string
	Err  error // what it says, and what the files say
}

// Error reads "db0: manifest /data/log/manifest: only 7 bytes long, expected 65536".
func (e *ManifestError) Error() string {
	return fmt.Sprintf("%s: manifest %s: %v", where(e.Log), e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *ManifestError) Unwrap() error { return e.Err }

// GapError is a hole in the numbers of the segments: the records between From and To are in no file
// here. First and Last are the missing segments. Plan.Next goes on behind the hole when called again.
type GapError struct {
	Log         *decode.Log
	From, To    decode.Position
	First, Last uint32
}

// Error says what is missing between which positions, and what to do.
func (e *GapError) Error() string {
	return fmt.Sprintf("%s: %s missing: the records from %v to %v are not here; restore the files, or skip the gap",
		where(e.Log), missingText(e.First, e.Last), e.From, e.To)
}

// PurgedError is a position whose segment is gone: purged, or in a hole. Oldest is where the
// segments that are there go on, the zero Position when there are none.
type PurgedError struct {
	Log          *decode.Log
	Want, Oldest decode.Position
}

// Error says what is gone, what is there, and what to do.
func (e *PurgedError) Error() string {
	return fmt.Sprintf("%s: position %v is gone: write2file%d is not there (purged by the server?), the log goes on at %v; "+
		"start there, or restore the segment", where(e.Log), e.Want, e.Want.Segment, e.Oldest)
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
		where(e.Log), e.Want, e.End)
}

// CutShortError is a segment whose file ends before its records do: the bytes from From to To are
// missing. Err is the cause where it is known, such as an *ArchiveError; nil otherwise. It counts
// as damage: it unwraps to a *decode.CorruptError too.
type CutShortError struct {
	Log      *decode.Log
	From, To decode.Position // To.Offset is 0 when nothing says where the records end
	Err      error
}

// Error says which bytes are missing and who says so.
func (e *CutShortError) Error() string {
	text := fmt.Sprintf("%s: write2file%d is cut short: it ends at %d", where(e.Log), e.From.Segment, e.From.Offset)
	if e.To.Offset > 0 {
		text += fmt.Sprintf(", its records at %d", e.To.Offset)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause, and the damage as package decode names it.
func (e *CutShortError) Unwrap() []error {
	corrupt := &decode.CorruptError{Segment: e.From.Segment, Offset: e.From.Offset, Err: decode.ErrTorn}
	if e.Err == nil {
		return []error{corrupt}
	}
	return []error{e.Err, corrupt}
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
		where(e.Log), e.Segment, e.Offset, e.Size)
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
	return fmt.Sprintf("%s: unpacking %s: damaged behind unpacked offset %d: %v", where(e.Log), e.Path, e.Offset, e.Err)
}

// Unwrap gives what the decompressor said.
func (e *ArchiveError) Unwrap() error { return e.Err }
