// Package digits writes numbers in decimal, several digits at a time and without a loop for each.
package digits

import (
	"encoding/binary"
	"math/bits"
)

// Room is how much free capacity Put and PutInt want: the 20 digits of the largest number,
// and a whole word after the last short one.
const Room = 28

// asciiZeros is eight times the digit 0.
const asciiZeros = 0x3030303030303030

// digits8 spreads a number below 10^8 over the bytes of a word, the first digit in the lowest byte.
// Each step divides all lanes at once by multiplying with a rounded reciprocal, exact in its range.
func digits8(v uint64) uint64 {
	high := v / 10000
	v = high | (v-high*10000)<<32
	high = v * 10486 >> 20 & 0x0000007f_0000007f // by 100
	v = high | (v-high*100)<<16
	high = v * 103 >> 10 & 0x000f000f_000f000f // by 10
	return high | (v-high*10)<<8
}

// Put appends v in decimal to dst, which has Room.
func Put(dst []byte, v uint64) []byte {
	n := len(dst)
	if v < 1e8 {
		word := digits8(v)
		lead := bits.TrailingZeros64(word|1<<56) &^ 7
		binary.LittleEndian.PutUint64(dst[n:n+8], (word|asciiZeros)>>lead)
		return dst[:n+8-lead/8]
	}
	high := v / 1e8
	low := digits8(v - high*1e8)
	if high >= 1e8 {
		dst = Put(dst, high)
		n = len(dst)
	} else {
		word := digits8(high)
		lead := bits.TrailingZeros64(word) &^ 7
		binary.LittleEndian.PutUint64(dst[n:n+8], (word|asciiZeros)>>lead)
		n += 8 - lead/8
	}
	binary.LittleEndian.PutUint64(dst[n:n+8], low|asciiZeros)
	return dst[:n+8]
}

// PutInt appends v in decimal to dst, which has Room.
func PutInt(dst []byte, v int64) []byte {
	if v < 0 {
		return Put(append(dst, '-'), -uint64(v))
	}
	return Put(dst, uint64(v))
}

// Counter appends a number in decimal of which the digits before the last eight are mostly the same
// as those of the number before: a count, or a time in milliseconds.
type Counter struct {
	high   uint64 // below 10^8
	digits uint64
	n      int
}

// Put appends v in decimal to dst, which has Room.
func (k *Counter) Put(dst []byte, v uint64) []byte {
	high := v / 1e8
	if high == 0 || high >= 1e8 {
		return Put(dst, v)
	}
	if k.high != high {
		word := digits8(high)
		lead := bits.TrailingZeros64(word) &^ 7
		k.high, k.digits, k.n = high, (word|asciiZeros)>>lead, 8-lead/8
	}
	n := len(dst)
	binary.LittleEndian.PutUint64(dst[n:n+8], k.digits)
	n += k.n
	binary.LittleEndian.PutUint64(dst[n:n+8], digits8(v-high*1e8)|asciiZeros)
	return dst[:n+8]
}

// Recent appends a number in decimal that is often the one before, or that plus one: a position, a
// count. It keeps the text and counts it up in place.
type Recent struct {
	v    uint64
	n    int // of text; 0 before the first use
	text [Room]byte
}

// Put appends v in decimal to dst, which has Room.
func (k *Recent) Put(dst []byte, v uint64) []byte {
	switch {
	case v == k.v && k.n > 0:
	case v-1 == k.v && v > 0 && k.n > 0 && k.text[k.n-1] != '9':
		k.text[k.n-1]++
	default:
		k.n = len(Put(k.text[:0], v))
	}
	k.v = v
	n := len(dst)
	*(*[Room]byte)(dst[n : n+Room]) = k.text
	return dst[:n+k.n]
}
