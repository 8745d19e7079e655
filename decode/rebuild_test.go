package decode

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// argumentOrder says where the arguments after the name of each command stand in its events. It is all that
// is needed to write a command again:
//
//	k key            v value          d delta         n delta of the other sign
//	i entry id       t the time that ExpireAt is from
//	a one of Args    A the rest of them
//	f field          m member         F fields and values             S scores and members
//	G longitudes and latitudes from Args, and members
//
// f, m, F, S and G stand for all elements. What stands last of Args is for the last letter.
var argumentOrder = map[string]string{
	"set": "kvA", "getset": "kv", "setnx": "kv", "setex": "ktv", "psetex": "ktv", "pksetexat": "ktv",
	"mset": "kv", "msetnx": "kv", "append": "kv", "setrange": "kav", "setbit": "kav",
	"incr": "k", "decr": "k", "incrby": "kd", "decrby": "kn", "incrbyfloat": "kd", "bitop": "akA",
	"del": "k", "unlink": "k", "delvx": "kA", "pkpatternmatchdel": "A",
	"expire": "kt", "pexpire": "kt", "expireat": "kt", "pexpireat": "kt", "persist": "k",
	"flushdb": "A", "flushall": "A",
	"hset": "kF", "hmset": "kF", "hsetnx": "kF", "hincrby": "kfd", "hincrbyfloat": "kfd", "hdel": "kf",
	"lpush": "km", "rpush": "km", "lpushx": "km", "rpushx": "km", "lset": "kam", "linsert": "kaam",
	"lpop": "kA", "rpop": "kA", "lrem": "kam", "ltrim": "kA", "rpoplpush": "ak", "blpop": "kA", "brpop": "kA",
	"sadd": "km", "srem": "km", "spop": "kA", "smove": "akm",
	"sunionstore": "kA", "sinterstore": "kA", "sdiffstore": "kA",
	"zadd": "kAS", "zincrby": "kdm", "zrem": "km", "zremrangebyscore": "kA", "zremrangebylex": "kA",
	"zremrangebyrank": "kA", "zpopmin": "kA", "zpopmax": "kA", "zunionstore": "kA", "zinterstore": "kA",
	"geoadd": "kG", "pfadd": "km", "pfmerge": "kA",
	"xadd": "kAiF", "xdel": "km", "xtrim": "kA",
	"padding": "A", "dummy": "A", "clearcache": "A", "clearreplicationid": "A", "slotsmgrt-exec-wrapper": "A",
	"sunion": "A", "sinter": "A", "sdiff": "A", "select": "A", "zcard": "A",
}

// rebuild writes the command again from its events, without a look at Argv. The name is in lower case.
func rebuild(parts []Change) [][]byte {
	argv := [][]byte{[]byte(parts[0].Cmd)}
	for i := range parts {
		c := &parts[i]
		if c.Op == OpOther {
			argv = append(argv, c.Args...)
			continue
		}
		argv = appendRebuilt(argv, c, argumentOrder[c.Cmd])
	}
	return argv
}

func appendRebuilt(argv [][]byte, c *Change, letters string) [][]byte {
	args := c.Args
	for _, letter := range letters {
		switch letter {
		case 'k':
			argv = append(argv, c.Key)
		case 'v':
			argv = append(argv, c.Value)
		case 'd':
			argv = append(argv, c.Delta)
		case 'n':
			argv = append(argv, rebuildNegated(c))
		case 'i':
			argv = append(argv, c.EntryID)
		case 't':
			argv = append(argv, rebuildTime(c))
		case 'a':
			argv, args = append(argv, args[0]), args[1:]
		case 'A':
			argv = append(argv, args...)
		case 'G':
			options := len(args) - 2*c.Elements.Len()
			argv, args = append(argv, args[:options]...), args[options:]
			for e := range c.Elements.All() {
				argv, args = append(argv, args[0], args[1], e.Value), args[2:]
			}
		default:
			argv = appendElements(argv, &c.Elements, letter)
		}
	}
	return argv
}

func appendElements(argv [][]byte, elements *Elements, letter rune) [][]byte {
	for e := range elements.All() {
		switch letter {
		case 'f':
			argv = append(argv, e.Field)
		case 'm':
			argv = append(argv, e.Value)
		case 'F':
			argv = append(argv, e.Field, e.Value)
		case 'S':
			argv = append(argv, e.Score, e.Value)
		}
	}
	return argv
}

// rebuildNegated turns the sign of a delta back, unless the argument is in Args.
func rebuildNegated(c *Change) []byte {
	switch {
	case len(c.Args) > 0:
		return c.Args[0]
	case string(c.Delta) == "0":
		return c.Delta
	case c.Delta[0] == '-':
		return c.Delta[1:]
	}
	return append([]byte("-"), c.Delta...)
}

// rebuildTime turns a deadline back to its argument, which is in Args where that cannot be done.
func rebuildTime(c *Change) []byte {
	if len(c.Args) > 0 {
		return c.Args[0]
	}
	t := c.ExpireAt
	switch c.Precision {
	case PrecisionNone, PrecisionMillis:
	case PrecisionSeconds:
		t /= 1000
	case PrecisionDerived:
		t -= c.Time * 1000
		if c.Cmd[0] != 'p' {
			t /= 1000
		}
	}
	return strconv.AppendInt(nil, t, 10)
}

// buildParts makes the events of a command, each in a Change that held something else before.
func buildParts(argv [][]byte, has Fields, seconds int64) []Change {
	cmd := LookupCommand(argv[0])
	parts := make([]Change, cmd.Parts(argv))
	for i := range parts {
		parts[i] = staleChange()
		parts[i].Has, parts[i].Time = has|HasExpireAt, seconds
		cmd.Build(&parts[i], argv, i)
	}
	return parts
}

// staleChange is a Change whose every field that Build sets has something in it.
func staleChange() Change {
	old := []byte("old")
	return Change{
		Op: OpGap, Type: TypeGeo, Effect: EffectUnknown, Precision: PrecisionDerived, Cmd: "old",
		Key: old, Value: old, EntryID: old, Delta: old, ExpireAt: 7, Scope: "old", KeyIndex: 99,
		Elements: ElementsOf(Element{Field: old, Value: old, Score: old}), Args: [][]byte{old, old},
	}
}

func checkRebuilt(t *testing.T, argv [][]byte, has Fields, seconds int64) {
	t.Helper()
	want := append([][]byte{bytes.ToLower(argv[0])}, argv[1:]...)
	got := rebuild(buildParts(argv, has, seconds))
	if !slices.EqualFunc(want, got, bytes.Equal) {
		t.Fatalf("%q does not come back (-want +got):\n%s", argv, cmp.Diff(want, got))
	}
}

func TestRebuildKnowsEveryCommand(t *testing.T) {
	for _, cmd := range Commands() {
		if _, ok := argumentOrder[cmd.Name]; !ok {
			t.Errorf("%s: no order of arguments", cmd.Name)
		}
	}
	if len(argumentOrder) != len(Commands()) {
		t.Errorf("%d orders for %d commands", len(argumentOrder), len(Commands()))
	}
}

// TestRebuildLogged takes commands out of the logs of real servers.
func TestRebuildLogged(t *testing.T) {
	for _, record := range loadRecords(t, "argv.jsonl") {
		if LookupCommand(record.Argv[0]) == nil {
			t.Errorf("%s: not known", record.Argv[0])
			continue
		}
		checkRebuilt(t, record.Argv, HasTime, record.Time)
		checkRebuilt(t, record.Argv, 0, 0)
		for _, c := range buildParts(record.Argv, HasTime, record.Time) {
			if c.Op == OpOther && !LookupCommand(record.Argv[0]).NoEffect {
				t.Errorf("%q was not understood", record.Argv)
			}
		}
	}
}

// oddWords are arguments that mean something to some command, or nearly do.
var oddWords = []string{
	"", "0", "-0", "1", "+1", "010", "-1", "12", "1795364538", "-1795364538", "1795364538000", "99999999999", "100000000000",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "123456789012345678901234567890",
	"1.5", ".5", "5.", "1e5", "1e", "inf", "+INF", "-inf", "nan", "0x1p3", "0x", "1-1", "5-*", "*", "-", "1-", "~", "=", " 1", "1 ", "\x001",
	"NX", "xx", "Vx", "EX", "px", "CH", "incr", "GT", "lt", "MAXLEN", "minid", "LIMIT", "NOMKSTREAM", "and", "BEFORE",
	"key", "f", "m", "\xff\xfe", "caf\u00e9", "a\r\nb", "old",
}

// randomArgv has about as many arguments as the command takes.
func randomArgv(r *rand.Rand, cmd *Command) [][]byte {
	argv := [][]byte{[]byte(cmd.Name)}
	n := max(0, cmd.min-1+r.IntN(6)-r.IntN(2))
	for range n {
		argv = append(argv, []byte(oddWords[r.IntN(len(oddWords))]))
	}
	return argv
}

func TestRebuildRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, cmd := range Commands() {
		understood := false
		for range 1000 {
			argv := randomArgv(r, cmd)
			checkRebuilt(t, argv, HasTime, 1795364538)
			checkRebuilt(t, argv, HasTime, 0)
			checkRebuilt(t, argv, 0, 0)
			understood = understood || cmd.NoEffect || buildParts(argv, 0, 0)[0].Op == cmd.Op
		}
		if !understood {
			t.Errorf("%s: no random arguments made sense", cmd.Name)
		}
	}
}

func FuzzRebuild(f *testing.F) {
	f.Add(uint8(0), int64(1795364538), []byte("k\x00v\x00EX\x0010"))
	f.Add(uint8(3), int64(-1), []byte("k\x00010"))
	commands := Commands()
	f.Fuzz(func(t *testing.T, n uint8, seconds int64, args []byte) {
		argv := [][]byte{[]byte(commands[int(n)%len(commands)].Name)}
		if len(args) > 0 {
			argv = append(argv, bytes.Split(args, []byte{0})...)
		}
		checkRebuilt(t, argv, HasTime, seconds)
		checkRebuilt(t, argv, 0, 0)
	})
}
