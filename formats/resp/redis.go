package resp

import (
	"bytes"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// Redis writes commands that a plain Redis 7 takes, for a replay at any later time:
//
//	pksetexat k t v                  set k v exat t (pxat if t is in milliseconds), set k v if t is 0
//	setex, psetex                    set k v pxat <deadline>, set k v if it has none
//	set k v ex n, set k v px n       the same with pxat <deadline> or none, other options kept
//	expire, pexpire                  pexpireat k <deadline>
//	flushdb under another name       flushdb
//
// Redis refuses to set a value with a deadline of 0 or below, for which the key is gone: del k.
//
// What has no counterpart goes through as it was logged, for Redis to refuse it: DELVX, VX of SET,
// PKPATTERNMATCHDEL, and FLUSHDB with the name of a type. SPOP goes through too: Redis takes as many
// members as Pika did, but not the same ones, since the log does not tell (see effect unknown).
type Redis struct {
	selector
	split bool
}

// NewRedis makes an encoder.
func NewRedis(opts Options) Redis { return Redis{split: opts.SplitKeys} }

// AppendChange appends the command of c. See formats.Encoder.
func (r Redis) AppendChange(dst []byte, c *decode.Change) []byte {
	argv, ok := commandOf(c, r.split)
	if !ok {
		return dst
	}
	if argv == nil {
		return appendPart(dst, c)
	}
	if c.Op == decode.OpFlush && c.Cmd != "flushall" {
		return appendFlushDB(dst, argv)
	}
	if c.Has&decode.HasExpireAt != 0 {
		return appendWithDeadline(dst, c)
	}
	return appendCommand(dst, argv)
}

// appendFlushDB writes the name that Redis knows; the server may have had another for it.
func appendFlushDB(dst []byte, argv [][]byte) []byte {
	dst = appendBulk(appendHead(dst, len(argv)), []byte("flushdb"))
	for _, arg := range argv[1:] {
		dst = appendBulk(dst, arg)
	}
	return dst
}

// appendWithDeadline writes a command that says when its key expires.
func appendWithDeadline(dst []byte, c *decode.Change) []byte {
	switch {
	case c.Cmd == "pksetexat" && len(c.Argv) == 4:
		return appendSetUntil(dst, c, c.Argv[3])
	case (c.Cmd == "setex" || c.Cmd == "psetex") && len(c.Argv) == 4:
		return appendSetUntil(dst, c, c.Argv[3])
	case c.Cmd == "set" && (c.ExpireAt != 0 || len(c.Argv) > 3):
		return appendSetOptions(dst, c)
	case (c.Cmd == "expire" || c.Cmd == "pexpire") && len(c.Argv) == 3:
		dst = appendBulk(appendHead(dst, 3), []byte("pexpireat"))
		return appendBulkInt(appendBulk(dst, c.Argv[1]), c.ExpireAt)
	default:
		return appendCommand(dst, c.Argv)
	}
}

// appendSetUntil writes a set of the whole value, with the deadline in the unit that was logged.
func appendSetUntil(dst []byte, c *decode.Change, value []byte) []byte {
	switch {
	case c.ExpireAt < 0:
		return appendDel(dst, c.Argv[1])
	case c.ExpireAt == 0:
		dst = append(appendHead(dst, 3), "$3\r\nset\r\n"...)
		return appendBulk(appendBulk(dst, c.Argv[1]), value)
	}
	dst = append(appendHead(dst, 5), "$3\r\nset\r\n"...)
	dst = appendBulk(appendBulk(dst, c.Argv[1]), value)
	if c.Precision == decode.PrecisionSeconds {
		return appendBulkInt(append(dst, "$4\r\nexat\r\n"...), c.ExpireAt/1000)
	}
	return appendBulkInt(append(dst, "$4\r\npxat\r\n"...), c.ExpireAt)
}

// appendSetOptions writes a set with its options, the relative time among them made absolute, or left out if it
// means no deadline.
func appendSetOptions(dst []byte, c *decode.Change) []byte {
	if c.ExpireAt < 0 {
		return appendDel(dst, c.Argv[1])
	}
	n := len(c.Argv)
	for i := range c.Argv {
		if c.ExpireAt == 0 && isLifetime(c.Argv, i) {
			n -= 2
		}
	}
	dst = appendHead(dst, n)
	for i := 0; i < len(c.Argv); i++ {
		switch {
		case !isLifetime(c.Argv, i):
			dst = appendBulk(dst, c.Argv[i])
			continue
		case c.ExpireAt > 0:
			dst = appendBulkInt(appendBulk(dst, []byte("pxat")), c.ExpireAt)
		}
		i++
	}
	return dst
}

// isLifetime reports whether an option with a relative time begins at an argument of SET.
func isLifetime(argv [][]byte, i int) bool {
	return i > 2 && i+1 < len(argv) && isRelative(argv[i])
}

// isRelative reports whether an option of SET is followed by a relative time.
func isRelative(option []byte) bool {
	return bytes.EqualFold(option, []byte("ex")) || bytes.EqualFold(option, []byte("px"))
}

func appendDel(dst, key []byte) []byte {
	return appendBulk(append(appendHead(dst, 2), "$3\r\ndel\r\n"...), key)
}

// appendBulkInt appends a number as an argument.
func appendBulkInt(dst []byte, v int64) []byte {
	var text [digits.Room]byte
	return appendBulk(dst, digits.PutInt(text[:0], v))
}
