package avro

import (
	"encoding/binary"

	"pikabin/decode"
	"pikabin/formats/varint"
)

// The branches of a union with null, as they are written.
const (
	null    = 0
	present = 2
)

// putPresent appends the second branch of a union, and a number that begins its value. Up to 2^49 a word holds both.
func putPresent(dst []byte, v uint64) []byte {
	n := len(dst)
	if v < 1<<7 {
		binary.LittleEndian.PutUint16(dst[n:n+2], uint16(present|v<<8))
		return dst[:n+2]
	}
	if v >= 1<<49 {
		return varint.Put(append(dst, present), v)
	}
	size := varint.Len(v)
	binary.LittleEndian.PutUint64(dst[n:n+8], present|varint.Spread(v, size)<<8)
	return dst[:n+1+size]
}

// putLong appends a long of a union.
func putLong(dst []byte, v int64) []byte { return putPresent(dst, varint.ZigZag(v)) }

// putOptionalLong appends a long of a union, or null.
func putOptionalLong(dst []byte, has bool, v int64) []byte {
	if !has {
		return append(dst, null)
	}
	return putLong(dst, v)
}

// putBytes appends bytes or text of a union, null for nil.
func putBytes(dst, v []byte) []byte {
	if v == nil {
		return append(dst, null)
	}
	return append(putPresent(dst, uint64(len(v))<<1), v...)
}

// putString appends a string of a union, null for an empty one.
func putString(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, null)
	}
	return append(putPresent(dst, uint64(len(s))<<1), s...)
}

// putArgs appends the array of arguments, null when there are none. An array is the number of its items, the items, and a 0.
func putArgs(dst []byte, args [][]byte) []byte {
	if len(args) == 0 {
		return append(dst, null)
	}
	dst = putPresent(dst, uint64(len(args))<<1)
	for _, arg := range args {
		dst = append(varint.Put(dst, uint64(len(arg))<<1), arg...)
	}
	return append(dst, 0)
}

// putElements appends the array of elements, null when there are none.
func putElements(dst []byte, elements *decode.Elements) []byte {
	if elements.Len() == 0 {
		return append(dst, null)
	}
	dst = putPresent(dst, uint64(elements.Len())<<1)
	for i := range elements.Len() {
		el := elements.At(i)
		dst = putBytes(putBytes(putBytes(dst, el.Field), el.Value), el.Score)
	}
	return append(dst, 0)
}
