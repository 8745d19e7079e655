package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"pikabin/decode"
)

// Links hold segments of a folder that the server may have purged.
type Links interface {
	Merge(l *Listing)                          // adds the segments that only a link holds any more
	Path(number uint32) (path string, ok bool) // of the link of a segment
}

// Dir is the folder of one log, with what is kept of it apart from its names: the segment that is held open, and links.
//
// Its methods are for one goroutine at a time, but for Open of archives, which is for many.
type Dir struct {
	ID   *decode.Log
	Path string

	// Links, if set, hold segments that the server may have purged.
	Links Links

	// held is the segment that is being followed. As long as its descriptor is open the inode is not used again, so that
	// it can be told from a file that takes its place, and it can be read when Pika has unlinked it.
	held   *File
	beside *File // that is looked at, too
}

// List looks at the folder. The segment that is held can be read though it may have no name any more.
func (d *Dir) List() (*Listing, error) {
	l, err := List(d.Path)
	if err != nil {
		return nil, err
	}
	if d.Links != nil {
		d.Links.Merge(l)
	}
	if d.held != nil {
		l.Add(d.held.segment)
	}
	return l, nil
}

// Held is the segment that is held, nil if none is.
func (d *Dir) Held() *File { return d.held }

// Hold keeps a plain segment open in place of the one before.
func (d *Dir) Hold(f *File) error {
	if f.segment.Compression != Plain {
		return d.LetGo()
	}
	f.Retain()
	err := d.LetGo()
	d.held = f
	return err
}

// LetGo holds nothing any more.
func (d *Dir) LetGo() error {
	f := d.Swap(nil)
	if f == nil {
		return nil
	}
	return f.Release()
}

// Swap holds another file, or none, and gives back the one before, without counting either.
func (d *Dir) Swap(f *File) (before *File) {
	before, d.held = d.held, f
	return before
}

// With runs do while a file that is open is what its segment is read from, whatever the path leads to, beside the one that is held.
func (d *Dir) With(f *File, do func() error) error {
	before := d.beside
	d.beside = f
	defer func() { d.beside = before }()
	return do()
}

// Open opens a segment, unpacking it first when it is an archive: into a temporary file in TMPDIR that has no
// name any more when Open returns, so that nothing is left over whatever happens. An archive that is damaged
// opens with what could be unpacked, see Damage. A segment that is gone is a *decode.PurgedError.
func (d *Dir) Open(ctx context.Context, segment Segment) (*File, error) {
	if segment.Compression == Plain {
		return d.OpenPlain(segment)
	}
	packed, err := d.openPath(segment)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	return d.unpack(ctx, segment, packed)
}

// OpenPlain opens a plain segment: one that is held, if it has the number, else the file at the path.
func (d *Dir) OpenPlain(segment Segment) (*File, error) {
	for _, open := range []*File{d.beside, d.held} {
		if open != nil && open.segment.Number == segment.Number {
			return open.Again()
		}
	}
	return d.OpenPath(segment)
}

// OpenPath opens the file at the path of a plain segment, or at that of a link, whatever is held.
func (d *Dir) OpenPath(segment Segment) (*File, error) {
	file, err := d.openPath(segment)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() { // its size is that of no segment, and another one on each file system
		err = &fs.PathError{Op: "read", Path: file.Name(), Err: syscall.EISDIR}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.ID, errors.Join(err, file.Close()))
	}
	f := newFile(d.ID, segment, file, info.Size())
	f.stat = info
	return f, nil
}

// OpenHead opens a segment to look at its beginning: the file, or what the first MiB of an archive unpacks to.
func (d *Dir) OpenHead(s Segment) (src io.ReaderAt, size int64, done func(), err error) {
	if s.Compression != Plain {
		head, err := d.readArchiveHead(s)
		return bytes.NewReader(head), int64(len(head)), func() {}, err
	}
	f, err := d.OpenPlain(s)
	if err != nil {
		return nil, 0, nil, err
	}
	return f, f.size, func() { _ = f.Close() }, nil
}

func (d *Dir) openPath(segment Segment) (*os.File, error) {
	file, err := os.Open(segment.Path)
	if path, ok := d.linkPath(segment); ok && errors.Is(err, fs.ErrNotExist) {
		file, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, d.Purged(segment.Start())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.ID, err)
	}
	return file, nil
}

func (d *Dir) linkPath(segment Segment) (string, bool) {
	if d.Links == nil {
		return "", false
	}
	return d.Links.Path(segment.Number)
}

// Purged makes the error for a position whose segment is not there, with a fresh look at what is. Oldest is the zero position
// if there is nothing at or above it: then the log continues where it ends, which the folder does not know.
func (d *Dir) Purged(want decode.Position) error {
	l, err := List(d.Path)
	if err != nil {
		return fmt.Errorf("%s: write2file%d is gone: %w", d.ID, want.Segment, err)
	}
	e := &decode.PurgedError{Log: d.ID, Want: want}
	if i, _ := Find(l.Segments, want.Segment); i < len(l.Segments) {
		e.Oldest = l.Segments[i].Start()
	}
	return e
}
