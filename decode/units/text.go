package units

import (
	"strconv"
	"unicode/utf8"
)

// CutText gives the first bytes of a text, at most n of them. It ends before a character that would be cut in two, if the whole
// character is there.
func CutText(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	begin := n
	for begin > 0 && n-begin < utf8.UTFMax && !utf8.RuneStart(b[begin]) {
		begin--
	}
	if _, size := utf8.DecodeRune(b[begin:]); begin+size > n && begin > 0 {
		return b[:begin]
	}
	return b[:n]
}

// FormatCount prints a number with a comma between each three digits.
func FormatCount(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
