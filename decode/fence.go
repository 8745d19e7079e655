package decode

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// fenceSize is how many bytes before a position a fence looks at, at most.
const fenceSize = 4096

// Sum is a part of a SHA-256. Its text form is hexadecimal; that of the zero value, which stands for nothing, is empty.
type Sum [16]byte

// Fence is a fingerprint of what stands before a position, to be compared when a log is read on from there: another
// history under the same names has another one. The zero value is that of a position with nothing before it.
type Fence struct {
	// Bytes is of the bytes before the position, up to 4 KiB of them, as they lie in the segment. Committed bytes never
	// change, and neither does a copy of them.
	Bytes Sum `json:"bytes,omitzero"`

	// Record is where the record that ends at the position begins, and Content is of that record without its headers, the
	// last 4 KiB of it: a master and its replicas stamp different headers on the same content. Content is
	// absent where no record is known to end.
	Record  int64 `json:"record,omitzero"`
	Content Sum   `json:"content,omitzero"`
}

// NewFence reads the fence of the position at offset end of a segment. record is where the record that ends there begins, -1
// if that is not known. The generation tells what of it are headers.
func NewFence(src Source, record, end int64, g Generation) (Fence, error) {
	var f Fence
	if end <= 0 {
		return f, nil
	}
	begin := max(end-fenceSize, 0)
	buf := make([]byte, end-begin)
	if n, err := src.ReadAt(buf, begin); n < len(buf) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return f, fmt.Errorf("reading the bytes before offset %d: %w", end, err)
	}
	all := sha256.Sum256(buf)
	f.Bytes = Sum(all[:len(f.Bytes)])
	if record >= 0 && record < end {
		h := sha256.New()
		hashContent(h, buf, begin, record, g)
		f.Record, f.Content = record, Sum(h.Sum(nil)[:len(f.Content)])
	}
	return f, nil
}

// itemHeaderSize is that of the header in front of the content of a record since Pika 3.0.
const itemHeaderSize = 34

// hashContent hashes what of buf, which begins at offset begin of the segment, is content of the record.
func hashContent(h hash.Hash, buf []byte, begin, record int64, g Generation) {
	header := int64(8)
	if g == G0 {
		header = 4
	}
	skip := record + header
	if g >= G3 {
		skip += itemHeaderSize
	}
	// A header of the record's own fragments stands where a block begins. One that straddles begin is cut off with it.
	for at := begin; at < begin+int64(len(buf)); {
		next := min((at/BlockSize+1)*BlockSize, begin+int64(len(buf)))
		from := max(at, skip)
		if block := at / BlockSize * BlockSize; block > record {
			from = max(from, block+header)
		}
		if from < next {
			h.Write(buf[from-begin : next-begin])
		}
		at = next
	}
}

// MarshalText gives the hexadecimal form.
func (s Sum) MarshalText() ([]byte, error) {
	if s == (Sum{}) {
		return nil, nil
	}
	return hex.AppendEncode(nil, s[:]), nil
}

// UnmarshalText reads the hexadecimal form.
func (s *Sum) UnmarshalText(text []byte) error {
	*s = Sum{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != hex.EncodedLen(len(s)) {
		return fmt.Errorf("%q is not a fingerprint: expected %d hexadecimal digits", text, hex.EncodedLen(len(s)))
	}
	_, err := hex.Decode(s[:], text)
	return err
}
