package follow

import (
	"bytes"
	"errors"
	"slices"
	"syscall"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlog/follow/patience"
)

// suffer takes an error of a follower that may pass. A handle of a network file system that is stale stays so: the files are
// to be opened anew.
func (f *follower) suffer(err error) error {
	if !patience.Passing(err) {
		return err
	}
	f.trouble.Meet(err, f.now())
	f.tell()
	if errors.Is(err, syscall.ESTALE) {
		f.stale = true
		return f.manifest.Close()
	}
	return nil
}

// tell says once that there is trouble, wherever it was met.
func (f *follower) tell() {
	if err := f.trouble.News(); err != nil {
		f.note(binlog.Oddity{Kind: binlog.OddityTrouble, Log: f.log.ID(), Path: f.dir.Path, Text: "cannot be read now, trying again: " + err.Error()})
	}
}

// relieved says that the trouble is over.
func (f *follower) relieved() {
	if f.trouble.Over() {
		f.note(binlog.Oddity{Kind: binlog.OddityTrouble, Log: f.log.ID(), Path: f.dir.Path, Text: "can be read again"})
	}
}

// patient has the workers wait out errors that may pass while they read a chunk.
func (f *follower) patient(chunk *decode.Chunk) {
	r := patience.NewReader(chunk.Blocks, &f.trouble, f.stop)
	r.Anew = f.anew(folder.Segment{Number: chunk.Segment, Path: f.segmentPath(chunk.Segment)})
	release := chunk.Release
	chunk.Blocks, chunk.Release = r, func() {
		release()
		_ = r.Close()
	}
}

// anew opens a segment once more for a worker, if it begins as the one does that is read.
func (f *follower) anew(s folder.Segment) func() (patience.File, error) {
	head := slices.Clone(f.memory.head)
	return func() (patience.File, error) {
		file, err := f.dir.OpenPath(s)
		if err != nil {
			return nil, err
		}
		now, err := file.ReadNow(make([]byte, len(head)), 0)
		if err != nil || !bytes.Equal(now, head) {
			return nil, errors.Join(err, file.Close(), &folder.ReplacedError{Log: f.dir.ID, Segment: s.Number})
		}
		return file, nil
	}
}
