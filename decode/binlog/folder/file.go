package folder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"pikabin/decode"
)

// File is an open segment: an io.ReaderAt over its unpacked bytes, for any number of goroutines. It is
// counted: each user calls Release when done, and Retain before handing it on.
// A descriptor stays readable when Pika purges the file, so a File outlives its name.
type File struct {
	log     *decode.Log
	segment Segment
	file    *os.File
	size    int64
	damage  error
	stat    os.FileInfo   // of a plain file, as it was opened
	refs    *atomic.Int32 // of the descriptor
}

func newFile(id *decode.Log, segment Segment, file *os.File, size int64) *File {
	f := &File{log: id, segment: segment, file: file, size: size, refs: new(atomic.Int32)}
	f.refs.Store(1)
	return f
}

// Again is the same descriptor, counted once more, with the size that the file has now: a live segment grows.
func (f *File) Again() (*File, error) {
	info, err := f.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.log, err)
	}
	now := *f.Retain()
	now.stat, now.size, now.segment.Size = info, info.Size(), info.Size()
	return &now, nil
}

// Segment is what was opened.
func (f *File) Segment() Segment { return f.segment }

// Size is the number of bytes that could be read when the file was opened. A live segment grows.
func (f *File) Size() int64 { return f.size }

// Damage is an *ArchiveError when the file is an archive that could be unpacked only up to Size, else nil.
func (f *File) Damage() error { return f.damage }

// ReadAt reads as io.ReaderAt does. A file that has become shorter than it was is a *ChangedError, so
// that io.EOF only ever means the end of a whole file.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(p, off)
	if err == io.EOF && off+int64(n) < f.size {
		return n, &ChangedError{Log: f.log, Segment: f.segment.Number, Offset: off + int64(n), Size: f.size}
	}
	return n, err
}

// Retain counts one more user and returns f.
func (f *File) Retain() *File {
	f.refs.Add(1)
	return f
}

// Release counts one user less, and closes the file after the last one.
func (f *File) Release() error {
	if f.refs.Add(-1) > 0 {
		return nil
	}
	return f.file.Close()
}

// Close is Release, as io.Closer has it.
func (f *File) Close() error { return f.Release() }

// Stat looks at the file as it is now, whatever its name leads to.
func (f *File) Stat() (os.FileInfo, error) { return f.file.Stat() }

// IsAt reports whether info is of this very file.
func (f *File) IsAt(info os.FileInfo) bool { return os.SameFile(info, f.stat) }

// ReadNow fills buf from an offset with what is there now. Of a file that was cut meanwhile it is less.
func (f *File) ReadNow(buf []byte, off int64) ([]byte, error) {
	n, err := f.file.ReadAt(buf, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf[:n], err
}
