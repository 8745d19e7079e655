package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"pikabin/decode"
)

// ErrNoManifest says that the folder holds segments and no manifest: archived or copied files.
var ErrNoManifest = errors.New("no manifest")

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

// ReplacedError is a file that was to be opened anew, because its handle was stale, and is another one.
type ReplacedError struct {
	Log     *decode.Log
	Segment uint32
}

// Error names the segment, and says what to do.
func (e *ReplacedError) Error() string {
	return fmt.Sprintf("%s: write2file%d is another file than the one that was being read; start again: the history of the log was replaced", e.Log, e.Segment)
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
	return fmt.Sprintf("%s: unpacking %s: damaged after unpacked offset %d: %v", e.Log, e.Path, e.Offset, e.Err)
}

// Why is the same without the log and the archive's folder: events tell it too, and nothing in them depends on where the archive is.
func (e *ArchiveError) Why() string {
	return fmt.Sprintf("unpacking %s: %v", filepath.Base(e.Path), e.Err)
}

// Unwrap gives what the decompressor said.
func (e *ArchiveError) Unwrap() error { return e.Err }

// IsDamage tells damage of the content, which can be read past, from a file that cannot be read or was cut while
// it was read.
func IsDamage(err error) bool {
	var corrupt *decode.CorruptError
	var path *fs.PathError
	var changed *ChangedError
	return errors.As(err, &corrupt) && !errors.As(err, &path) && !errors.As(err, &changed)
}

// Vanished reports whether an error is for a file or folder that is not there any more.
func Vanished(err error) bool {
	var purged *decode.PurgedError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &purged)
}

// NameError is the folder of a DB whose name is no UTF-8.
type NameError struct{ Dir string }

// Error names the folder, and what the user can do.
func (e *NameError) Error() string {
	return fmt.Sprintf("the name of the folder %q is not UTF-8: read it through a symbolic link with another name, such as log_db0", e.Dir)
}
