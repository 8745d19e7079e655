package resp

import (
	"bytes"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// appendSet writes what replaces a whole value.
func (r *Redis) appendSet(dst []byte, c *decode.Change) []byte {
	switch c.Name() {
	case "pksetexat", "setex", "psetex":
		if c.Has&decode.HasExpireAt != 0 {
			return r.appendSetUntil(dst, c, c.Value)
		}
	case "getset": // which Redis refuses for a key of another type
		return r.appendSetUntil(dst, c, c.Value)
	case "set":
		return r.appendPlainSet(dst, c)
	case "setnx":
		dst = r.appendForget(dst, c, c.Key)
	case "msetnx":
		keys := everyOther(r.keys[:0], c.Argv[1:])
		dst = r.appendForget(dst, c, keys...)
		clear(keys)
		r.keys = keys[:0]
	}
	return appendCommand(dst, c.Argv)
}

// appendPlainSet writes a set with its options. Of several conditions, and of several times, Pika takes the last.
func (r *Redis) appendPlainSet(dst []byte, c *decode.Change) []byte {
	if len(c.Argv) == 3 {
		return appendCommand(dst, c.Argv)
	}
	condition, old := conditionOf(c)
	switch {
	case old != nil:
		return r.appendSetIf(dst, c, old)
	case condition != nil:
		dst = r.appendForget(dst, c, c.Key)
	}
	return r.appendSetOptions(dst, c, condition)
}

// conditionOf is the last of NX, XX and VX, for which alone there is an old value.
func conditionOf(c *decode.Change) (condition, old []byte) {
	for i := 3; i < len(c.Argv); i++ {
		switch word := c.Argv[i]; {
		case isRelative(word):
			i++
		case bytes.EqualFold(word, []byte("vx")):
			i++
			condition, old = word, c.Argv[i]
		default:
			condition, old = word, nil
		}
	}
	return condition, old
}

// isRelative reports whether an option of SET has a relative time after it.
func isRelative(option []byte) bool {
	return bytes.EqualFold(option, []byte("ex")) || bytes.EqualFold(option, []byte("px"))
}

// everyOther appends the keys of pairs.
func everyOther(keys, pairs [][]byte) [][]byte {
	for ; len(pairs) > 1; pairs = pairs[2:] {
		keys = append(keys, pairs[0])
	}
	return keys
}

// keepsDeadline reports whether a pksetexat is what 3.5.5 and 4.0.1 log for INCR and APPEND, in lower case. 3.5.5 then always says that there
// is no deadline, though the key keeps the one it has; 4.0.1 says so where there is none.
func keepsDeadline(c *decode.Change) bool {
	return !c.Before35 && c.ExpireAt == 0 && len(c.Argv) > 0 && string(c.Argv[0]) == "pksetexat"
}

// appendSetUntil writes a set of the whole value, with the deadline in the unit that was logged.
func (r *Redis) appendSetUntil(dst []byte, c *decode.Change, value []byte) []byte {
	deadline := c.ExpireAt
	switch {
	case deadline < 0:
		return appendDel(dst, c.Argv[1])
	case keepsDeadline(c):
		dst = r.appendForget(dst, c, c.Key)
		return append(appendSetHead(dst, 4, c.Key, value), "$7\r\nkeepttl\r\n"...)
	case deadline == 0:
		return appendSetHead(dst, 3, c.Argv[1], value)
	}
	dst = appendSetHead(dst, 5, c.Argv[1], value)
	if c.Precision == decode.PrecisionSeconds && r.held == 0 {
		return appendBulkInt(append(dst, "$4\r\nexat\r\n"...), max(r.deadline(deadline)/1000, 1))
	}
	return r.appendUntil(dst, deadline)
}

// appendUntil appends the deadline of a set.
func (r *Redis) appendUntil(dst []byte, deadline int64) []byte {
	return appendBulkInt(append(dst, "$4\r\npxat\r\n"...), r.deadline(deadline))
}

// deadline is what is written for a deadline.
func (r *Redis) deadline(at int64) int64 { return min(at, Held-1) + r.held }

// appendSetHead begins a set of n arguments.
func appendSetHead(dst []byte, n int, key, value []byte) []byte {
	return appendBulk(appendBulk(append(appendHead(dst, n), "$3\r\nset\r\n"...), key), value)
}

// appendSetOptions writes a set with a condition or none. The relative time has been made absolute.
func (r *Redis) appendSetOptions(dst []byte, c *decode.Change, condition []byte) []byte {
	n, deadline := 3, c.ExpireAt
	if condition != nil {
		n++
	}
	switch {
	case deadline < 0:
		return appendDel(dst, c.Key)
	case c.Has&decode.HasExpireAt == 0: // the record has no time
		return appendCommand(dst, c.Argv)
	case deadline > 0:
		n += 2
	}
	dst = appendSetHead(dst, n, c.Key, c.Value)
	if condition != nil {
		dst = appendBulk(dst, condition)
	}
	if deadline > 0 {
		dst = r.appendUntil(dst, deadline)
	}
	return dst
}

// appendSetIf writes SET with VX.
func (r *Redis) appendSetIf(dst []byte, c *decode.Change, old []byte) []byte {
	deadline := c.ExpireAt
	if deadline <= 0 {
		return r.appendScript(dst, scriptSetVX, c, c.Key, old, c.Value)
	}
	var text [digits.Room]byte
	return r.appendScript(dst, scriptSetVX, c, c.Key, old, c.Value, digits.PutInt(text[:0], r.deadline(deadline)))
}
