package jsonl

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// escapeBlock is how many bytes are escaped at a time. A long text so never needs the room that it
// would take if all of it had to be escaped.
const escapeBlock = 4096

// escapeRoom is the room that an escaper wants for n bytes: twice as much, since a byte it escapes
// becomes two, and as much as its last store may run over.
func escapeRoom(n int) int { return 2*n + 64 }

// shortText is the length up to which copyClean is tried before an escaper.
const shortText = 128

// An escaper is one of the implementations of the same loop: copy src to dst and put a backslash
// before every quote and backslash, and before the letter for every control character that has one.
// It stops at the end, or at the first of the other control characters. read bytes of src became
// written bytes of dst. high is 0x80 or more if any byte that was read is not ASCII. dst must have
// escapeRoom(len(src)); its bytes after written are overwritten with anything.
type escaper uint8

// appendText appends v as the inside of a JSON string and leaves margin after it. It is false
// if v is not valid UTF-8; then what it appended is of no use.
func (e *Encoder) appendText(dst, v []byte) ([]byte, bool) {
	if len(v) <= shortText {
		dst = slices.Grow(dst, shortText+64+margin)
		if e.escaper.copyClean(dst[len(dst):cap(dst)], v) {
			return dst[:len(dst)+len(v)], true
		}
	}
	return appendEscaped(dst, v, e.escaper)
}

const (
	ones   = 0x0101010101010101 // the lowest bit of each byte
	tops   = 0x8080808080808080 // the highest
	spaces = ' ' * ones
	quotes = '"' * ones
	slash  = '\\' * ones
)

// putClean copies v to dst, which has room for eight bytes more, and reports whether it may stand in a
// JSON string as it is: whether it is ASCII without quotes, backslashes and control characters.
func putClean(dst, v []byte) bool {
	var hit uint64
	for len(v) >= 16 && len(dst) >= 16 {
		w, x := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
		binary.LittleEndian.PutUint64(dst, w)
		binary.LittleEndian.PutUint64(dst[8:], x)
		hit |= w | escapes(w) | x | escapes(x)
		v, dst = v[16:], dst[16:]
	}
	if len(v) >= 8 {
		w := binary.LittleEndian.Uint64(v)
		binary.LittleEndian.PutUint64(dst, w)
		hit |= w | escapes(w)
		v, dst = v[8:], dst[8:]
	}
	if len(v) > 0 {
		w := loadShort(v)
		binary.LittleEndian.PutUint64(dst, w)
		w |= spaces << (8 * len(v))
		hit |= w | escapes(w)
	}
	return hit&tops == 0
}

// escapes has the highest bit of each byte set that is to be escaped. It is also set in some that are
// not ASCII, and, as a subtraction borrows from its neighbour, in some above one that is to be escaped.
func escapes(w uint64) uint64 {
	return (w - spaces) | ((w ^ quotes) - ones) | ((w ^ slash) - ones)
}

// loadShort is a little-endian word of the 1 to 7 bytes of v, zero above.
func loadShort(v []byte) uint64 {
	n := len(v)
	if n >= 4 {
		low := uint64(binary.LittleEndian.Uint32(v))
		high := uint64(binary.LittleEndian.Uint32(v[n-4:]))
		return low | high<<(8*(n-4))
	}
	return uint64(v[0]) | uint64(v[n/2])<<(8*(n/2)) | uint64(v[n-1])<<(8*(n-1))
}

// appendEscaped is appendText for any v.
func appendEscaped(dst, v []byte, esc escaper) ([]byte, bool) {
	dst = slices.Grow(dst, len(v)+margin)
	var high byte
	valid := false
	for rest := v; len(rest) > 0; {
		block := rest[:min(len(rest), escapeBlock)]
		dst = slices.Grow(dst, escapeRoom(len(block))+margin)
		read, written, h := esc.escape(dst[len(dst):cap(dst)], block)
		dst, rest, high = dst[:len(dst)+written], rest[read:], high|h
		if read == len(block) {
			continue
		}
		dst = appendEscapedByte(dst, rest[0])
		high |= rest[0]
		rest = rest[1:]
		// Rare control characters are a sign of binary data: no need to escape all of it to see that.
		if high >= utf8.RuneSelf && !valid {
			if valid = validUTF8(v); !valid {
				return dst, false
			}
		}
	}
	dst = slices.Grow(dst, margin)
	return dst, high < utf8.RuneSelf || valid || validUTF8(v)
}

// escapeGo is the escaper for every machine. The lowest hit in a word is always a true one.
func escapeGo(dst, src []byte) (read, written int, high byte) {
	rest, out := src, dst
	for len(rest) >= 8 && len(out) >= 16 {
		w := binary.LittleEndian.Uint64(rest)
		binary.LittleEndian.PutUint64(out, w)
		if w&tops != 0 {
			high |= utf8.RuneSelf
		}
		hit := escapes(w) &^ w & tops
		if hit == 0 {
			rest, out = rest[8:], out[8:]
			continue
		}
		clean := bits.TrailingZeros64(hit) / 8
		short := shortEscapes[byte(w>>(8*clean))]
		if short == rareEscape {
			return len(src) - len(rest) + clean, len(dst) - len(out) + clean, high
		}
		binary.LittleEndian.PutUint16(out[clean:], '\\'|uint16(short)<<8)
		rest, out = rest[clean+1:], out[clean+2:]
	}
	r, w, h := escapeGoTail(out, rest)
	return len(src) - len(rest) + r, len(dst) - len(out) + w, high | h
}

// escapeGoTail is escapeGo for less than a word.
func escapeGoTail(dst, src []byte) (read, written int, high byte) {
	for i, b := range src {
		high |= b
		switch short := shortEscapes[b]; short {
		case rareEscape:
			return i, written, high
		case 0:
			dst[written] = b
			written++
		default:
			dst[written], dst[written+1] = '\\', short
			written += 2
		}
	}
	return len(src), written, high
}

// rareEscape marks the control characters without a letter.
const rareEscape = 'u'

// shortEscapes is the letter that comes after the backslash, 0 for what is not escaped.
var shortEscapes = newShortEscapes()

func newShortEscapes() (t [256]byte) {
	for b := range byte(' ') {
		t[b] = rareEscape
	}
	t['\b'], t['\t'], t['\n'], t['\f'], t['\r'] = 'b', 't', 'n', 'f', 'r'
	t['"'], t['\\'] = '"', '\\'
	return t
}

// appendEscapedByte appends one byte of a JSON string.
func appendEscapedByte(dst []byte, b byte) []byte {
	const hex = "0123456789abcdef"
	switch short := shortEscapes[b]; short {
	case 0:
		return append(dst, b)
	case rareEscape:
		return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
	default:
		return append(dst, '\\', short)
	}
}

// appendString appends a text in quotes: a name or a reason, where speed does not matter. Such a
// text may come from a folder's name; what is not UTF-8 in it is replaced, since JSON cannot say it.
func appendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	dst = append(dst, '"')
	for i := range len(s) {
		dst = appendEscapedByte(dst, s[i])
	}
	return append(dst, '"')
}
