package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"pikabin/encode/sink"
)

// hangupTime is how long a file may be out of its place until a hangup tells that it was rotated. Programs that rotate files move all of
// them before they tell anybody.
const hangupTime = 10 * time.Second

// isMoved reports whether the file is out of its place. One that has become shorter is an error.
func (f *file) isMoved() (bool, error) {
	f.writes.Lock()
	defer f.writes.Unlock()
	err := cmp.Or(f.CheckThere(), f.CheckLength())
	if _, moved := errors.AsType[*sink.MovedError](err); moved {
		return true, nil
	}
	f.moved = time.Time{}
	return false, err
}

// waitsForHangup tells the user once, and reports false when it is too late.
func (f *file) waitsForHangup() bool {
	if f.moved.IsZero() {
		f.moved = time.Now()
		f.env.Watched().Warn(fmt.Sprintf("%s, which is being written, was moved or removed: waiting %v for SIGHUP to begin a new one", f.Path(), hangupTime))
	}
	return time.Since(f.moved) < hangupTime
}

// rotate begins a new file in the place of the one that was moved. The lock is held. What was moved is whole and synced before the state
// counts it, and the new file begins as the stream would.
func (f *file) rotate(ctx context.Context) (sync func() error, err error) {
	path, old := f.Path(), f.File
	if info, err := f.disk.Stat(path); err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(&sink.MovedError{Path: path}, err)
	}
	if old.IsRemoved() && old.Length() > f.saved {
		return nil, &sink.MovedError{Path: path} // with events that nobody has been told of
	}
	if f.File, err = f.disk.Create(ctx, path); err != nil {
		f.File = old
		return nil, err
	}
	if err := f.File.Write(ctx, f.header()); err != nil {
		return nil, errors.Join(err, old.Close())
	}
	f.note, f.moved = fileNote{f.Extent(), f.db}, time.Time{}
	f.env.Watched().Warn("a new " + path + " is written")
	return func() error {
		return errors.Join(old.Sync(), old.Close(), f.Sync(), f.disk.SyncDir(filepath.Dir(path)))
	}, nil
}

// header is what a new file begins with in the middle of the stream: what tells of the DB, as a frame if the file has frames.
func (f *file) header() (header []byte) {
	if f.env.Header != nil && f.log != nil {
		header = f.env.Header(f.log)
	}
	if f.env.Frames != nil {
		header = f.env.Frames.AppendFrame(nil, header)
	}
	return header
}
