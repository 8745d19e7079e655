package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// HeadSize is how much of an archive is unpacked to see how its segment begins.
const HeadSize = 1 << 20

// decompressor is the unpacked stream of r. Each archive is unpacked by one goroutine, since it is the archives
// that are unpacked side by side.
func decompressor(c Compression, r io.Reader) (io.ReadCloser, error) {
	if c == Gzip {
		return newGunzip(r)
	}
	return newUnzstd(r)
}

// unpack writes the contents of an archive into a temporary file that loses its name at once.
func (d *Dir) unpack(ctx context.Context, segment Segment, packed packedFile) (*File, error) {
	temp, err := os.CreateTemp("", "pikabin-*")
	if err != nil {
		return nil, d.unpackError(segment, err)
	}
	// The descriptor keeps the bytes; a crash of this program leaves nothing over.
	if err := os.Remove(temp.Name()); err != nil {
		return nil, d.unpackError(segment, errors.Join(err, temp.Close()))
	}
	var size int64
	var failed error // of the temporary file or the context; those of the archive come from inflate
	damage := inflate(writerFunc(func(p []byte) (n int, err error) {
		if failed = context.Cause(ctx); failed == nil {
			n, failed = temp.Write(p)
			size += int64(n)
		}
		return n, failed
	}), segment.Compression, packed)
	if failed != nil {
		return nil, d.unpackError(segment, errors.Join(failed, temp.Close()))
	}
	if segment.Size == 0 {
		damage = io.ErrUnexpectedEOF // which a zstd decoder takes for an archive of nothing
	}
	f := newFile(d.ID, segment, temp, size)
	if damage != nil {
		f.damage = &ArchiveError{Log: d.ID, Path: segment.Path, Offset: size, Err: damage}
	}
	return f, nil
}

type writerFunc func(p []byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// inflate unpacks all it can. The error is of the archive, unless dst has failed.
func inflate(dst io.Writer, c Compression, packed packedFile) error {
	if c == Zstd {
		return unzstd(dst, packed)
	}
	r, err := decompressor(c, packed)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(dst, r)
	return err
}

// unpackError is about the temporary side; the archive's own damage is an *ArchiveError.
func (d *Dir) unpackError(segment Segment, err error) error {
	err = fmt.Errorf("%s: unpacking %s: %w", d.ID, segment.Path, err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w; set TMPDIR to a folder with room for a few unpacked segments (it is %s)", err, os.TempDir())
	}
	return err
}

// readArchiveHead unpacks the beginning of an archive. Damage in it just makes it shorter: it is reported when the
// archive is opened to be read.
func (d *Dir) readArchiveHead(segment Segment) ([]byte, error) {
	packed, err := d.openPath(segment)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	return inflateHead(segment.Compression, packed), nil
}

func inflateHead(c Compression, packed io.Reader) []byte {
	r, err := decompressor(c, packed)
	if err != nil {
		return nil
	}
	defer r.Close()
	head := make([]byte, HeadSize)
	n, _ := io.ReadFull(r, head)
	return head[:n]
}
