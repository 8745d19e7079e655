//go:build !amd64 || purego

package jsonl

// portableEscaper is the only escaper here.
const portableEscaper escaper = 0

const bestEscaper = portableEscaper

func (escaper) escape(dst, src []byte) (read, written int, high byte) {
	return escapeGo(dst, src)
}

// copyClean is putClean.
func (escaper) copyClean(dst, v []byte) bool { return putClean(dst, v) }
