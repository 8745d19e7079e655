package binlog

import "pikabin/decode"

// NoteKind sorts the findings.
type NoteKind uint8

// The kinds of findings. None of them stops a read.
const (
	NoteNoManifest     NoteKind = iota // segments without a manifest: read to the last whole record
	NoteBadManifest                    // a manifest that is not believed: read as if there were none
	NoteManifestBeyond                 // the manifest's position lies behind the end of its segment's file
	NoteManifestGone                   // the manifest's segment is not there
	NoteStale                          // segments above the manifest, left from an older history: not read
	NoteTwice                          // a segment that is there plain and compressed, or in two archives
	NoteOldFlat                        // segments beside log_dbN folders, left from Pika before 3.1: not read
)

// Note is something odd about a log that a person may want to know.
type Note struct {
	Kind NoteKind
	Log  *decode.Log
	Path string // the file or folder it is about
	Text string // one line, without the path's log
}

// String is the line to print.
func (n Note) String() string { return n.Log.String() + ": " + n.Text }
