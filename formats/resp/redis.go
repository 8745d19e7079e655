package resp

import (
	"bytes"
	"strconv"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// Redis writes commands that give a plain Redis 7 what the server had, whenever they are loaded.
//
// A key that had expired before a command was logged must be gone when Redis comes to it. Pika logs nothing when a key expires,
// so each command that reads or changes a part of what was there comes after a script which deletes its keys if their
// deadlines were over at the time of the record. This needs a Redis that does not expire keys by its own clock meanwhile: that
// is what it does while it loads its append-only file. Deadlines are absolute.
//
// What Pika did differently is done by scripts, too: see script.go. Of what Redis cannot do nothing is written, and Doubt
// says so.
type Redis struct {
	selector
	split bool
	keys  [][]byte // room for the keys of a script
	time  []byte   // room for the digits of a time
}

// NewRedis makes an encoder.
func NewRedis(opts Options) *Redis { return &Redis{split: opts.SplitKeys} }

// AppendChange appends what c did. See formats.Encoder.
func (r *Redis) AppendChange(dst []byte, c *decode.Change) []byte {
	argv, ok := commandOf(c, r.split)
	switch {
	case !ok || !c.Understood():
		return dst
	case argv == nil:
		if c.Effect != decode.EffectExact {
			dst = r.appendForget(dst, c, c.Key)
		}
		return appendPart(dst, c)
	}
	switch c.Op {
	case decode.OpSet:
		return r.appendSet(dst, c)
	case decode.OpUpdate, decode.OpRemove, decode.OpPersist:
		return r.appendUpdate(dst, c)
	case decode.OpStore:
		return r.appendStore(dst, c)
	case decode.OpDelete:
		return r.appendDelete(dst, c)
	case decode.OpExpire:
		return r.appendExpire(dst, c)
	case decode.OpFlush:
		return appendFlush(dst, c)
	default:
		return dst
	}
}

// Doubt says why Redis may not come to hold what the server had after a change, "" if it does.
func (*Redis) Doubt(c *decode.Change) string {
	switch {
	case c.Op >= decode.OpGap || c.Effect != decode.EffectUnknown && c.Op == decode.OpOther:
		return ""
	case c.Op == decode.OpOther:
		return "neither pikabin nor Redis knows the command, nothing is written for it"
	case c.Op == decode.OpRemove && c.Type == decode.TypeSet && c.Effect == decode.EffectUnknown:
		return "the log does not say which members went, Redis takes others"
	case c.Op == decode.OpRemove && c.Type == decode.TypeList && c.Effect == decode.EffectUnknown:
		return "the log does not say which key gave a value, nothing is written for it"
	case c.Type == decode.TypeStream && c.Effect == decode.EffectUnknown:
		return "the log does not say which id the entry got"
	case (c.Op == decode.OpExpire || c.Op == decode.OpSet) && c.Has&decode.HasExpireAt == 0:
		return "the log has no times, so that the deadline counts from the loading"
	case c.Op == decode.OpFlush && len(c.Args) > 0 && !isRedisType(c.Args[0]):
		return "Redis has no such type, nothing is written for it"
	}
	return ""
}

// appendSet writes what replaces a whole value.
func (r *Redis) appendSet(dst []byte, c *decode.Change) []byte {
	switch c.Name() {
	case "pksetexat", "setex", "psetex":
		if c.Has&decode.HasExpireAt != 0 {
			return appendSetUntil(dst, c, c.Value)
		}
	case "getset": // which Redis refuses for a key of another type
		return appendSetUntil(dst, c, c.Value)
	case "set":
		if c.Effect == decode.EffectRelative {
			if old := comparedValue(c); old != nil {
				return r.appendSetIf(dst, c, old)
			}
			dst = r.appendForget(dst, c, c.Key)
		}
		if c.Has&decode.HasExpireAt != 0 && len(c.Argv) > 3 {
			return appendSetOptions(dst, c)
		}
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

// everyOther appends the keys of pairs.
func everyOther(keys, pairs [][]byte) [][]byte {
	for ; len(pairs) > 1; pairs = pairs[2:] {
		keys = append(keys, pairs[0])
	}
	return keys
}

// appendDelete writes what deletes a key, if it is a certain one.
func (r *Redis) appendDelete(dst []byte, c *decode.Change) []byte {
	switch {
	case c.Key == nil:
		return appendMatch(dst, c.Args[0], typeArgument(c.Args[1:]))
	case c.Effect == decode.EffectRelative:
		return r.appendScript(dst, scriptDelVX, c, c.Key, c.Args[0])
	}
	return appendCommand(dst, c.Argv)
}

// appendExpire writes a deadline. One that was over already when it was set deletes the key.
func (r *Redis) appendExpire(dst []byte, c *decode.Change) []byte {
	if c.Has&decode.HasExpireAt == 0 {
		return appendCommand(dst, c.Argv)
	}
	if c.ExpireAt < 0 {
		return r.appendScript(dst, scriptExpire, c, c.Key, []byte("0"))
	}
	var text [digits.Room]byte
	return r.appendScript(dst, scriptExpire, c, c.Key, digits.PutInt(text[:0], c.ExpireAt))
}

// appendFlush writes the name that Redis knows; the server may have had another for it. Redis can flush no single type.
func appendFlush(dst []byte, c *decode.Change) []byte {
	switch {
	case c.Scope != "":
		return append(appendHead(dst, 1), "$8\r\nflushall\r\n"...)
	case len(c.Args) == 0:
		return append(appendHead(dst, 1), "$7\r\nflushdb\r\n"...)
	case isRedisType(c.Args[0]):
		return appendMatch(dst, []byte("*"), c.Args[0])
	}
	return dst
}

// appendUpdate writes what changes a part of a value.
func (r *Redis) appendUpdate(dst []byte, c *decode.Change) []byte {
	drops := c.Has&decode.HasExpireAt != 0
	switch c.Name() {
	case "setbit":
		if drops {
			return r.appendScript(dst, scriptSetbit, c, c.Key, c.Args[0], c.Value, []byte("1"))
		}
		return r.appendScript(dst, scriptSetbit, c, c.Key, c.Args[0], c.Value)
	case "setrange":
		dst = appendCommand(r.appendForget(dst, c, c.Key), c.Argv)
		if drops {
			dst = appendBulk(append(appendHead(dst, 2), "$7\r\npersist\r\n"...), c.Key)
		}
		return dst
	case "hsetnx":
		if drops {
			return r.appendScript(dst, scriptHsetnx, c, c.Key, c.Argv[2:]...)
		}
	case "hdel":
		if drops {
			return r.appendScript(dst, scriptHdel, c, c.Key, c.Argv[2:]...)
		}
	case "zadd":
		return r.appendZadd(dst, c)
	case "blpop", "brpop":
		return dst
	}
	return appendCommand(r.appendForget(dst, c, c.Key), c.Argv)
}

// appendZadd writes the members from the last to the first: of one that is named twice Redis takes the last score, and Pika
// since 3.0, whose records have a logic id, the first.
func (r *Redis) appendZadd(dst []byte, c *decode.Change) []byte {
	dst = r.appendForget(dst, c, c.Key)
	if len(c.Elements) < 2 || c.Has&decode.HasLogicID == 0 {
		return appendCommand(dst, c.Argv)
	}
	begin := len(c.Argv) - 2*len(c.Elements)
	dst = appendHead(dst, len(c.Argv))
	for _, arg := range c.Argv[:begin] {
		dst = appendBulk(dst, arg)
	}
	for i := len(c.Argv) - 2; i >= begin; i -= 2 {
		dst = appendBulk(appendBulk(dst, c.Argv[i]), c.Argv[i+1])
	}
	return dst
}

// appendStore writes what computes a value from other keys.
func (r *Redis) appendStore(dst []byte, c *decode.Change) []byte {
	keys := storeKeys(r.keys[:0], c)
	dst = r.appendStoreOf(dst, c, keys)
	clear(keys) // nothing of a change is kept
	r.keys = keys[:0]
	return dst
}

func (r *Redis) appendStoreOf(dst []byte, c *decode.Change, keys [][]byte) []byte {
	keeps := c.Has&decode.HasExpireAt == 0
	switch c.Name() {
	case "rpoplpush":
		if !keeps {
			return appendEval(dst, scriptMove, r.timeOf(c), keys)
		}
	case "sunionstore", "sinterstore", "sdiffstore", "zunionstore":
		if keeps {
			return appendEval(dst, scriptKeep, r.timeOf(c), keys, c.Argv...)
		}
	case "zinterstore":
		if keeps && string(c.Args[0]) == "1" { // Pika 2 then stores nothing
			return dst
		}
		if keeps {
			return appendEval(dst, scriptKeep, r.timeOf(c), keys, c.Argv...)
		}
	}
	return appendCommand(r.appendForget(dst, c, keys...), c.Argv)
}

// storeKeys appends the keys of a command that computes a value, its destination included. Those of rpoplpush and smove begin with
// the source.
func storeKeys(keys [][]byte, c *decode.Change) [][]byte {
	switch c.Name() {
	case "rpoplpush", "smove":
		return append(keys, c.Argv[1:3]...)
	case "bitop":
		return append(keys, c.Argv[2:]...)
	case "zunionstore", "zinterstore":
		n, err := strconv.Atoi(string(c.Argv[2]))
		if err != nil || n < 0 || n > len(c.Argv)-3 {
			n = 0
		}
		return append(append(keys, c.Key), c.Argv[3:3+n]...)
	}
	return append(keys, c.Argv[1:]...)
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
		return appendBulkInt(append(dst, "$4\r\nexat\r\n"...), max(c.ExpireAt/1000, 1))
	}
	return appendBulkInt(append(dst, "$4\r\npxat\r\n"...), c.ExpireAt)
}

// appendSetOptions writes a set with its options, the relative time among them made absolute, or left out if it
// means no deadline. Of several times the last one holds, and Redis takes only one.
func appendSetOptions(dst []byte, c *decode.Change) []byte {
	if c.ExpireAt < 0 {
		return appendDel(dst, c.Argv[1])
	}
	n := len(c.Argv)
	for i := range c.Argv {
		if isLifetime(c.Argv, i) {
			n -= 2
		}
	}
	if c.ExpireAt > 0 {
		n += 2
	}
	dst = appendHead(dst, n)
	for i := 0; i < len(c.Argv); i++ {
		if isLifetime(c.Argv, i) {
			i++
			continue
		}
		dst = appendBulk(dst, c.Argv[i])
	}
	if c.ExpireAt > 0 {
		dst = appendBulkInt(appendBulk(dst, []byte("pxat")), c.ExpireAt)
	}
	return dst
}

// isLifetime reports whether an option with a relative time begins at an argument of SET.
func isLifetime(argv [][]byte, i int) bool {
	return i > 2 && i+1 < len(argv) && isRelative(argv[i])
}

// isRelative reports whether an option of SET has a relative time after it.
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
