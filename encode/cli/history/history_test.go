package history_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"

	"pikabin/decode"
	"pikabin/encode/cli/history"
	"pikabin/encode/sink"
	"pikabin/proto"
)

// told gives the lines about some events of one log, without the spaces of columns.
func told(t *testing.T, o *history.Output, out *bytes.Buffer, events ...*proto.Change) string {
	t.Helper()
	log := &decode.Log{DB: "db0", Slot: -1}
	for _, e := range events {
		data, err := protobuf.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		o.Write(t.Context(), &sink.Batch{Log: log, Data: data, Messages: []sink.Message{{End: len(data)}}}, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := o.Finish(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n")
}

// at is an event of a second of the first minute of 1970, at an offset of as many bytes.
func at(second int64, cmd string, op proto.Op, change func(*proto.Change)) *proto.Change {
	c := &proto.Change{Db: "db0", Offset: uint64(second), Ts: &second, Cmd: cmd, Op: op, Key: []byte("k")}
	if change != nil {
		change(c)
	}
	return c
}

func expires(second int64) func(*proto.Change) {
	ms := second * 1000
	return func(c *proto.Change) { c.ExpireAtMs = &ms }
}

func arguments(args ...string) func(*proto.Change) {
	return func(c *proto.Change) {
		c.Key = nil
		for _, arg := range args {
			c.Args = append(c.Args, []byte(arg))
		}
	}
}

// TestHistory tells of deadlines that pass, of flushes that can have deleted a key, and of nothing that does not concern it.
func TestHistory(t *testing.T) {
	tests := map[string]struct {
		until  int64
		events []*proto.Change
		want   string
	}{
		"a deadline passes between two events": {
			until: 60,
			events: []*proto.Change{
				at(1, "setex", proto.Op_OP_SET, expires(5)), at(9, "set", proto.Op_OP_SET, expires(0)),
			},
			want: `1970-01-01 00:00:01 +0000 db0 0:1 setex set to "", expires 1970-01-01 00:00:05 +0000
1970-01-01 00:00:05 +0000 db0 - - its deadline passed
1970-01-01 00:00:09 +0000 db0 0:9 set set to ""`,
		},
		"a deadline passes after the last event": {
			until:  60,
			events: []*proto.Change{at(1, "expire", proto.Op_OP_EXPIRE, expires(60))},
			want: `1970-01-01 00:00:01 +0000 db0 0:1 expire given a deadline, expires 1970-01-01 00:01:00 +0000
1970-01-01 00:01:00 +0000 db0 - - its deadline passed`,
		},
		"a deadline that is still to come": {
			until:  59,
			events: []*proto.Change{at(1, "expire", proto.Op_OP_EXPIRE, expires(60))},
			want:   `1970-01-01 00:00:01 +0000 db0 0:1 expire given a deadline, expires 1970-01-01 00:01:00 +0000`,
		},
		"what moves a deadline": {
			until: 60,
			events: []*proto.Change{
				at(1, "expire", proto.Op_OP_EXPIRE, expires(5)), at(2, "persist", proto.Op_OP_PERSIST, expires(0)),
				at(6, "expire", proto.Op_OP_EXPIRE, expires(8)), at(7, "del", proto.Op_OP_DELETE, nil),
			},
			want: `1970-01-01 00:00:01 +0000 db0 0:1 expire given a deadline, expires 1970-01-01 00:00:05 +0000
1970-01-01 00:00:02 +0000 db0 0:2 persist deadline taken away
1970-01-01 00:00:06 +0000 db0 0:6 expire given a deadline, expires 1970-01-01 00:00:08 +0000
1970-01-01 00:00:07 +0000 db0 0:7 del deleted`,
		},
		"a flush of what is gone already": {
			until: 60,
			events: []*proto.Change{
				at(1, "set", proto.Op_OP_SET, expires(30)), at(2, "flushdb", proto.Op_OP_FLUSH, arguments()), at(3, "flushdb", proto.Op_OP_FLUSH, arguments()),
			},
			want: `1970-01-01 00:00:01 +0000 db0 0:1 set set to "", expires 1970-01-01 00:00:30 +0000
1970-01-01 00:00:02 +0000 db0 0:2 flushdb all keys of the DB deleted`,
		},
		"a delete without names of a key that is named later, if at all": {
			until: 60,
			events: []*proto.Change{
				at(1, "pkpatternmatchdel", proto.Op_OP_DELETE, arguments("k*", "set")), at(2, "flushdb", proto.Op_OP_FLUSH, arguments()),
				at(3, "flushdb", proto.Op_OP_FLUSH, arguments()), at(4, "set", proto.Op_OP_SET, nil), at(5, "flushdb", proto.Op_OP_FLUSH, arguments()),
			},
			want: `1970-01-01 00:00:01 +0000 db0 0:1 pkpatternmatchdel keys deleted that match "k*" "set" (the key, too, if it was there: no event before names it)
1970-01-01 00:00:02 +0000 db0 0:2 flushdb all keys of the DB deleted (the key, too, if it was there: no event before names it)
1970-01-01 00:00:04 +0000 db0 0:4 set set to ""
1970-01-01 00:00:05 +0000 db0 0:5 flushdb all keys of the DB deleted`,
		},
		"commands that do not concern the key": {
			until: 60,
			events: []*proto.Change{
				at(1, "pkpatternmatchdel", proto.Op_OP_DELETE, arguments("other*", "set")), at(2, "pkpatternmatchdel", proto.Op_OP_DELETE, arguments("[k]", "set")),
				at(3, "rename", proto.Op_OP_OTHER, arguments("a", "b")), at(4, "rename", proto.Op_OP_OTHER, arguments("k", "b")),
			},
			want: `1970-01-01 00:00:02 +0000 db0 0:2 pkpatternmatchdel keys deleted that match "[k]" "set" (the key, too, if it was there: no event before names it)
1970-01-01 00:00:04 +0000 db0 0:4 rename with the arguments "k" "b"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			o := history.New(&out, []string{"k"})
			o.Zone, o.Until = time.UTC, time.Unix(tt.until, 0)
			if diff := cmp.Diff(tt.want, told(t, o, &out, tt.events...)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnnamed tells keys that events name, as theirs or among their arguments, from those that they do not.
func TestUnnamed(t *testing.T) {
	var out bytes.Buffer
	o := history.New(&out, []string{"a", "k", "source"})
	o.Zone = time.UTC
	if diff := cmp.Diff([]string{"a", "k", "source"}, o.Unnamed()); diff != "" {
		t.Errorf("before all events (-want +got):\n%s", diff)
	}
	store := at(2, "rpoplpush", proto.Op_OP_STORE, nil)
	store.Args = [][]byte{[]byte("source")}
	told(t, o, &out, at(1, "flushdb", proto.Op_OP_FLUSH, arguments()), at(1, "pkpatternmatchdel", proto.Op_OP_DELETE, arguments("a", "set")), store)
	if diff := cmp.Diff([]string{"a"}, o.Unnamed()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "(these keys, too, if they were there: no event before names one)"; strings.Count(out.String(), want) != 2 {
		t.Errorf("not twice %q:\n%s", want, out.String())
	}
}
