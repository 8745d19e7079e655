package decode

import "math"

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
// what it cannot hold, and goes on to see that the rest are digits, too.
func parseDigits(b []byte) (u uint64, fits, ok bool) {
	fits = true
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
	return u, fits, len(b) > 0
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

// isMantissa knows digits of one kind with a point among them or not, and an exponent behind them.
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
