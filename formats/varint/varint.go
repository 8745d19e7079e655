// Package varint writes numbers as Protobuf and Avro do: seven bits a byte, the lowest first, and a bit in each byte that says
// whether another one follows.
package varint

import (
	"encoding/binary"
	"math/bits"
)

// Len is the number of bytes that v takes.
func Len(v uint64) int {
	return (9*bits.Len64(v) + 64) / 64
}

// continues is the bit of each byte that says that another byte follows.
const continues = 0x8080808080808080

// Spread is v, below 2^56, as a varint of size bytes, the first byte lowest. Its groups of seven bits
// move apart in three steps, without a loop.
func Spread(v uint64, size int) uint64 {
	v = v&0x0000000_fffffff | v&0xfffffff_0000000<<4
	v = v&0x00003fff_00003fff | v&0x0fffc000_0fffc000<<2
	v = v&0x007f007f_007f007f | v&0x3f803f80_3f803f80<<1
	return v | continues&(1<<(8*(size-1)&63)-1)
}

// Put appends v to dst, which has room for a word more than it takes.
func Put(dst []byte, v uint64) []byte {
	if v >= 1<<56 {
		return binary.AppendUvarint(dst, v)
	}
	n, size := len(dst), Len(v)
	binary.LittleEndian.PutUint64(dst[n:n+8], Spread(v, size))
	return dst[:n+size]
}

// ZigZag gives small numbers to small integers of either sign: 0, 1 for -1, 2 for 1.
func ZigZag(v int64) uint64 {
	return uint64(v)<<1 ^ uint64(v>>63)
}
