//go:build !purego

package jsonl

import (
	"golang.org/x/sys/cpu"
)

// The escapers of this architecture, from the slowest to the fastest.
const (
	portableEscaper escaper = iota
	ssse3Escaper            // 16 bytes a step, two table look-ups to expand them
	vbmi2Escaper            // 32 bytes a step, expanded by one compress instruction
)

// bestEscaper is what this machine can run.
var bestEscaper = detectEscaper()

func detectEscaper() escaper {
	switch {
	case cpu.X86.HasAVX512VBMI2 && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT:
		return vbmi2Escaper
	case cpu.X86.HasSSSE3 && cpu.X86.HasPOPCNT:
		return ssse3Escaper
	default:
		return portableEscaper
	}
}

// escape runs the loop that escaper describes. The kernels stop before the step that holds a rare
// control character, and the SSSE3 one before an incomplete step.
func (e escaper) escape(dst, src []byte) (read, written int, high byte) {
	_ = dst[escapeRoom(len(src))-1] // the kernels trust this
	var step int
	switch e {
	case vbmi2Escaper:
		step = 32
		read, written, high = escapeVBMI2(dst, src)
	case ssse3Escaper:
		step = 16
		read, written, high = escapeSSSE3(dst, src)
	default:
		return escapeGo(dst, src)
	}
	if read == len(src) {
		return read, written, high
	}
	r, w, h := escapeGo(dst[written:], src[read:min(len(src), read+step)])
	return read + r, written + w, high | h
}

// copyClean copies v, of at most shortText bytes, to dst and reports whether it may stand in a JSON
// string as it is: whether it is ASCII without quotes, backslashes and control characters. dst has
// shortText and 64 bytes of room.
func (e escaper) copyClean(dst, v []byte) bool {
	_ = dst[shortText+63] // the kernel trusts this
	if e == vbmi2Escaper {
		return copyCleanVBMI2(dst, v)
	}
	return putClean(dst, v)
}

// expandShuffles says for each set of bytes to be escaped among eight, as a mask, where in the eight
// each byte of the longer result is taken from. -128 is the place of a backslash.
var expandShuffles = newExpandShuffles() //nolint:unused // the SSSE3 kernel reads it

//nolint:unused // see expandShuffles
func newExpandShuffles() (t [256][16]int8) {
	for mask := range t {
		n := 0
		for i := range 8 {
			if mask>>i&1 != 0 {
				t[mask][n] = -128
				n++
			}
			t[mask][n] = int8(i)
			n++
		}
	}
	return t
}

// escapeSSSE3 escapes whole steps of 16 bytes. It reads nothing outside of src and writes
// nothing outside of dst if dst has the length that escaper asks for.
//
//go:noescape
func escapeSSSE3(dst, src []byte) (read, written int, high byte)

// escapeVBMI2 escapes steps of 32 bytes, the last one shorter. It reads nothing outside of src
// and writes nothing outside of dst if dst has the length that escaper asks for.
//
//go:noescape
func escapeVBMI2(dst, src []byte) (read, written int, high byte)

// copyCleanVBMI2 is putClean in steps of 64 bytes, of which nearly every key or value takes one or two,
// whatever its length. It reads nothing outside of src, which has at most 128 bytes, and writes at most
// 63 bytes more than src has.
//
//go:noescape
func copyCleanVBMI2(dst, src []byte) (clean bool)
