package resp

import (
	"bytes"
	"math"
	"slices"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// scriptForget deletes keys whose deadline was over at a time, which comes first in ARGV. Pika keeps a key to the end of the second
// that is its deadline.
const scriptForget = "for _,k in ipairs(KEYS) do local t=redis.call('PEXPIRETIME',k) " +
	"if t>=0 and t<tonumber(ARGV[1]) then redis.call('DEL',k) end end "

// The scripts do what Pika does and Redis has no command for. All begin with scriptForget.
const (
	// SET key value VX old: 2 old, 3 value, 4 deadline or nothing.
	scriptSetVX = scriptForget + "if redis.pcall('GET',KEYS[1])==ARGV[2] then redis.call('SET',KEYS[1],ARGV[3]) " +
		"if ARGV[4] then redis.call('PEXPIREAT',KEYS[1],ARGV[4]) end end"

	// DELVX key value: 2 value.
	scriptDelVX = scriptForget + "if redis.pcall('GET',KEYS[1])==ARGV[2] then redis.call('DEL',KEYS[1]) end"

	// EXPIREAT: 2 deadline. Pika answers 0 for a stream, and does nothing.
	scriptExpire = scriptForget + "if redis.call('TYPE',KEYS[1]).ok=='stream' then return end " +
		"if tonumber(ARGV[2])<=tonumber(ARGV[1]) then redis.call('DEL',KEYS[1]) else redis.call('PEXPIREAT',KEYS[1],ARGV[2]) end"

	// SETBIT: 2 offset, 3 bit, 4 something if it drops the deadline. What changes no bit does nothing, and makes the string no longer.
	scriptSetbit = scriptForget + "if redis.call('GETBIT',KEYS[1],ARGV[2])~=tonumber(ARGV[3]) then " +
		"redis.call('SETBIT',KEYS[1],ARGV[2],ARGV[3]) if ARGV[4] then redis.call('PERSIST',KEYS[1]) end end"

	// HSETNX, HDEL and RPOPLPUSH of Pika 2 drop the deadline of what they change.
	scriptHsetnx = scriptForget + "if redis.call('HSETNX',KEYS[1],ARGV[2],ARGV[3])==1 then redis.call('PERSIST',KEYS[1]) end"
	scriptHdel   = scriptForget + "local n=0 for i=2,#ARGV do n=n+redis.call('HDEL',KEYS[1],ARGV[i]) end " +
		"if n>0 then redis.call('PERSIST',KEYS[1]) end"
	scriptMove = scriptForget + "if redis.call('RPOPLPUSH',KEYS[1],KEYS[2]) then redis.call('PERSIST',KEYS[1]) end"

	// SUNIONSTORE and its like of Pika 2 keep the deadline of their destination: 2 and on the command.
	scriptKeep = scriptForget + "local t=redis.call('PEXPIRETIME',KEYS[1]) redis.call(unpack(ARGV,2)) " +
		"if t>=0 then redis.call('PEXPIREAT',KEYS[1],t) end"

	// PKPATTERNMATCHDEL, and FLUSHDB of a type: 1 pattern, 2 type or nothing.
	scriptMatch = "for _,k in ipairs(redis.call('KEYS',ARGV[1])) do " +
		"if not ARGV[2] or redis.call('TYPE',k).ok==ARGV[2] then redis.call('DEL',k) end end"
)

// timeOf is the time of a record in milliseconds, 0 if it has none: then no deadline was over before it. The digits are valid
// until the next call.
func (r *Redis) timeOf(c *decode.Change) []byte {
	r.time = r.time[:0]
	if c.Has&decode.HasTime == 0 || c.Time < 0 || c.Time > math.MaxInt64/1000 {
		r.time = append(r.time, '0')
		return r.time
	}
	var text [digits.Room]byte
	r.time = append(r.time, digits.PutInt(text[:0], c.Time*1000)...)
	return r.time
}

// appendForget deletes keys whose deadline was over at the time of the record.
func (r *Redis) appendForget(dst []byte, c *decode.Change, keys ...[]byte) []byte {
	if c.Has&decode.HasTime == 0 {
		return dst
	}
	return appendEval(dst, scriptForget, r.timeOf(c), keys)
}

// appendScript runs a script for one key.
func (r *Redis) appendScript(dst []byte, script string, c *decode.Change, key []byte, args ...[]byte) []byte {
	return appendEval(dst, script, r.timeOf(c), [][]byte{key}, args...)
}

// appendEval runs a script that begins with scriptForget.
func appendEval(dst []byte, script string, now []byte, keys [][]byte, args ...[]byte) []byte {
	dst = append(appendHead(dst, 4+len(keys)+len(args)), "$4\r\neval\r\n"...)
	dst = appendBulkInt(appendBulkString(dst, script), int64(len(keys)))
	for _, key := range keys {
		dst = appendBulk(dst, key)
	}
	dst = appendBulk(dst, now)
	for _, arg := range args {
		dst = appendBulk(dst, arg)
	}
	return dst
}

// appendMatch deletes the keys that match a pattern, of one type or, with nil, of any.
func appendMatch(dst, pattern, kind []byte) []byte {
	n := 4
	if kind != nil {
		n++
	}
	dst = append(appendHead(dst, n), "$4\r\neval\r\n"...)
	dst = appendBulk(appendBulkInt(appendBulkString(dst, scriptMatch), 0), pattern)
	if kind == nil {
		return dst
	}
	return appendBulk(dst, bytes.ToLower(kind))
}

// appendBulkString is appendBulk for a string.
func appendBulkString(dst []byte, s string) []byte {
	dst = append(digits.Put(append(slices.Grow(dst, len(s)+margin), '$'), uint64(len(s))), '\r', '\n')
	return append(append(dst, s...), '\r', '\n')
}

// typeArgument is the type that PKPATTERNMATCHDEL is for. Newer versions have a number of keys there.
func typeArgument(args [][]byte) []byte {
	if len(args) > 0 && isRedisType(args[0]) {
		return args[0]
	}
	return nil
}

// isRedisType knows the types that Pika's FLUSHDB and PKPATTERNMATCHDEL take, which Redis calls the same.
func isRedisType(word []byte) bool {
	switch string(bytes.ToLower(word)) {
	case "string", "hash", "list", "set", "zset":
		return true
	}
	return false
}

// comparedValue is the value that SET with VX compares with, nil without VX.
func comparedValue(c *decode.Change) []byte {
	for i := 3; i+1 < len(c.Argv); i++ {
		switch {
		case bytes.EqualFold(c.Argv[i], []byte("vx")):
			return c.Argv[i+1]
		case isRelative(c.Argv[i]):
			i++
		}
	}
	return nil
}

// appendSetIf writes SET with VX.
func (r *Redis) appendSetIf(dst []byte, c *decode.Change, old []byte) []byte {
	if c.ExpireAt <= 0 {
		return r.appendScript(dst, scriptSetVX, c, c.Key, old, c.Value)
	}
	var text [digits.Room]byte
	return r.appendScript(dst, scriptSetVX, c, c.Key, old, c.Value, digits.PutInt(text[:0], c.ExpireAt))
}
