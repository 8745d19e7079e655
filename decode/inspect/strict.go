package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"pikabin/decode"
)

var errLeadingZero = fmt.Errorf("%w: a length with leading zeros", decode.ErrBadRESP)

// leadingZero finds a length with leading zeros in a payload that has been parsed, which only padding items
// may have (see package decode, Payload). It gives the index of the zero, or -1.
func leadingZero(payload []byte) int {
	for i := 0; i < len(payload); {
		if payload[i] == 1 {
			i += decode.ItemHeaderSize
			continue
		}
		argc, next := length(payload, i)
		if next < 0 {
			return i + 1
		}
		for i = next; argc > 0; argc-- {
			size, next := length(payload, i)
			if next < 0 {
				return i + 1
			}
			i = next + size + 2
		}
	}
	return -1
}

// length reads the decimal after the * or $ at i; next is -1 if it has leading zeros.
func length(b []byte, i int) (n, next int) {
	i++
	if b[i] == '0' && b[i+1] != '\r' {
		return 0, -1
	}
	for ; b[i] != '\r'; i++ {
		n = n*10 + int(b[i]-'0')
	}
	return n, i + 2
}

// Where an item header has the segment and the offset of the position that it names (see package decode, Payload).
const (
	itemSegment = 18
	itemOffset  = 22
)

// fields are the offsets in the segment of the two parts of the position that a record names: its segment
// number, and its offset.
type fields struct{ number, offset int64 }

// wrong is the first of them that is not as it should be.
func (f fields) wrong(at, want decode.Position) int64 {
	if at.Segment != want.Segment {
		return f.number
	}
	return f.offset
}

func fieldsOf(rec *decode.Record, e *decode.Entry) fields {
	if len(rec.Payload) > 0 && rec.Payload[0] == 1 {
		return fields{rec.At(itemSegment), rec.At(itemOffset)}
	}
	var info [16]byte
	binary.LittleEndian.PutUint32(info[:], uint32(e.Time))
	binary.LittleEndian.PutUint32(info[4:], e.At.Segment)
	binary.LittleEndian.PutUint64(info[8:], uint64(e.At.Offset))
	if i := bytes.LastIndex(rec.Payload, info[:]); i >= 0 {
		return fields{rec.At(i + 4), rec.At(i + 8)}
	}
	return fields{rec.Offset, rec.Offset}
}

// tail is what a segment's file has after the end of its records.
type tail struct {
	begin, size int64 // size is 0 when the file ends there
	stale       int64 // offset of the first byte that is not zero, -1 for none
}

// readTail looks at the bytes after the segment's last record.
func readTail(t *task, p *decode.Coverage) (tail, error) {
	begin := p.Limit
	if p.Zeros {
		begin = max(p.Last, p.Begin)
	}
	if begin >= t.size || p.Torn {
		return tail{}, nil
	}
	stale, err := firstStale(t.Blocks, begin, t.size)
	return tail{begin: begin, size: t.size - begin, stale: stale}, err
}

// firstStale is where the bytes after the records are not zero any more, -1 if they are.
func firstStale(src io.ReaderAt, begin, end int64) (int64, error) {
	at, err := decode.FirstNonZero(src, begin, end)
	if err != nil {
		err = fmt.Errorf("reading after the records: %w", err)
	}
	return at, err
}
