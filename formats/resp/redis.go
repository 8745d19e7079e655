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
// is what it does while it loads its append-only file. For one that runs, deadlines are held: they are written as far in the future as Held
// says, and whoever sends the commands puts them into effect once the log has come to its end. Deadlines are absolute.
//
// What Pika did differently is done by scripts, too: see script.go and pika2.go. Of what Redis cannot do nothing is written, and Doubt
// says so.
type Redis struct {
	selector
	split bool
	exact bool     // what is the same key by key is split, too
	held  int64    // what deadlines are put off by
	keys  [][]byte // room for the keys of a script
	time  []byte   // room for the digits of a time
}

// NewRedis makes an encoder.
func NewRedis(opts Options) *Redis {
	r := &Redis{split: opts.SplitKeys, exact: opts.Cluster}
	if opts.Server {
		r.held = Held
	}
	return r
}

// AppendChange appends what c did. See formats.Encoder.
func (r *Redis) AppendChange(dst []byte, c *decode.Change) []byte {
	argv, ok := commandOf(c, r.split || r.exact && c.Effect == decode.EffectExact)
	switch {
	case !ok || !c.Understood():
		return dst
	case argv == nil:
		return r.appendOwnPart(dst, c)
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

// appendOwnPart writes the part of a multi-key command that is c.
func (r *Redis) appendOwnPart(dst []byte, c *decode.Change) []byte {
	if c.Effect != decode.EffectExact {
		dst = r.appendForget(dst, c, c.Key)
	}
	dst = appendPart(dst, c)
	if c.Op == decode.OpDelete && isPika2(c) {
		dst = appendUnparked(dst, [][]byte{c.Key})
	}
	return dst
}

// appendDelete writes what deletes a key, if it is a certain one.
func (r *Redis) appendDelete(dst []byte, c *decode.Change) []byte {
	switch {
	case c.Key == nil:
		return appendMatch(dst, c.Args[0], typeArgument(c.Args[1:]))
	case c.Effect == decode.EffectRelative:
		return r.appendScript(dst, scriptDelVX, c, c.Key, c.Args[0])
	}
	dst = appendCommand(dst, c.Argv)
	if isPika2(c) {
		dst = appendUnparked(dst, c.Argv[1:])
	}
	return dst
}

// appendExpire writes a deadline. One that was over already when it was set deletes the key.
func (r *Redis) appendExpire(dst []byte, c *decode.Change) []byte {
	if c.Has&decode.HasExpireAt == 0 {
		return appendCommand(dst, c.Argv)
	}
	var text [digits.Room]byte
	return r.appendScript(dst, scriptExpire, c, c.Key, digits.PutInt(text[:0], r.deadline(max(c.ExpireAt, 0))))
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
	if parks(c) {
		return r.appendParking(dst, c, [][]byte{c.Key})
	}
	switch c.Name() {
	case "setbit":
		if c.Has&decode.HasExpireAt != 0 {
			return r.appendScript(dst, scriptSetbit, c, c.Key, c.Args[0], c.Value, []byte("1"))
		}
		return r.appendScript(dst, scriptSetbit, c, c.Key, c.Args[0], c.Value)
	case "incr", "decr", "incrby", "decrby":
		return r.appendScript(dst, scriptIncr, c, c.Key, c.Argv...)
	case "zremrangebylex":
		return r.appendScript(dst, scriptLex, c, c.Key, c.Args...)
	case "blpop", "brpop":
		return dst
	}
	dst = r.appendForget(dst, c, c.Key)
	switch c.Name() {
	case "setrange":
		dst = appendCommand(dst, c.Argv)
		if c.Has&decode.HasExpireAt != 0 {
			dst = appendPersist(dst, c.Key)
		}
		return dst
	case "pfadd":
		return appendPfadd(dst, c)
	case "zadd":
		return appendZadd(dst, c)
	case "xadd":
		return appendStream(appendKeyed(dst, scriptTidy, c.Key), c)
	case "xtrim":
		return appendStream(dst, c)
	}
	return appendCommand(dst, c.Argv)
}

// appendPfadd writes a HyperLogLog as Pika does, which sets the whole value: without a deadline, and empty if nothing is added.
func appendPfadd(dst []byte, c *decode.Change) []byte {
	if c.Elements.Len() == 0 {
		dst = appendDel(dst, c.Key)
	}
	return appendPersist(appendCommand(dst, c.Argv), c.Key)
}

// appendZadd writes the members from the last to the first: of one that is named twice Redis takes the last score, and Pika
// since 3.0 the first.
func appendZadd(dst []byte, c *decode.Change) []byte {
	begin := len(c.Argv) - 2*c.Elements.Len()
	dst = appendHead(dst, len(c.Argv))
	for _, arg := range c.Argv[:begin] {
		dst = appendBulk(dst, arg)
	}
	for i := len(c.Argv) - 2; i >= begin; i -= 2 {
		dst = appendBulk(appendBulk(dst, c.Argv[i]), c.Argv[i+1])
	}
	return dst
}

// appendStream writes a command of streams without ~ and LIMIT, which let Redis leave some of what is to go: Pika trims exactly.
func appendStream(dst []byte, c *decode.Change) []byte {
	n := len(c.Argv)
	for i := range c.Args {
		n -= loose(c.Args, i)
	}
	dst = appendBulk(appendBulk(appendHead(dst, n), c.Argv[0]), c.Key)
	for i := 0; i < len(c.Args); i++ {
		if skip := loose(c.Args, i); skip > 0 {
			i += skip - 1
			continue
		}
		dst = appendBulk(dst, c.Args[i])
	}
	for _, arg := range c.Argv[2+len(c.Args):] {
		dst = appendBulk(dst, arg)
	}
	return dst
}

// loose is how many options of a stream, from one on, make a trimming inexact.
func loose(options [][]byte, i int) int {
	switch word := string(options[i]); {
	case word == "~":
		return 1
	case len(word) == len("limit") && word[0]|0x20 == 'l':
		return 2
	}
	return 0
}

// appendStore writes what computes a value from other keys.
func (r *Redis) appendStore(dst []byte, c *decode.Change) []byte {
	keys := storeKeys(r.keys[:0], c)
	if parks(c) {
		dst = r.appendParking(dst, c, keys)
	} else {
		dst = appendCommand(r.appendForget(dst, c, keys...), c.Argv)
	}
	switch c.Type {
	case decode.TypeBitmap:
		dst = appendKeyed(dst, scriptEmpty, c.Key)
	case decode.TypeHLL:
		dst = appendPersist(dst, c.Key)
	default:
	}
	clear(keys) // nothing of a change is kept
	r.keys = keys[:0]
	return dst
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

func appendPersist(dst, key []byte) []byte {
	return appendBulk(append(appendHead(dst, 2), "$7\r\npersist\r\n"...), key)
}

func appendDel(dst, key []byte) []byte {
	return appendBulk(append(appendHead(dst, 2), "$3\r\ndel\r\n"...), key)
}

// appendBulkInt appends a number as an argument.
func appendBulkInt(dst []byte, v int64) []byte {
	var text [digits.Room]byte
	return appendBulk(dst, digits.PutInt(text[:0], v))
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
