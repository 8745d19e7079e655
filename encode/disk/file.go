package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// File is a file that is written at its end.
type File struct {
	disk   *Disk
	file   vfs.File
	path   string
	length int64
	last   []byte // the bytes before length, up to fenceSize of them
	dirty  bool   // something was written since Unsynced was last asked

	marked     int64  // length at the last Mark
	markedLast []byte // last, then
}

// Path is the file's name.
func (f *File) Path() string { return f.path }

// Length is how many bytes there are.
func (f *File) Length() int64 { return f.length }

// Unsynced reports whether anything was written since it was last asked.
func (f *File) Unsynced() bool {
	dirty := f.dirty
	f.dirty = false
	return dirty
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// fenceSize is how many bytes before its end a file is recognised by.
const fenceSize = 4096

// Extent is how far a file had been written, and how to recognise it.
type Extent struct {
	Length int64  `json:"length"`
	Sum    string `json:"sum,omitempty"` // of the bytes before length
}

// Extent is how far the file has been written.
func (f *File) Extent() Extent {
	if f.length == 0 {
		return Extent{}
	}
	return Extent{Length: f.length, Sum: sumOf(f.last)}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Create makes a file, or makes it empty.
func (d *Disk) Create(ctx context.Context, path string) (*File, error) {
	f := &File{disk: d, path: path}
	err := d.Retry(ctx, path, func() (err error) {
		f.file, err = d.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o666)
		return err
	})
	return f, err
}

// CreateOwn makes a file under a name that is free. Nothing that is there, such as a link, is written through.
func (d *Disk) CreateOwn(ctx context.Context, path string) (*File, error) {
	f := &File{disk: d, path: path}
	err := d.Retry(ctx, path, func() (err error) {
		f.file, err = vfs.OpenOwn(d, path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o666)
		return err
	})
	return f, err
}

// Reopen continues a file of the user's where a note says that it ended: what is after it was never acknowledged, and is cut off.
func (d *Disk) Reopen(ctx context.Context, path string, n Extent) (*File, error) {
	file, err := d.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) && n.Length == 0 {
		return d.named(d.Create(ctx, path))
	}
	return d.resume(file, err, path, n)
}

// ReopenOwn is Reopen for a file that this program has named.
func (d *Disk) ReopenOwn(ctx context.Context, path string, n Extent) (*File, error) {
	file, err := vfs.OpenOwn(d, path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) && n.Length == 0 {
		return d.named(d.CreateOwn(ctx, path))
	}
	return d.resume(file, err, path, n)
}

// ReadOwn opens a file that this program has named, to be read up to where a note says that it ended.
func (d *Disk) ReadOwn(path string, n Extent) (io.ReadCloser, error) {
	file, err := vfs.OpenOwn(d, path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	f := &File{disk: d, path: path, file: file, length: n.Length}
	if _, err := f.recognise(n); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &reader{Reader: io.LimitReader(file, n.Length), Closer: file}, nil
}

type reader struct {
	io.Reader
	io.Closer
}

// named makes the name of a file durable that has just been made.
func (d *Disk) named(f *File, err error) (*File, error) {
	if err != nil {
		return nil, err
	}
	if err := d.SyncDir(filepath.Dir(f.path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// resume cuts a file that has been opened, or could not be.
func (d *Disk) resume(file vfs.File, err error, path string, n Extent) (*File, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &sink.LostOutputError{Path: path, Want: n.Length, Have: -1}
	}
	if err != nil {
		return nil, err
	}
	f := &File{disk: d, path: path, file: file, length: n.Length}
	if err := f.cut(n); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// CheckThere refuses to count what was written as delivered when the file, or a folder above it, was moved or removed meanwhile.
func (f *File) CheckThere() error {
	there, err := f.disk.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return &sink.MovedError{Path: f.path}
	}
	if err != nil {
		return err
	}
	written, err := f.file.Stat()
	if err == nil && !vfs.SameFile(there, written) {
		err = &sink.MovedError{Path: f.path}
	}
	return err
}

// CheckLength refuses a file that is shorter than what was written.
func (f *File) CheckLength() error {
	info, err := f.file.Stat()
	if err == nil && info.Size() < f.length {
		err = &sink.LostOutputError{Path: f.path, Want: f.length, Have: info.Size(), Text: ", as something has cut it"}
	}
	return err
}

// IsRemoved reports whether the file has no name any more: nobody will read it.
func (f *File) IsRemoved() bool {
	info, err := f.file.Stat()
	return err == nil && vfs.Links(info) == 0
}

func (f *File) cut(n Extent) error {
	size, err := f.recognise(n)
	if err != nil || size == n.Length {
		return err
	}
	f.dirty = true // a power failure would put back what is cut off
	return f.file.Truncate(n.Length)
}

// recognise refuses a file that is not the one that a note speaks of, and gives how long it is.
func (f *File) recognise(n Extent) (size int64, err error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() < n.Length {
		return 0, &sink.LostOutputError{Path: f.path, Want: n.Length, Have: info.Size()}
	}
	f.last = make([]byte, min(n.Length, fenceSize))
	if _, err := f.file.ReadAt(f.last, n.Length-int64(len(f.last))); err != nil {
		return 0, err
	}
	if n.Length > 0 && sumOf(f.last) != n.Sum {
		return 0, &sink.LostOutputError{Path: f.path, Want: n.Length, Have: info.Size(), Text: ", and others than these"}
	}
	return info.Size(), nil
}

// Write appends all of the data, as soon as there is room for it.
func (f *File) Write(ctx context.Context, data []byte) error {
	left := data
	f.dirty = true
	err := f.disk.Retry(ctx, f.path, func() error {
		n, err := f.file.Write(left)
		left = left[n:]
		f.length += int64(n)
		return err
	})
	written := data[:len(data)-len(left)]
	f.last = append(f.last, written[max(0, len(written)-fenceSize):]...)
	if extra := len(f.last) - fenceSize; extra > 0 {
		f.last = append(f.last[:0], f.last[extra:]...)
	}
	return err
}

// Mark notes the end of the file, for Rewind.
func (f *File) Mark() {
	f.marked, f.markedLast = f.length, append(f.markedLast[:0], f.last...)
}

// Rewind cuts off what was written after the last Mark.
func (f *File) Rewind() error {
	f.length, f.last = f.marked, append(f.last[:0], f.markedLast...)
	return f.file.Truncate(f.length)
}

// Sync makes durable what was written before. It is tried once, whatever the error: the system may have given up the bytes that it could
// not write, and would say of the next attempt that all is well.
func (f *File) Sync() error {
	if err := f.file.Sync(); err != nil {
		return &sink.SyncError{Path: f.path, Err: err}
	}
	return nil
}
