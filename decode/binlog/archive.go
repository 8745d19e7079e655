package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// headSize is how much of an archive is unpacked to see how its segment begins.
const headSize = 1 << 20

// decompressor is the unpacked stream of r. Each archive is unpacked by one goroutine, since it is the archives
// that are unpacked side by side.
func decompressor(c Compression, r io.Reader) (io.ReadCloser, error) {
	if c == Gzip {
		return gzip.NewReader(r)
	}
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<31))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// unpack writes the contents of an archive into a temporary file that loses its name at once.
func (l *Log) unpack(ctx context.Context, segment Segment, packed io.Reader) (*File, error) {
	temp, err := os.CreateTemp("", "pikabin-*")
	if err != nil {
		return nil, l.unpackError(segment, err)
	}
	if err := os.Remove(temp.Name()); err != nil {
		temp.Close()
		return nil, l.unpackError(segment, err)
	}
	out := &tempWriter{ctx: ctx, file: temp}
	damage := inflate(out, segment.Compression, packed)
	if out.err != nil {
		temp.Close()
		return nil, l.unpackError(segment, out.err)
	}
	f := newFile(l.id, segment, temp, out.size)
	if damage != nil {
		f.damage = &ArchiveError{Log: l.id, Path: segment.Path, Offset: out.size, Err: damage}
	}
	return f, nil
}

func inflate(dst io.Writer, c Compression, packed io.Reader) error {
	r, err := decompressor(c, packed)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(dst, r)
	return err
}

// unpackError is about the temporary side; the archive's own damage is an *ArchiveError.
func (l *Log) unpackError(segment Segment, err error) error {
	err = fmt.Errorf("%s: unpacking %s: %w", where(l.id), segment.Path, err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w; set TMPDIR to a folder with room for a few unpacked segments (it is %s)", err, os.TempDir())
	}
	return err
}

// tempWriter tells errors of the temporary file, and the end of the context, from errors of the archive:
// io.Copy returns both kinds.
type tempWriter struct {
	ctx  context.Context //nolint:containedctx // lives for one call of unpack, to stop its io.Copy
	file *os.File
	size int64
	err  error
}

func (w *tempWriter) Write(p []byte) (int, error) {
	if w.err = context.Cause(w.ctx); w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	w.err = err
	return n, err
}

// readArchiveHead unpacks the beginning of an archive. Damage in it just makes it shorter: it is reported when the
// archive is opened to be read.
func (l *Log) readArchiveHead(segment Segment) ([]byte, error) {
	packed, err := l.openPath(segment)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	r, err := decompressor(segment.Compression, packed)
	if err != nil {
		return nil, nil //nolint:nilerr // an archive without a sound beginning has an empty one
	}
	defer r.Close()
	head, _ := io.ReadAll(io.LimitReader(r, headSize))
	return head, nil
}
