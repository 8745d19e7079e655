package readback

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// readAhead is how much of a file is read at a time.
const readAhead = 256 << 10

// unpacked is a stream as it was before it was compressed.
type unpacked struct {
	io.Reader
	close func()
}

// Close lets go of the decoder.
func (u *unpacked) Close() { u.close() }

// How compressed files begin. No file of events that is not compressed begins like this.
var (
	zstdMark = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMark = []byte{0x1f, 0x8b}
)

// unpack finds out how a file is compressed, whatever its name says.
func unpack(f File) (*unpacked, error) {
	mark := make([]byte, len(zstdMark))
	n, err := f.ReadAt(mark, 0)
	if err != nil && err != io.EOF { //nolint:errorlint // a short file
		return nil, err
	}
	in := io.NewSectionReader(f, 0, f.Size())
	switch mark = mark[:n]; {
	case bytes.HasPrefix(mark, zstdMark):
		d, err := zstd.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("reading a zstd file: %w", err)
		}
		return &unpacked{Reader: d, close: d.Close}, nil
	case bytes.HasPrefix(mark, gzipMark):
		d, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("reading a gzip file: %w", err)
		}
		return &unpacked{Reader: d, close: func() {}}, nil
	}
	return &unpacked{Reader: in, close: func() {}}, nil
}
