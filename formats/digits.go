package formats

import (
	"encoding/binary"
	"math/bits"
)

// digitsRoom is how much free capacity putUint and putInt want: the 20 digits of the largest number,
// and a whole word behind the last short one.
const digitsRoom = 28

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

// putUint appends v in decimal to dst, which has digitsRoom.
func putUint(dst []byte, v uint64) []byte {
	if v >= 1e8 {
		high := v / 1e8
		return putDigits8(putUint(dst, high), v-high*1e8)
	}
	word := digits8(v)
	lead := bits.TrailingZeros64(word|1<<56) &^ 7
	n := len(dst)
	binary.LittleEndian.PutUint64(dst[n:n+8], (word|asciiZeros)>>lead)
	return dst[:n+8-lead/8]
}

// putDigits8 appends exactly eight digits.
func putDigits8(dst []byte, v uint64) []byte {
	n := len(dst)
	binary.LittleEndian.PutUint64(dst[n:n+8], digits8(v)|asciiZeros)
	return dst[:n+8]
}

// putInt appends v in decimal to dst, which has digitsRoom.
func putInt(dst []byte, v int64) []byte {
	if v < 0 {
		return putUint(append(dst, '-'), -uint64(v))
	}
	return putUint(dst, uint64(v))
}
