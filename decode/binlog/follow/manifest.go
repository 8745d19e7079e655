package follow

import "pikabin/decode/binlog/folder"

// manifest is the manifest of a log that is followed, with what it has said before.
type manifest struct {
	folder.LiveManifest

	last    [folder.ManifestSize]byte // what it said when it was looked at last
	settled bool                      // there was nothing more to be had of that
	good    [folder.ManifestSize]byte // what it said when the files were last seen to be of the history that is read
	refresh bool                      // it is another file, or the log had none
}
