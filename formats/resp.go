package formats

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pikabin/decode"
)

func init() {
	register(Format{
		Name:        "resp",
		Doc:         "the commands as logged, in the Redis protocol: for redis-cli --pipe and another Pika",
		Ext:         ".resp",
		ContentType: "application/octet-stream",
		New:         newRESP,
	})
}

// resp writes the commands as they were logged. What is not a command (a gap) gives nothing. Several
// changes of one multi-key command give the command once, with the first, or, when keys were filtered,
// each a command for its own key.
type resp struct {
	respSwitch
	split bool
}

func newRESP(opts Options) Encoder { return resp{split: opts.SplitKeys} }

// AppendChange implements Encoder.
func (r resp) AppendChange(dst []byte, c *decode.Change) []byte {
	argv, ok := respArgv(c, r.split)
	if !ok {
		return dst
	}
	if argv == nil {
		return appendRESPPart(dst, c)
	}
	return appendRESP(dst, argv)
}

// respArgv is the command to write for c, nil if it is the part of one that is c's own. It is false if
// there is nothing to write. In the sharding mode a command with keys in several slots stands whole in
// the log of each, so that from each log only the keys of its slot are taken.
func respArgv(c *decode.Change, split bool) ([][]byte, bool) {
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
	switch c.Cmd {
	case "del", "unlink":
		return len(c.Argv) > 2
	case "mset", "msetnx":
		return len(c.Argv) > 3
	default:
		return false
	}
}

// appendRESPPart appends the part of a multi-key command that is c: its name with c's key and value.
func appendRESPPart(dst []byte, c *decode.Change) []byte {
	if c.Value == nil {
		dst = appendRESPHead(dst, 2)
		return appendBulk(appendBulk(dst, c.Argv[0]), c.Key)
	}
	dst = appendRESPHead(dst, 3)
	return appendBulk(appendBulk(appendBulk(dst, c.Argv[0]), c.Key), c.Value)
}

// appendRESP appends a command as an array of bulk strings.
func appendRESP(dst []byte, argv [][]byte) []byte {
	size := respMargin * (len(argv) + 1)
	for _, arg := range argv {
		size += len(arg)
	}
	dst = putRESPHead(slices.Grow(dst, size), len(argv))
	for _, arg := range argv {
		dst = putBulk(dst, arg)
	}
	return dst
}

// respMargin is more than the lengths and line ends around one argument take.
const respMargin = 48

// appendRESPHead begins a command of n arguments.
func appendRESPHead(dst []byte, n int) []byte {
	return putRESPHead(slices.Grow(dst, respMargin), n)
}

// appendBulk appends one argument.
func appendBulk(dst, v []byte) []byte {
	return putBulk(slices.Grow(dst, len(v)+respMargin), v)
}

// putRESPHead begins a command, in dst that has room.
func putRESPHead(dst []byte, n int) []byte {
	if n < 10 {
		at := len(dst)
		binary.LittleEndian.PutUint32(dst[at:at+4], '*'|'0'<<8|'\r'<<16|'\n'<<24+uint32(n)<<8)
		return dst[:at+4]
	}
	return append(putUint(append(dst, '*'), uint64(n)), '\r', '\n')
}

// putBulk appends one argument to dst, which has room for it and respMargin.
func putBulk(dst, v []byte) []byte {
	if len(v) < 100 {
		dst = putShortBulkHead(dst, uint64(len(v)))
	} else {
		dst = append(putUint(append(dst, '$'), uint64(len(v))), '\r', '\n')
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

// respSwitch gives a stream of commands its Switcher.
type respSwitch struct{}

// AppendSwitch implements Switcher with a SELECT. Names that have no number are an error, since a
// client can only select by number.
func (respSwitch) AppendSwitch(dst []byte, db string) ([]byte, error) {
	digits, ok := strings.CutPrefix(db, "db")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || strconv.FormatUint(n, 10) != digits {
		return dst, fmt.Errorf("selecting %q: a client selects a DB by number, and only names such as db0 have one", db)
	}
	dst = append(appendRESPHead(dst, 2), "$6\r\nSELECT\r\n"...)
	return appendBulk(dst, []byte(digits)), nil
}
