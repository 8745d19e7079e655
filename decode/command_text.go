package decode

import (
	"encoding/binary"
	"math"
)

// isWord compares an option in any letter case with a word of lower case letters.
func isWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// parseInteger reads a decimal integer; one beyond an int64 gives the nearest there is. canonical
// says that strconv.AppendInt(nil, n, 10) is b. Servers refuse most of what is not canonical, but a
// log can hold it.
func parseInteger(b []byte) (n int64, canonical, ok bool) {
	unsigned := b
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		unsigned = b[1:]
	}
	u, fits, ok := parseDigits(unsigned)
	if !ok {
		return 0, false, false
	}
	canonical = fits && (unsigned[0] != '0' || len(b) == 1) && b[0] != '+'
	switch {
	case b[0] == '-' && u > 1<<63:
		return math.MinInt64, false, true
	case b[0] == '-':
		return -int64(u), canonical, true
	case u > math.MaxInt64:
		return math.MaxInt64, false, true
	}
	return int64(u), canonical, true
}

// parseDigits reads decimal digits alone. It gives MaxUint64, which is beyond an int64 of either sign, for
// what it cannot hold, and then sees that the rest are digits, too.
func parseDigits(b []byte) (u uint64, fits, ok bool) {
	fits, ok = true, len(b) > 0
	if len(b) >= 8 && len(b) < 16 {
		if u, ok = parseEightDigits(b); !ok {
			return 0, false, false
		}
		b = b[8:]
	}
	for _, ch := range b {
		digit := ch - '0'
		if digit > 9 {
			return 0, false, false
		}
		if u > math.MaxInt64/10 {
			u, fits = math.MaxUint64, false
			continue
		}
		u = u*10 + uint64(digit)
	}
	return u, fits, ok
}

// parseEightDigits reads the first eight bytes of b at once: nearly every time in a log has ten digits
// or thirteen, and one after the other they would take longer than all else that Build does. Digits become
// four pairs, these become two numbers of four digits, and these one.
func parseEightDigits(b []byte) (n uint64, ok bool) {
	const high, zeros = 0xf0f0f0f0f0f0f0f0, 0x3030303030303030
	w := binary.LittleEndian.Uint64(b)
	if w&high != zeros || (w+0x0606060606060606)&high != zeros {
		return 0, false
	}
	w -= zeros
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	return (w*10000 + w>>32) & 0xffffffff, true
}

// isNumber reports whether b is a number as the servers' strtod takes it for a score or an increment:
// decimal, hexadecimal or an infinity. Such text is printable ASCII.
func isNumber(b []byte) bool {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	if len(b) > 1 && b[0] == '0' && b[1]|0x20 == 'x' {
		return isMantissa(b[2:], hexDigits, 'p')
	}
	return isMantissa(b, digits, 'e') || isWord(b, "inf") || isWord(b, "infinity")
}

// isMantissa knows digits of one kind with a point among them or not, and an exponent after them.
func isMantissa(b []byte, count func([]byte) int, exponent byte) bool {
	whole := count(b)
	b = b[whole:]
	if len(b) > 0 && b[0] == '.' {
		fraction := count(b[1:])
		b, whole = b[1+fraction:], whole+fraction
	}
	return whole > 0 && (len(b) == 0 || b[0]|0x20 == exponent && isExponent(b[1:]))
}

func isExponent(b []byte) bool {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	return len(b) > 0 && digits(b) == len(b)
}

// digits counts the decimal digits that b begins with.
func digits(b []byte) int {
	for i, ch := range b {
		if ch-'0' > 9 {
			return i
		}
	}
	return len(b)
}

// hexDigits counts the hexadecimal digits that b begins with.
func hexDigits(b []byte) int {
	for i, ch := range b {
		if ch-'0' > 9 && ch|0x20-'a' > 5 {
			return i
		}
	}
	return len(b)
}
