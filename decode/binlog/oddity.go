package binlog

import "pikabin/decode"

// OddityKind sorts the oddities.
type OddityKind uint8

// The kinds of oddities. None of them stops a read.
const (
	OddityNoManifest     OddityKind = iota // segments without a manifest: read to the last whole record
	OddityBadManifest                      // a manifest that is not believed: read as if there were none
	OddityManifestBeyond                   // the manifest's position is past the end of its segment's file
	OddityManifestGone                     // the manifest's segment is not there
	OddityStale                            // segments above the manifest, left from an older history: not read
	OddityTwice                            // a segment that is there plain and compressed, or in two archives
	OddityOldFlat                          // segments beside log_dbN folders, left from Pika before 3.1: not read
	OddityUnlinked                         // the segment that Pika writes was unlinked: read on through the open file
	OddityUnlisted                         // the manifest was unlinked: read on through the open file
	OddityRemoved                          // the folder of a DB was removed: what was in it has been read
	OddityAppeared                         // the log of a DB that was not there before
	OddityPassed                           // the folder of a DB that cannot be followed
	OddityTrouble                          // a log cannot be read at this moment, or can again
	OddityNoWatch                          // changes of a folder are not announced: it is polled only
)

// Oddity is something about a log that a person may want to know.
type Oddity struct {
	Kind OddityKind
	Log  *decode.Log
	Path string // the file or folder it is about
	Text string // one line, without the path's log
}

// String is the line to print.
func (o Oddity) String() string { return o.Log.String() + ": " + o.Text }
