package resp

import (
	"bytes"
	"math"
	"slices"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// Held is how many milliseconds later a deadline is written than it is, where it is held, see Options. No deadline is as late by itself: that
// would be past the year 140,000, and is written as the moment before. Lua counts to twice as much exactly.
const Held = 1 << 52

// ofHeld gives the deadline in a script, held or not.
const ofHeld = "%4503599627370496"

// scriptForget deletes keys whose deadline was over at a time, which comes first in ARGV. Pika keeps a key to the end of the second
// that is its deadline.
const scriptForget = "for _,k in ipairs(KEYS) do local t=redis.call('PEXPIRETIME',k) " +
	"if t>=0 and t" + ofHeld + "<tonumber(ARGV[1]) then redis.call('DEL',k) end end "

// The scripts do what Pika does and Redis has no command for. Those of this group begin with scriptForget.
const (
	// SET key value VX old: 2 old, 3 value, 4 deadline or nothing.
	scriptSetVX = scriptForget + "if redis.pcall('GET',KEYS[1])==ARGV[2] then redis.call('SET',KEYS[1],ARGV[3]) " +
		"if ARGV[4] then redis.call('PEXPIREAT',KEYS[1],ARGV[4]) end end"

	// DELVX key value: 2 value.
	scriptDelVX = scriptForget + "if redis.pcall('GET',KEYS[1])==ARGV[2] then redis.call('DEL',KEYS[1]) end"

	// EXPIREAT: 2 deadline. Pika answers 0 for a stream, and does nothing.
	scriptExpire = scriptForget + "if redis.call('TYPE',KEYS[1]).ok=='stream' then return end " +
		"if tonumber(ARGV[2])" + ofHeld + "<=tonumber(ARGV[1]) then redis.call('DEL',KEYS[1]) else redis.call('PEXPIREAT',KEYS[1],ARGV[2]) end"

	// SETBIT: 2 offset, 3 bit, 4 something if it drops the deadline. What changes no bit does nothing, and makes the string no longer.
	scriptSetbit = scriptForget + "if redis.call('GETBIT',KEYS[1],ARGV[2])~=tonumber(ARGV[3]) then " +
		"redis.call('SETBIT',KEYS[1],ARGV[2],ARGV[3]) if ARGV[4] then redis.call('PERSIST',KEYS[1]) end end"

	// INCR and its like: 2 and on the command. Pika reads a number in more forms than Redis does: none as 0, and +007.
	scriptIncr = scriptForget + "local r=redis.pcall(unpack(ARGV,2)) if type(r)=='number' then return end " +
		"local v=redis.pcall('GET',KEYS[1]) if type(v)~='string' then return end if v=='' then v='0' end " +
		"local s,n=string.match(v,'^%s*([+-]?)0*(%d+)$') if not n then return end if s=='+' or n=='0' then s='' end " +
		"redis.call('SET',KEYS[1],s..n,'KEEPTTL') redis.pcall(unpack(ARGV,2))"

	// ZREMRANGEBYLEX: 2 min, 3 max. Pika takes all members of the range, whatever their scores are.
	scriptLex = scriptForget + "local k=KEYS[1] local z=" + isTagged + " and '" + ownKeys + "lex:'..k or '" + ownKeys + "lex{'..k..'}' if redis.call('ZUNIONSTORE',z,1,KEYS[1],'WEIGHTS',0)==0 then return end " +
		"for _,m in ipairs(redis.call('ZRANGEBYLEX',z,ARGV[2],ARGV[3])) do redis.call('ZREM',KEYS[1],m) end redis.call('DEL',z)"
)

const (
	// What comes after a BITOP: of nothing it makes an empty string.
	scriptEmpty = "if redis.call('EXISTS',KEYS[1])==0 then redis.call('SET',KEYS[1],'') end"

	// What comes before an XADD: where a stream has no entries, the next one may have any id.
	scriptTidy = "if redis.pcall('XLEN',KEYS[1])==0 then redis.call('DEL',KEYS[1]) end"
)

// scriptMatch is PKPATTERNMATCHDEL, and FLUSHDB of a type: 1 pattern, 2 type or nothing.
const scriptMatch = "for _,k in ipairs(redis.call('KEYS',ARGV[1])) do " +
	"if not ARGV[2] or redis.call('TYPE',k).ok==ARGV[2] then redis.call('DEL',k) end end"

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

// appendEval runs a script that takes a time.
func appendEval(dst []byte, script string, now []byte, keys [][]byte, args ...[]byte) []byte {
	dst = appendEvalHead(dst, script, keys, len(args)+1)
	dst = appendBulk(dst, now)
	for _, arg := range args {
		dst = appendBulk(dst, arg)
	}
	return dst
}

// appendKeyed runs a script that takes no arguments for one key.
func appendKeyed(dst []byte, script string, key []byte) []byte {
	return appendEvalHead(dst, script, [][]byte{key}, 0)
}

// appendEvalHead begins a script with its keys, and has room for so many arguments.
func appendEvalHead(dst []byte, script string, keys [][]byte, args int) []byte {
	dst = append(appendHead(dst, 3+len(keys)+args), "$4\r\neval\r\n"...)
	dst = appendBulkInt(appendBulkString(dst, script), int64(len(keys)))
	for _, key := range keys {
		dst = appendBulk(dst, key)
	}
	return dst
}

// appendMatch deletes the keys that match a pattern, of one type or, with nil, of any.
func appendMatch(dst, pattern, kind []byte) []byte {
	n := 1
	if kind != nil {
		n++
	}
	dst = appendBulk(appendEvalHead(dst, scriptMatch, nil, n), pattern)
	if kind == nil {
		return dst
	}
	return appendBulk(dst, bytes.ToLower(kind))
}

// appendBulkString is appendBulk for a string.
func appendBulkString(dst []byte, s string) []byte {
	return append(append(appendBulkHead(dst, len(s)), s...), '\r', '\n')
}

// appendBulkHead begins an argument of a length.
func appendBulkHead(dst []byte, n int) []byte {
	return append(digits.Put(append(slices.Grow(dst, n+margin), '$'), uint64(n)), '\r', '\n')
}
