package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"pikabin/decode"
)

// File is an open segment: an io.ReaderAt over its unpacked bytes, for any number of goroutines. It is
// counted: who gets one from Open or in a Chunk calls Release when done, and Retain before handing it on.
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

// Open opens a segment, unpacking it first when it is an archive: into a temporary file in TMPDIR that has no
// name any more when Open returns, so that nothing is left behind whatever happens. An archive that is damaged
// opens with what could be unpacked, see Damage. A segment that is gone is a *PurgedError.
func (l *Log) Open(ctx context.Context, segment Segment) (*File, error) {
	if segment.Compression == Plain {
		return l.openPlain(segment)
	}
	packed, err := l.openPath(segment)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	return l.unpack(ctx, segment, packed)
}

func (l *Log) openPlain(segment Segment) (*File, error) {
	if l.held != nil && l.held.segment.Number == segment.Number {
		return l.held.again()
	}
	file, err := l.openPath(segment)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.id, errors.Join(err, file.Close()))
	}
	f := newFile(l.id, segment, file, info.Size())
	f.stat = info
	return f, nil
}

// again is the same descriptor, counted once more, with the size that the file has now: a live segment grows.
func (f *File) again() (*File, error) {
	info, err := f.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.log, err)
	}
	now := *f.Retain()
	now.stat, now.size, now.segment.Size = info, info.Size(), info.Size()
	return &now, nil
}

func (l *Log) openPath(segment Segment) (*os.File, error) {
	file, err := os.Open(segment.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.purged(segment.start())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.id, err)
	}
	return file, nil
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

// Release counts one user less, and closes the file behind the last one.
func (f *File) Release() error {
	if f.refs.Add(-1) > 0 {
		return nil
	}
	return f.file.Close()
}

// Close is Release, for those who need an io.Closer.
func (f *File) Close() error { return f.Release() }
