package formats

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// varintLen is the number of bytes that v takes: seven bits each.
func varintLen(v uint64) int {
	return (9*bits.Len64(v) + 64) / 64
}

func tagLen(tag uint64) int {
	if tag < 1<<7 {
		return 1
	}
	return 2
}

// optionalLen is the length of a number that is written even if it is 0.
func optionalLen(tag, v uint64) int { return tagLen(tag) + varintLen(v) }

// uintFieldLen is the length of a number whose 0 is left out.
func uintFieldLen(tag, v uint64) int {
	if v == 0 {
		return 0
	}
	return optionalLen(tag, v)
}

// lenPrefixedLen is the length of a field of n bytes.
func lenPrefixedLen(tag uint64, n int) int { return optionalLen(tag, uint64(n)) + n }

// bytesFieldLen is the length of a field that is absent if v is nil.
func bytesFieldLen(tag uint64, v []byte) int {
	if v == nil {
		return 0
	}
	return lenPrefixedLen(tag, len(v))
}

// putVarint appends v to dst, which has room for a word more than it takes. Below 2^56 the groups of
// seven bits are spread over the bytes of a word in three steps, without a loop.
func putVarint(dst []byte, v uint64) []byte {
	if v < 1<<7 {
		return append(dst, byte(v))
	}
	if v >= 1<<56 {
		return binary.AppendUvarint(dst, v)
	}
	size := varintLen(v)
	v = v&0x0000000_fffffff | v&0xfffffff_0000000<<4
	v = v&0x00003fff_00003fff | v&0x0fffc000_0fffc000<<2
	v = v&0x007f007f_007f007f | v&0x3f803f80_3f803f80<<1
	v |= tops & (1<<(8*(size-1)) - 1)
	n := len(dst)
	binary.LittleEndian.PutUint64(dst[n:n+8], v)
	return dst[:n+size]
}

func putTag(dst []byte, tag uint64) []byte {
	if tag < 1<<7 {
		return append(dst, byte(tag))
	}
	return append(dst, byte(tag)|0x80, byte(tag>>7))
}

func putOptional(dst []byte, tag, v uint64) []byte {
	return putVarint(putTag(dst, tag), v)
}

func putUintField(dst []byte, tag, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return putOptional(dst, tag, v)
}

func putBytesField(dst []byte, tag uint64, v []byte) []byte {
	if v == nil {
		return dst
	}
	return append(putOptional(dst, tag, uint64(len(v))), v...)
}

// putStringField leaves protobufMargin behind it, as the names and reasons that it writes are not
// counted before.
func putStringField(dst []byte, tag uint64, s string) []byte {
	s = validText(s)
	if s == "" {
		return dst
	}
	return slices.Grow(append(putOptional(dst, tag, uint64(len(s))), s...), protobufMargin)
}
