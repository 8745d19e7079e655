package decode

import (
	"fmt"
	"strconv"
	"strings"
)

// Position names a byte of one DB's log: a segment number and an offset in that segment's file. A
// position to resume from is always the end of a record, which is what INFO replication, the text
// file of a backup and TRYSYNC print too.
type Position struct {
	Segment uint32
	Offset  int64
}

// ParsePosition reads the form that String prints, "12:4096". The offset may also be given as
// 0x1000. Leading zeros mean nothing, as in the names of files. The error says what was expected.
func ParsePosition(s string) (Position, error) {
	segment, offset, ok := strings.Cut(s, ":")
	if ok {
		n, errN := strconv.ParseUint(segment, 10, 32)
		base := 10
		if hex, isHex := strings.CutPrefix(offset, "0x"); isHex {
			offset, base = hex, 16
		}
		o, errO := strconv.ParseUint(offset, base, 63)
		if errN == nil && errO == nil {
			return Position{Segment: uint32(n), Offset: int64(o)}, nil
		}
	}
	return Position{}, fmt.Errorf("%q is not a position: expected segment:offset, such as 12:4096", s)
}

// String is the text form, "12:4096".
func (p Position) String() string {
	return string(p.AppendText(nil))
}

// AppendText appends the text form to dst.
func (p Position) AppendText(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(p.Segment), 10)
	dst = append(dst, ':')
	return strconv.AppendInt(dst, p.Offset, 10)
}

// MarshalText gives the text form, for JSON.
func (p Position) MarshalText() ([]byte, error) { return p.AppendText(nil), nil }

// UnmarshalText reads what ParsePosition does.
func (p *Position) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePosition(string(text))
	return err
}

// Before reports whether p comes before q in the log.
func (p Position) Before(q Position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}
