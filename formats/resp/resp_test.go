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
	for _, name := range []string{"resp"} {
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
