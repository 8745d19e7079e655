package binlog

import "pikabin/decode"

// NoteKind sorts the findings.
type NoteKind uint8

// The kinds of findings. None of them stops a read.
const (
	NoteNoManifest     NoteKind = iota // segments without a manifest: read to the last whole record
	NoteBadManifest                    // a manifest that is not believed: read as if there were none
	NoteManifestBeyond                 // the manifest's position is past the end of its segment's file
	NoteManifestGone                   // the manifest's segment is not there
	NoteStale                          // segments above the manifest, left from an older history: not read
	NoteTwice                          // a segment that is there plain and compressed, or in two archives
	NoteOldFlat                        // segments beside log_dbN folders, left from Pika before 3.1: not read
	NoteUnlinked                       // the segment that Pika writes was unlinked: read on through the open file
	NoteUnlisted                       // the manifest was unlinked: read on through the open file
	NoteRemoved                        // the folder of a DB was removed: what was in it has been read
	NoteAppeared                       // the log of a DB that was not there before
	NotePassed                         // the folder of a DB that cannot be followed
	NoteTrouble                        // a log cannot be read at this moment, or can again
	NoteNoWatch                        // changes of a folder are not announced: it is polled only
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
