package resp

import (
	"bytes"

	"pikabin/decode"
)

// Pika 2 keeps what it knows of a list, hash, set or sorted set when its last element goes: one that comes to be under the same name has the
// deadline of the one before. Redis has no keys without elements, so that a deadline waits under a name of its own. Most commands keep
// the deadline, and so each of them comes after scriptPark and before scriptUnpark.

// ownKeys begins the names of the keys that the scripts need while a log is loaded. What is left of them is only in the way.
const ownKeys = "__pikabin:"

// A key of a script's own has the slot of the key that it is for, since the nodes of a cluster have slots each: the name of that key is in
// braces, which make a slot, unless it has such braces itself. In a script isTagged tells that of k, and appendUnparked does the same.
const isTagged = "string.find(k,'^[^{]*{[^}]+}')"

// parked is the name under which the deadline of k waits, in the words of a script.
const parked = "(" + isTagged + " and '" + tagged + "'..k or '" + untagged + "'..k..'}')"

const tagged, untagged = ownKeys + "deadline:", ownKeys + "deadline{"

const (
	scriptPark = "for _,k in ipairs(KEYS) do local p=" + parked + " local t=redis.call('PEXPIRETIME',k) local now=tonumber(ARGV[1]) " +
		"if t>=0 and t" + ofHeld + "<now then redis.call('DEL',k,p) elseif t>=0 then redis.call('SET',p,'','PXAT',t) " +
		"elseif t==-1 then redis.call('DEL',p) else t=redis.call('PEXPIRETIME',p) if t>=0 and t" + ofHeld + "<now then redis.call('DEL',p) end end end"
	scriptUnpark = "for _,k in ipairs(KEYS) do local p=" + parked + " local t=redis.call('PEXPIRETIME',p) " +
		"if t>=0 and redis.call('EXISTS',k)==1 then redis.call('PEXPIREAT',k,t) redis.call('DEL',p) end end"

	// HSETNX, HDEL and RPOPLPUSH drop the deadline of what they change. 1 is the time, 2 and on are the arguments.
	scriptDrop   = "local k=KEYS[1] redis.call('PERSIST',k) redis.call('DEL'," + parked + ")"
	scriptHsetnx = "if redis.call('HSETNX',KEYS[1],ARGV[2],ARGV[3])==1 then " + scriptDrop + " end"
	scriptHdel   = "local n=0 for i=2,#ARGV do n=n+redis.call('HDEL',KEYS[1],ARGV[i]) end if n>0 then " + scriptDrop + " end"
	scriptMove   = "if redis.call('RPOPLPUSH',KEYS[1],KEYS[2]) then " + scriptDrop + " end"

	scriptOwn = "for _,k in ipairs(redis.call('KEYS','" + ownKeys + "*')) do redis.call('DEL',k) end"
)

// AppendEnd appends what deletes the keys that the scripts needed, where a log ends.
func AppendEnd(dst []byte) []byte { return appendEvalHead(dst, scriptOwn, nil, 0) }

// isPika2 reports whether a record is of Pika 2.
func isPika2(c *decode.Change) bool { return c.Has&decode.HasLogicID == 0 }

// parks reports whether deadlines have to wait while a command runs.
func parks(c *decode.Change) bool {
	switch c.Type {
	case decode.TypeHash, decode.TypeList, decode.TypeSet, decode.TypeZset, decode.TypeGeo:
		return isPika2(c)
	default:
		return false
	}
}

// appendParking writes a command of Pika 2 for collections.
func (r *Redis) appendParking(dst []byte, c *decode.Change, keys [][]byte) []byte {
	drops, now := c.Has&decode.HasExpireAt != 0, r.timeOf(c)
	dst = appendEval(dst, scriptPark, now, keys)
	switch name := c.Name(); {
	case name == "hsetnx" && drops:
		dst = appendEval(dst, scriptHsetnx, now, keys, c.Argv[2:]...)
	case name == "hdel" && drops:
		dst = appendEval(dst, scriptHdel, now, keys, c.Argv[2:]...)
	case name == "rpoplpush" && drops:
		dst = appendEval(dst, scriptMove, now, keys)
	case name == "zremrangebylex":
		dst = appendEval(dst, scriptLex, now, keys, c.Args...)
	case name == "zinterstore" && string(c.Args[0]) == "1": // stores nothing
	default:
		dst = appendCommand(dst, c.Argv)
	}
	return appendEvalHead(dst, scriptUnpark, keys, 0)
}

// appendUnparked deletes the deadlines of keys that are deleted.
func appendUnparked(dst []byte, keys [][]byte) []byte {
	dst = append(appendHead(dst, 1+len(keys)), "$3\r\ndel\r\n"...)
	for _, key := range keys {
		before, after := untagged, "}\r\n"
		if hasTag(key) {
			before, after = tagged, "\r\n"
		}
		dst = appendBulkHead(dst, len(before)+len(key)+len(after)-len("\r\n"))
		dst = append(append(append(dst, before...), key...), after...)
	}
	return dst
}

// hasTag tells whether a key has braces with something in them, which alone makes its slot.
func hasTag(key []byte) bool {
	open := bytes.IndexByte(key, '{')
	return open >= 0 && bytes.IndexByte(key[open+1:], '}') > 0
}
