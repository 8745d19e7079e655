// Package resp writes the commands of a log in the Redis protocol, as they were logged or in the words of Redis 7.
package resp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// Options choose how a command is written.
type Options struct {
	SplitKeys bool // changes were filtered by key: a multi-key command may have lost some of its parts
	Server    bool // the commands go to a server that runs, whose clock is later than the log's: see Encoder and Redis
	Cluster   bool // each key may be on another node: a multi-key command is one for each key, where that is the same. For Redis alone.
}

// Encoder writes the commands as they were logged. What is not a command (a gap) gives nothing. Several
// changes of one multi-key command give the command once, with the first, or, when keys were filtered,
// each a command for its own key. For a server that runs, relative deadlines become what they were when they were logged: see absolute.go.
type Encoder struct {
	selector
	split, server bool
}

// New makes an encoder.
func New(opts Options) Encoder { return Encoder{split: opts.SplitKeys, server: opts.Server} }

// AppendChange appends the command of c. See formats.Encoder.
func (r Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	argv, ok := commandOf(c, r.split)
	if !ok {
		return dst
	}
	if argv == nil {
		return appendPart(dst, c)
	}
	if r.server && isRelativeDeadline(c) {
		return appendAbsolute(dst, c)
	}
	return appendCommand(dst, argv)
}

// commandOf is the command to write for c, nil if it is the part of one that is c's own. It is false if
// there is nothing to write. In the sharding mode a command with keys in several slots is whole in
// the log of each, so that from each log only the keys of its slot are taken.
func commandOf(c *decode.Change, split bool) ([][]byte, bool) {
	if len(c.Argv) == 0 || c.Op >= decode.OpGap {
		return nil, false
	}
	if (split || c.Log.Slot >= 0) && multiKey(c) {
		return nil, true
	}
	return c.Argv, c.KeyIndex == 0
}

// multiKey reports whether the command of c is one of those that give a change for each key, with
// more than one key.
func multiKey(c *decode.Change) bool {
	switch c.Name() {
	case "del", "unlink":
		return len(c.Argv) > 2
	case "mset", "msetnx":
		return len(c.Argv) > 3
	default:
		return false
	}
}

// appendPart appends the part of a multi-key command that is c: its name with c's key and value.
func appendPart(dst []byte, c *decode.Change) []byte {
	if c.Value == nil {
		dst = appendHead(dst, 2)
		return appendBulk(appendBulk(dst, c.Argv[0]), c.Key)
	}
	dst = appendHead(dst, 3)
	return appendBulk(appendBulk(appendBulk(dst, c.Argv[0]), c.Key), c.Value)
}

// appendCommand appends a command as an array of bulk strings.
func appendCommand(dst []byte, argv [][]byte) []byte {
	dst = putHead(slices.Grow(dst, sizeOf(argv)), len(argv))
	for _, arg := range argv {
		dst = putBulk(dst, arg)
	}
	return dst
}

// margin is more than the lengths and line ends around one argument take, and than the last store runs over.
const margin = 48

// manyArgs is the number of arguments from which a command is measured exactly: margin for each could be more than all of them.
const manyArgs = 1 << 10

// sizeOf is at least what a command takes, and what its last store runs over.
func sizeOf(argv [][]byte) int {
	if len(argv) > manyArgs {
		return sizeOfMany(argv)
	}
	size := margin * (len(argv) + 1)
	for _, arg := range argv {
		size += len(arg)
	}
	return size
}

func sizeOfMany(argv [][]byte) int {
	size := margin
	for _, arg := range argv {
		size += len("$00\r\n\r\n") + len(arg)
		if len(arg) >= 100 {
			size += len("00000000")
		}
	}
	return size
}

// appendHead begins a command of n arguments.
func appendHead(dst []byte, n int) []byte {
	return putHead(slices.Grow(dst, margin), n)
}

// appendBulk appends one argument.
func appendBulk(dst, v []byte) []byte {
	return putBulk(slices.Grow(dst, len(v)+margin), v)
}

// putHead begins a command, in dst that has room.
func putHead(dst []byte, n int) []byte {
	if n < 10 {
		at := len(dst)
		binary.LittleEndian.PutUint32(dst[at:at+4], '*'|'0'<<8|'\r'<<16|'\n'<<24+uint32(n)<<8)
		return dst[:at+4]
	}
	return append(digits.Put(append(dst, '*'), uint64(n)), '\r', '\n')
}

// putBulk appends one argument to dst, which has room for it and margin.
func putBulk(dst, v []byte) []byte {
	if len(v) < 100 {
		dst = putShortBulkHead(dst, uint64(len(v)))
	} else {
		dst = append(digits.Put(append(dst, '$'), uint64(len(v))), '\r', '\n')
	}
	n := len(dst) + len(v)
	dst = dst[:n+2]
	copy(dst[n-len(v):], v)
	binary.LittleEndian.PutUint16(dst[n:], '\r'|'\n'<<8)
	return dst
}

// putShortBulkHead appends the head of an argument of less than 100 bytes, as one store.
func putShortBulkHead(dst []byte, size uint64) []byte {
	const twoDigits, oneDigit = '$' | '0'<<8 | '0'<<16 | '\r'<<24 | '\n'<<32, '$' | '0'<<8 | '\r'<<16 | '\n'<<24
	n := len(dst)
	if size < 10 {
		binary.LittleEndian.PutUint32(dst[n:n+4], uint32(oneDigit+size<<8))
		return dst[:n+4]
	}
	tens := size * 103 >> 10
	binary.LittleEndian.PutUint64(dst[n:n+8], twoDigits+tens<<8+(size-tens*10)<<16)
	return dst[:n+5]
}

// selector makes a formats.Switcher of an encoder.
type selector struct{}

// AppendSwitch appends a SELECT of another DB. Names that have no number are an error, since a
// client can only select by number.
func (selector) AppendSwitch(dst []byte, db string) ([]byte, error) {
	digits, ok := strings.CutPrefix(db, "db")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || strconv.FormatUint(n, 10) != digits {
		return dst, fmt.Errorf("selecting %q: a client selects a DB by number, and only names such as db0 have one", db)
	}
	dst = append(appendHead(dst, 2), "$6\r\nSELECT\r\n"...)
	return appendBulk(dst, []byte(digits)), nil
}
