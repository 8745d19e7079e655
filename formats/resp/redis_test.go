package resp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
)

// logged makes the changes of a command that was logged at 1700000000. before30 is a server whose records hold no items.
func logged(before30 bool, has decode.Fields, argv ...string) []*decode.Change {
	args := make([][]byte, len(argv))
	for i, arg := range argv {
		args[i] = []byte(arg)
	}
	cmd := decode.LookupCommand(args[0])
	changes := make([]*decode.Change, cmd.Parts(args))
	for i := range changes {
		c := &decode.Change{Log: &decode.Log{DB: "db0", Slot: -1}, Has: decode.HasTime | has, Time: 1700000000, Argv: args}
		if !before30 {
			c.Has |= decode.HasLogicID
		}
		c.Before35 = c.Has&(decode.HasLogicID|decode.HasServerID) != decode.HasLogicID
		cmd.Build(c, args, i)
		c.Has |= has // as the decoder says what a command drops
		changes[i] = c
	}
	return changes
}

// words shows commands on a line each, with names for the scripts.
func words(t *testing.T, stream []byte) string {
	t.Helper()
	names := strings.NewReplacer(
		scriptSetVX, "setvx", scriptDelVX, "delvx", scriptExpire, "expire", scriptSetbit, "setbit", scriptHsetnx, "hsetnx",
		scriptHdel, "hdel", scriptMove, "move", scriptIncr, "incr", scriptLex, "lex", scriptEmpty, "empty", scriptTidy, "tidy",
		scriptPark, "park", scriptUnpark, "unpark", scriptMatch, "match", scriptForget, "forget",
	)
	var lines []string
	for len(stream) > 0 {
		var n int
		if _, err := fmt.Sscanf(string(stream), "*%d\r\n", &n); err != nil {
			t.Fatalf("%.50q: %v", stream, err)
		}
		_, stream, _ = bytes.Cut(stream, []byte("\r\n"))
		var args []string
		for range n {
			var size int
			if _, err := fmt.Sscanf(string(stream), "$%d\r\n", &size); err != nil {
				t.Fatalf("%.50q: %v", stream, err)
			}
			_, rest, _ := bytes.Cut(stream, []byte("\r\n"))
			args, stream = append(args, names.Replace(string(rest[:size]))), rest[size+2:]
		}
		lines = append(lines, strings.Join(args, " "))
	}
	return strings.Join(lines, "\n")
}

// TestRedisWords has what each kind of command becomes. F stands for a script that forgets the key k.
func TestRedisWords(t *testing.T) {
	const old, drops = true, decode.HasExpireAt
	for _, test := range []struct {
		before30 bool
		has      decode.Fields
		argv     string
		want     string
	}{
		{argv: "SET k v", want: "SET k v"},
		{argv: "SET k v EX 100", want: "set k v pxat 1700000100000"},
		{argv: "set k ex nx Px 100", want: "F\nset k ex nx pxat 1700000000100"},
		{argv: "set k v px 1500 nx", has: decode.HasServerID, want: "F\nset k v nx pxat 1700000001000"},
		{argv: "set k v px 900 nx", has: decode.HasServerID, want: "F\nset k v nx"},
		{argv: "set k v px 900 vx u", before30: old, want: "eval setvx 1 k 1700000000000 u v"},
		{argv: "pexpire k 900", before30: old, want: "eval expire 1 k 1700000000000 1700000000000"},
		{argv: "pexpire k 1900", before30: old, want: "eval expire 1 k 1700000000000 1700000001000"},
		{argv: "pksetexat k 0 v", want: "F\nset k v keepttl"},
		{argv: "PKSETEXAT k 0 v", want: "set k v"},
		{argv: "set k v px 100 XX ex 5", want: "F\nset k v XX pxat 1700000005000"},
		{argv: "set k v ex 0 nx", want: "F\nset k v nx"},
		{argv: "set k v nx ex 5 xx", want: "F\nset k v xx pxat 1700000005000"},
		{argv: "set k v vx u nx", want: "F\nset k v nx"},
		{argv: "set k v nx vx u", want: "eval setvx 1 k 1700000000000 u v"},
		{argv: "set k v vx u", want: "eval setvx 1 k 1700000000000 u v"},
		{argv: "set k v ex 9 VX u", want: "eval setvx 1 k 1700000000000 u v 1700000009000"},
		{argv: "getset k v", want: "set k v"},
		{argv: "setnx k v", want: "F\nsetnx k v"},
		{argv: "msetnx k v l w", want: "eval forget 2 k l 1700000000000\nmsetnx k v l w"},
		{argv: "mset k v l w", want: "mset k v l w"},
		{argv: "setex k 100 v", want: "set k v pxat 1700000100000"},
		{argv: "setex k -1 v", want: "set k v"},
		{argv: "pksetexat k 1795361730 v", want: "set k v exat 1795361730"},
		{argv: "pksetexat k 1795361730123 v", want: "set k v pxat 1795361730123"},
		{argv: "pksetexat k 0 v", has: decode.HasServerID, want: "set k v"},
		{argv: "pksetexat k 1 v", want: "set k v exat 1"},
		{argv: "pksetexat k -5 v", want: "del k"},
		{argv: "del k l", want: "del k l"},
		{argv: "delvx k v", want: "eval delvx 1 k 1700000000000 v"},
		{argv: "pkpatternmatchdel k*", want: "eval match 0 k*"},
		{argv: "pkpatternmatchdel k* HASH", want: "eval match 0 k* hash"},
		{argv: "pkpatternmatchdel k* 100", want: "eval match 0 k*"},
		{argv: "flushdb", want: "flushdb"},
		{argv: "flushdb hash", want: "eval match 0 * hash"},
		{argv: "flushall", want: "flushall"},
		{argv: "expireat k 1795361730", want: "eval expire 1 k 1700000000000 1795361730000"},
		{argv: "expireat k -9223372036854775809", want: "eval expire 1 k 1700000000000 0"},
		{argv: "expireat k 9223372036854775807", want: "eval expire 1 k 1700000000000 4503599627370495"},
		{argv: "expire k 010", want: "eval expire 1 k 1700000000000 1700000010000"},
		{argv: "persist k", want: "F\npersist k"},
		{argv: "HSET k f v", want: "F\nHSET k f v"},
		{argv: "setbit k 7 1", want: "eval setbit 1 k 1700000000000 7 1"},
		{argv: "setbit k 7 1", has: drops, want: "eval setbit 1 k 1700000000000 7 1 1"},
		{argv: "setrange k 7 v", want: "F\nsetrange k 7 v"},
		{argv: "setrange k 7 v", has: drops, want: "F\nsetrange k 7 v\npersist k"},
		{argv: "hsetnx k f v", want: "F\nhsetnx k f v"},
		{argv: "hsetnx k f v", before30: old, has: drops, want: "P\neval hsetnx 1 k 1700000000000 f v\nU"},
		{argv: "hdel k f g", before30: old, has: drops, want: "P\neval hdel 1 k 1700000000000 f g\nU"},
		{argv: "hset k f v", before30: old, want: "P\nhset k f v\nU"},
		{argv: "setbit k 7 1", before30: old, want: "eval setbit 1 k 1700000000000 7 1"},
		{argv: "del k l", before30: old, want: "del k l\ndel __pikabin:deadline{k} __pikabin:deadline{l}"},
		{argv: "del a{b}c {}d e{f", before30: old, want: "del a{b}c {}d e{f\ndel __pikabin:deadline:a{b}c __pikabin:deadline{{}d} __pikabin:deadline{e{f}"},
		{argv: "incr k", want: "eval incr 1 k 1700000000000 incr k"},
		{argv: "DECRBY k 5", want: "eval incr 1 k 1700000000000 DECRBY k 5"},
		{argv: "zremrangebylex k - (b", want: "eval lex 1 k 1700000000000 - (b"},
		{argv: "xadd k nomkstream MAXLEN ~ 5 limit 9 1-1 f v", want: "F\neval tidy 1 k\nxadd k nomkstream MAXLEN 5 1-1 f v"},
		{argv: "xadd k 1-1 ~ limit", want: "F\neval tidy 1 k\nxadd k 1-1 ~ limit"},
		{argv: "xtrim k minid ~ 5 LIMIT 9", want: "F\nxtrim k minid 5"},
		{argv: "xtrim k minid = 5", want: "F\nxtrim k minid = 5"},
		{argv: "xdel k 1-1 2-1", want: "F\nxdel k 1-1 2-1"},
		{argv: "zadd k 1 a", want: "F\nzadd k 1 a"},
		{argv: "zadd k nx 1 a 2 b 3 a", want: "F\nzadd k nx 3 a 2 b 1 a"},
		{argv: "zadd k 1 a 2 a", before30: old, want: "P\nzadd k 1 a 2 a\nU"},
		{argv: "rpoplpush k d", want: "eval forget 2 k d 1700000000000\nrpoplpush k d"},
		{argv: "rpoplpush k d", before30: old, has: drops, want: "eval park 2 k d 1700000000000\neval move 2 k d 1700000000000\neval unpark 2 k d"},
		{argv: "sunionstore d a b", has: drops, want: "eval forget 3 d a b 1700000000000\nsunionstore d a b"},
		{argv: "sunionstore d a b", before30: old, want: "eval park 3 d a b 1700000000000\nsunionstore d a b\neval unpark 3 d a b"},
		{argv: "zunionstore d 2 a b weights 1 2", has: drops, want: "eval forget 3 d a b 1700000000000\nzunionstore d 2 a b weights 1 2"},
		{argv: "zinterstore d 9 a", has: drops, want: "eval forget 1 d 1700000000000\nzinterstore d 9 a"},
		{argv: "zinterstore d 1 a", before30: old, want: "eval park 2 d a 1700000000000\neval unpark 2 d a"},
		{argv: "bitop not d a", has: drops, want: "eval forget 2 d a 1700000000000\nbitop not d a\neval empty 1 d"},
		{argv: "pfadd k a", want: "F\npfadd k a\npersist k"},
		{argv: "pfadd k", want: "F\ndel k\npfadd k\npersist k"},
		{argv: "pfmerge k l", want: "eval forget 2 k l 1700000000000\npfmerge k l\npersist k"},
		{argv: "blpop k 0", want: ""},
		{argv: "padding x", want: ""},
	} {
		enc := NewRedis(Options{})
		var stream []byte
		for _, c := range logged(test.before30, test.has, strings.Fields(test.argv)...) {
			stream = enc.AppendChange(stream, c)
		}
		want := strings.NewReplacer(
			"F", "eval forget 1 k 1700000000000", "P", "eval park 1 k 1700000000000", "U", "eval unpark 1 k",
		).Replace(test.want)
		if diff := cmp.Diff(want, words(t, stream)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.argv, diff)
		}
	}
}

// TestRedisDoubts has the commands that cannot be done again, and some that can.
func TestRedisDoubts(t *testing.T) {
	for argv, want := range map[string]bool{
		"SPOP k": true, "XADD k * f v": true, "BRPOP k 0": true, "FLUSHDB stream": true, "FLUSHDB list": true,
		"SET k v": false, "INCR k": false, "DELVX k v": false, "PKPATTERNMATCHDEL k*": false, "PADDING x": false,
		"SETRANGE k 536870912 v": true, "SETRANGE k 536870911 v": false, "SETBIT k 4294967296 1": true, "SETBIT k 4294967295 1": false,
		"INCRBYFLOAT k inf": true, "DECRBY k -9223372036854775808": true, "ZINCRBY k inf m": false,
	} {
		if got := NewRedis(Options{}).Doubt(logged(false, 0, strings.Fields(argv)...)[0]); (got != "") != want {
			t.Errorf("%s: %q", argv, got)
		}
	}
	var unknown decode.Change
	decode.BuildOther(&unknown, [][]byte{[]byte("360custom"), []byte("k")})
	if NewRedis(Options{}).Doubt(&unknown) == "" {
		t.Error("nothing is said of a command that is not known")
	}
}

// TestRedisKeepsNothing: an encoder that is kept holds on to no memory of a change, and takes none.
func TestRedisKeepsNothing(t *testing.T) {
	enc := NewRedis(Options{})
	for _, argv := range []string{"HSET k f v", "SETBIT k 7 1", "SUNIONSTORE d a b", "EXPIREAT k 1795361730", "ZADD k 1 a 2 b"} {
		c := logged(false, 0, strings.Fields(argv)...)[0]
		dst := enc.AppendChange(nil, c)
		if n := testing.AllocsPerRun(100, func() { dst = enc.AppendChange(dst[:0], c) }); n != 0 {
			t.Errorf("%s: %v allocations", argv, n)
		}
		for _, key := range enc.keys[:cap(enc.keys)] {
			if key != nil {
				t.Errorf("%s: keeps %q", argv, key)
			}
		}
	}
}
