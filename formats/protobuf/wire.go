package protobuf

import (
	"encoding/binary"
	"slices"

	"pikabin/formats/varint"
)

func tagLen(tag uint64) int {
	if tag < 1<<8 {
		return 1
	}
	return 2
}

// lenPrefixedLen is the length of a field of n bytes.
func lenPrefixedLen(tag uint64, n int) int { return tagLen(tag) + varint.Len(uint64(n)) + n }

// bytesFieldLen is the length of a field that is absent if v is nil.
func bytesFieldLen(tag uint64, v []byte) int {
	if v == nil {
		return 0
	}
	return lenPrefixedLen(tag, len(v))
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
	size := varint.Len(v)
	binary.LittleEndian.PutUint64(dst[n:n+8], tag|varint.Spread(v, size)<<shift)
	return dst[:n+bytes+size]
}

// putLongNumber is putOptional for any number.
func putLongNumber(dst []byte, tag, v uint64) []byte {
	n := len(dst)
	binary.LittleEndian.PutUint16(dst[n:n+2], uint16(tag))
	return varint.Put(dst[:n+tagLen(tag)], v)
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
