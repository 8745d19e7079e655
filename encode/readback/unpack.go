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

// ahead is how much of one file is: tables have many that are smaller, for which a buffer of that size takes longer to make than they to read.
func ahead(f File) int { return int(min(max(f.Size(), 4<<10), readAhead)) }

// unpacked is a stream as it was before it was compressed.
type unpacked struct {
	io.Reader
	close func()
}

// Close lets go of the decoder.
func (u *unpacked) Close() { u.close() }

// How compressed files begin. No file of events that is not compressed begins like this, and no segment, as no record is so long.
var (
	zstdMark = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMark = []byte{0x1f, 0x8b, 0x08} // the only method that there is
)

// MarkSize is how many bytes at the beginning of a file tell how it is compressed.
const MarkSize = 4

// Packed tells by its first bytes how a file is compressed: what its name should end in, ".zst" or ".gz", and nothing for one that is not.
func Packed(head []byte) string {
	switch {
	case bytes.HasPrefix(head, zstdMark):
		return ".zst"
	case bytes.HasPrefix(head, gzipMark):
		return ".gz"
	}
	return ""
}

// unpack finds out how a file is compressed, whatever its name says.
func unpack(f File) (*unpacked, error) {
	mark := make([]byte, MarkSize)
	n, err := f.ReadAt(mark, 0)
	if err != nil && err != io.EOF { //nolint:errorlint // a short file
		return nil, err
	}
	in := io.NewSectionReader(f, 0, f.Size())
	switch Packed(mark[:n]) {
	case ".zst":
		d, err := zstd.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("reading a zstd file: %w", err)
		}
		return &unpacked{Reader: d, close: d.Close}, nil
	case ".gz":
		d, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("reading a gzip file: %w", err)
		}
		return &unpacked{Reader: d, close: func() {}}, nil
	}
	return &unpacked{Reader: in, close: func() {}}, nil
}
