package protobuf

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
	if tag < 1<<8 {
		return 1
	}
	return 2
}

// lenPrefixedLen is the length of a field of n bytes.
func lenPrefixedLen(tag uint64, n int) int { return tagLen(tag) + varintLen(uint64(n)) + n }

// bytesFieldLen is the length of a field that is absent if v is nil.
func bytesFieldLen(tag uint64, v []byte) int {
	if v == nil {
		return 0
	}
	return lenPrefixedLen(tag, len(v))
}

// continues is the bit of each byte of a varint that says that another byte follows.
const continues = 0x8080808080808080

// spreadVarint is v, below 2^56, as a varint, the first byte lowest. Its groups of seven bits
// move apart in three steps, without a loop.
func spreadVarint(v uint64, size int) uint64 {
	v = v&0x0000000_fffffff | v&0xfffffff_0000000<<4
	v = v&0x00003fff_00003fff | v&0x0fffc000_0fffc000<<2
	v = v&0x007f007f_007f007f | v&0x3f803f80_3f803f80<<1
	return v | continues&(1<<(8*(size-1)&63)-1)
}

// putVarint appends v to dst, which has room for a word more than it takes.
func putVarint(dst []byte, v uint64) []byte {
	if v >= 1<<56 {
		return binary.AppendUvarint(dst, v)
	}
	n, size := len(dst), varintLen(v)
	binary.LittleEndian.PutUint64(dst[n:n+8], spreadVarint(v, size))
	return dst[:n+size]
}

// putOptional appends a number, also 0. Up to 2^42 a word holds it with its tag.
func putOptional(dst []byte, tag, v uint64) []byte {
	n, bytes := len(dst), tagLen(tag)
	shift := 8 * bytes & 31
	if v < 1<<7 {
		binary.LittleEndian.PutUint32(dst[n:n+4], uint32(tag|v<<shift))
		return dst[:n+bytes+1]
	}
	if v >= 1<<42 {
		return putLongNumber(dst, tag, v)
	}
	size := varintLen(v)
	binary.LittleEndian.PutUint64(dst[n:n+8], tag|spreadVarint(v, size)<<shift)
	return dst[:n+bytes+size]
}

// putLongNumber is putOptional for any number.
func putLongNumber(dst []byte, tag, v uint64) []byte {
	n := len(dst)
	binary.LittleEndian.PutUint16(dst[n:n+2], uint16(tag))
	return putVarint(dst[:n+tagLen(tag)], v)
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

// putStringField leaves margin after it, as the names and reasons that it writes are not
// counted before.
func putStringField(dst []byte, tag uint64, s string) []byte {
	s = validText(s)
	if s == "" {
		return dst
	}
	return slices.Grow(append(putOptional(dst, tag, uint64(len(s))), s...), margin)
}
