package resp_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/formats"
	"pikabin/formats/formattest"
	"pikabin/formats/resp"
)

var log = &decode.Log{DB: "db0", Slot: -1}

func TestConformance(t *testing.T) {
	formattest.Suite{Format: "resp", Command: readCommand}.Run(t)
	formattest.Suite{Format: "redis"}.Run(t)
}

// readCommand reads an array of bulk strings.
func readCommand(t *testing.T, message []byte) [][]byte {
	t.Helper()
	number := func(sign string) (n int) {
		head, rest, _ := bytes.Cut(message, []byte("\r\n"))
		if _, err := fmt.Sscanf(string(head), sign+"%d", &n); err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		message = rest
		return n
	}
	var argv [][]byte
	for range number("*") {
		n := number("$")
		argv, message = append(argv, message[:n]), message[n+2:]
	}
	if len(message) > 0 {
		t.Fatalf("%q follows the command", message)
	}
	return argv
}

// respText is a command as RESP.
func respText(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}

// parts are the changes of a command with several keys, each followed by width-1 arguments.
func parts(width int, args ...string) []*decode.Change {
	var changes []*decode.Change
	for i := 1; i < len(args); i += width {
		c := &decode.Change{Log: log, Op: decode.OpDelete, Cmd: strings.ToLower(args[0]), Argv: formattest.Argv(args...)}
		c.Key, c.KeyIndex = c.Argv[i], (i-1)/width
		if width == 2 {
			c.Op, c.Value = decode.OpSet, c.Argv[i+1]
		}
		changes = append(changes, c)
	}
	return changes
}

// inSlot moves changes to the log of a slot.
func inSlot(changes []*decode.Change) []*decode.Change {
	for _, c := range changes {
		c.Log = &decode.Log{DB: "db0", Slot: 3, Slots: 8}
	}
	return changes
}

func TestRESPMultiKey(t *testing.T) {
	tests := []struct {
		name    string
		changes []*decode.Change
		opts    formats.Options
		want    string
	}{
		{"del whole", parts(1, "DEL", "a", "b", "c"), formats.Options{}, respText("DEL", "a", "b", "c")},
		{"mset whole", parts(2, "mset", "a", "1", "b", "2"), formats.Options{}, respText("mset", "a", "1", "b", "2")},
		{"del split", parts(1, "DEL", "a", "b"), formats.Options{SplitKeys: true}, respText("DEL", "a") + respText("DEL", "b")},
		{"unlink split, first part filtered", parts(1, "unlink", "a", "b")[1:], formats.Options{SplitKeys: true}, respText("unlink", "b")},
		{"mset split", parts(2, "mset", "a", "1", "b", ""), formats.Options{SplitKeys: true}, respText("mset", "a", "1") + respText("mset", "b", "")},
		{"msetnx split", parts(2, "MSETNX", "a", "1", "b", "2"), formats.Options{SplitKeys: true}, respText("MSETNX", "a", "1") + respText("MSETNX", "b", "2")},
		{"del of which one key is in the slot", inSlot(parts(1, "del", "a", "b")[1:]), formats.Options{}, respText("del", "b")},
		{"one key, split", parts(1, "del", "a"), formats.Options{SplitKeys: true}, respText("del", "a")},
	}
	for _, name := range []string{"resp", "redis"} {
		format, _ := formats.Lookup(name)
		for _, test := range tests {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				enc := format.New(test.opts)
				var got []byte
				for _, c := range test.changes {
					got = enc.AppendChange(got, c)
				}
				if string(got) != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		}
	}
}

func TestRESPArgumentLengths(t *testing.T) {
	enc := resp.New(resp.Options{})
	for n := range 1200 {
		arg := strings.Repeat("x", n)
		got := enc.AppendChange(nil, &decode.Change{Log: log, Cmd: "set", Argv: formattest.Argv("set", "k", arg)})
		if want := respText("set", "k", arg); string(got) != want {
			t.Fatalf("%d bytes: got %q, want %q", n, got, want)
		}
	}
}

func TestAppendSwitch(t *testing.T) {
	tests := []struct{ db, want, err string }{
		{db: "db0", want: respText("SELECT", "0")},
		{db: "db15", want: respText("SELECT", "15")},
		{db: "db", err: `selecting "db": a client selects a DB by number`},
		{db: "db01", err: `selecting "db01"`},
		{db: "db-1", err: `selecting "db-1"`},
		{db: "0", err: `selecting "0"`},
		{db: "table1", err: `selecting "table1"`},
		{db: "db99999999999", err: `selecting "db99999999999"`},
	}
	for _, name := range []string{"resp", "redis"} {
		format, _ := formats.Lookup(name)
		for _, test := range tests {
			got, err := format.New(formats.Options{}).(formats.Switcher).AppendSwitch([]byte("x"), test.db)
			if string(got) != "x"+test.want || !strings.Contains(fmt.Sprint(err), test.err) || (err != nil) != (test.err != "") {
				t.Errorf("%s: AppendSwitch(%q) = %q, %v", name, test.db, got, err)
			}
		}
	}
}

// deadline is a command with the deadline that the decoder finds in it.
func deadline(at int64, precision decode.Precision, args ...string) *decode.Change {
	return &decode.Change{
		Log: log, Op: decode.OpSet, Cmd: strings.ToLower(args[0]), Argv: formattest.Argv(args...),
		Has: decode.HasExpireAt, ExpireAt: at, Precision: precision,
	}
}

func TestRedisWords(t *testing.T) {
	const s, ms, derived = decode.PrecisionSeconds, decode.PrecisionMillis, decode.PrecisionDerived
	flush := func(args ...string) *decode.Change {
		return &decode.Change{Log: log, Op: decode.OpFlush, Cmd: strings.ToLower(args[0]), Argv: formattest.Argv(args...)}
	}
	tests := []struct {
		name string
		c    *decode.Change
		want []string
	}{
		{"pksetexat in seconds", deadline(1795361730000, s, "pksetexat", "k", "1795361730", "v"), []string{"set", "k", "v", "exat", "1795361730"}},
		{"pksetexat in milliseconds", deadline(1795361730123, ms, "PKSETEXAT", "k", "1795361730123", "v"), []string{"set", "k", "v", "pxat", "1795361730123"}},
		{"pksetexat without a deadline", deadline(0, decode.PrecisionNone, "pksetexat", "k", "0", ""), []string{"set", "k", ""}},
		{"pksetexat, past", deadline(1000, s, "pksetexat", "k", "1", "v"), []string{"set", "k", "v", "exat", "1"}},
		{"pksetexat, negative", deadline(-5000, s, "pksetexat", "k", "-5", "v"), []string{"del", "k"}},
		{"setex", deadline(1795361730000, derived, "setex", "k", "100", "v"), []string{"set", "k", "v", "pxat", "1795361730000"}},
		{"psetex", deadline(1795361730500, derived, "PSETEX", "k", "100500", "v"), []string{"set", "k", "v", "pxat", "1795361730500"}},
		{"setex, long gone", deadline(-1, derived, "setex", "k", "100", "v"), []string{"del", "k"}},
		{"setex without a deadline", deadline(0, decode.PrecisionNone, "setex", "k", "-1", "v"), []string{"set", "k", "v"}},
		{"set ex", deadline(1795361730000, derived, "SET", "k", "v", "EX", "100"), []string{"SET", "k", "v", "pxat", "1795361730000"}},
		{"set nx px", deadline(1795361730000, derived, "set", "k", "ex", "nx", "Px", "100"), []string{"set", "k", "ex", "nx", "pxat", "1795361730000"}},
		{"set px xx", deadline(1795361730000, derived, "set", "k", "v", "px", "100", "XX"), []string{"set", "k", "v", "pxat", "1795361730000", "XX"}},
		{"set without options", deadline(0, decode.PrecisionNone, "set", "k", "v"), []string{"set", "k", "v"}},
		{"set ex without a deadline", deadline(0, decode.PrecisionNone, "set", "k", "v", "ex", "0", "nx"), []string{"set", "k", "v", "nx"}},
		{"set vx", deadline(0, decode.PrecisionNone, "set", "k", "v", "vx", "old"), []string{"set", "k", "v", "vx", "old"}},
		{"set ex, negative", deadline(-1, derived, "set", "k", "v", "ex", "1"), []string{"del", "k"}},
		{"expire", deadline(1795361730000, derived, "expire", "k", "100"), []string{"pexpireat", "k", "1795361730000"}},
		{"pexpire, negative", deadline(-7, derived, "pexpire", "k", "-9"), []string{"pexpireat", "k", "-7"}},
		{"expireat", deadline(1795361730000, s, "expireat", "k", "1795361730"), []string{"expireat", "k", "1795361730"}},
		{"expire of unknown time", &decode.Change{Log: log, Op: decode.OpExpire, Cmd: "expire", Argv: formattest.Argv("expire", "k", "9")}, []string{"expire", "k", "9"}},
		{"pksetexat with arguments missing", deadline(0, s, "pksetexat", "k"), []string{"pksetexat", "k"}},
		{"flushdb", flush("FLUSHDB"), []string{"flushdb"}},
		{"flushdb renamed", flush("360flushdb"), []string{"flushdb"}},
		{"flushdb of a type", flush("flushdb", "hash"), []string{"flushdb", "hash"}},
		{"flushall", flush("flushall"), []string{"flushall"}},
	}
	enc := resp.NewRedis(resp.Options{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, want := string(enc.AppendChange(nil, test.c)), respText(test.want...); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
