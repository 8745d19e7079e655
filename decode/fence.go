package decode

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// fenceSize is how many bytes of each end of a record, and before a position, a fence looks at.
const fenceSize = 4096

// Sum is a part of a SHA-256. Its text form is hexadecimal; that of the zero value, which stands for nothing, is empty.
type Sum [16]byte

// Fence is a fingerprint of what is before a position, to be compared when a log is read on from there: another
// history under the same names has another one. The zero value is that of a position with nothing before it.
type Fence struct {
	// Bytes is of the 4 KiB before the position, and of the first 4 KiB of the record that ends there, as they lie in the
	// segment. Committed bytes never change, and neither does a copy of them.
	Bytes Sum `json:"bytes,omitzero"`

	// Record is where the record that ends at the position begins, and Content is of both ends of that record without its
	// headers: a master and its replicas stamp different headers on the same content. Content is absent where no
	// record is known to end.
	Record  int64 `json:"record,omitzero"`
	Content Sum   `json:"content,omitzero"`
}

// NewFence reads the fence of the position at offset end of a segment. record is where the record that ends there begins, -1
// if that is not known. The generation tells what of it are headers.
func NewFence(src io.ReaderAt, record, end int64, g Generation) (Fence, error) {
	if end <= 0 {
		return Fence{}, nil
	}
	tail := excerpt{begin: max(end-fenceSize, 0)}
	if err := tail.read(src, end); err != nil {
		return Fence{}, err
	}
	all := sha256.New()
	all.Write(tail.data)
	f := Fence{}
	if record >= 0 && record < end {
		head := excerpt{begin: record}
		if err := head.read(src, min(record+fenceSize, max(tail.begin, record))); err != nil {
			return Fence{}, err
		}
		all.Write(head.data)
		content := sha256.New()
		head.hashContent(content, record, g)
		tail.hashContent(content, record, g)
		f.Record, f.Content = record, Sum(content.Sum(nil)[:len(f.Content)])
	}
	f.Bytes = Sum(all.Sum(nil)[:len(f.Bytes)])
	return f, nil
}

// NewContentFence is NewFence without Bytes, of a segment that is not there as it lies on the disk: the record that ends at end is,
// but for the times in its headers.
func NewContentFence(src io.ReaderAt, record, end int64, g Generation) (Fence, error) {
	var ends Ends
	err := ends.Read(src, record, end)
	return ends.Fence(g), err
}

// Ends are the ends of a record, kept to take its content fence later: that takes longer than to copy them. The zero value is of
// no record.
type Ends struct {
	record     int64
	head, tail excerpt
}

// Read copies the ends of the record that lies between two offsets; record is -1 if that is not known. After an error they are of no record.
func (e *Ends) Read(src io.ReaderAt, record, end int64) error {
	e.record, e.tail.data = record, e.tail.data[:0]
	if record < 0 || record >= end {
		return nil
	}
	e.tail.begin, e.head.begin = max(end-fenceSize, record), record
	err := e.head.read(src, min(record+fenceSize, e.tail.begin))
	if err == nil {
		err = e.tail.read(src, end)
	}
	if err != nil {
		e.tail.data = e.tail.data[:0]
	}
	return err
}

// Fence is the content fence of the record; the zero fence of none.
func (e *Ends) Fence(g Generation) Fence {
	if len(e.tail.data) == 0 {
		return Fence{}
	}
	content := sha256.New()
	e.head.hashContent(content, e.record, g)
	e.tail.hashContent(content, e.record, g)
	f := Fence{Record: e.record}
	copy(f.Content[:], content.Sum(nil))
	return f
}

// Again reads the fence of the same position in a segment that may be another one: it is equal to f if nothing of what f was
// taken of has changed.
func (f Fence) Again(src io.ReaderAt, end int64, g Generation) (Fence, error) {
	if f.Content == (Sum{}) {
		return NewFence(src, -1, end, g)
	}
	return NewFence(src, f.Record, end, g)
}

// Fits reports whether a fence is that of an earlier look at the same place, by all that both know.
func (f Fence) Fits(earlier Fence) bool {
	if earlier.Bytes == (Sum{}) || f.Bytes == (Sum{}) {
		return f.Content == earlier.Content
	}
	return f.Bytes == earlier.Bytes
}

// excerpt is some bytes of a segment.
type excerpt struct {
	begin int64
	data  []byte
}

func (e *excerpt) read(src io.ReaderAt, end int64) error {
	n := int(end - e.begin)
	e.data = slices.Grow(e.data[:0], n)[:n]
	if n, err := src.ReadAt(e.data, e.begin); n < len(e.data) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading the bytes before offset %d: %w", end, err)
	}
	return nil
}

// hashContent hashes what of the excerpt is content of the record that begins at record: neither its headers, nor what is before
// it.
func (e *excerpt) hashContent(h hash.Hash, record int64, g Generation) {
	header := int64(8)
	if g == G0 {
		header = 4
	}
	content := record + header
	if g >= G3 {
		content += ItemHeaderSize
	}
	end := e.begin + int64(len(e.data))
	for at := e.begin; at < end; {
		block := at / BlockSize * BlockSize
		next := min(block+BlockSize, end)
		from := max(at, content)
		if block > record {
			from = max(from, block+header)
		}
		if from < next {
			h.Write(e.data[from-e.begin : next-e.begin])
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
