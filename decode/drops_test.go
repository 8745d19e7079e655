package decode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestDroppedDeadlines has for each command the versions whose servers drop a deadline that it says nothing of, and whether they do so
// only where it has an effect.
func TestDroppedDeadlines(t *testing.T) {
	versions := []struct {
		name       string
		generation decode.Generation
		before35   bool
	}{
		{"2.0", decode.G0, false},
		{"2.2", decode.G1, false},
		{"2.3", decode.G2, false},
		{"3.2", decode.G3, false},
		{"3.4", decode.G4, true},
		{"3.5 or not known", decode.G4, false},
		{"4.0", decode.G5, false},
	}
	const all, old, items, since30, none = "2.0 2.2 2.3 3.2 3.4 3.5 4.0", "2.0 2.2 2.3", "3.2 3.4", "3.2 3.4 3.5 4.0", ""
	for _, test := range []struct{ command, drops, effect string }{
		{"BITOP AND d a b", all, "relative"},
		{"SUNIONSTORE d a", since30, "relative"},
		{"SINTERSTORE d a", since30, "relative"},
		{"SDIFFSTORE d a", since30, "relative"},
		{"ZUNIONSTORE d 1 a", since30, "relative"},
		{"ZINTERSTORE d 1 a", since30, "relative"},
		{"SETRANGE k 3 v", items, "exact"},
		{"SETBIT k 3 1", old + " " + items, "relative"},
		{"HSETNX k f v", old, "relative"},
		{"HDEL k f", old, "relative"},
		{"RPOPLPUSH s d", old, "relative"},
		{"APPEND k v", none, ""},
		{"HSET k f v", none, ""},
		{"SMOVE s d m", none, ""},
		{"INCR k", none, ""},
	} {
		for _, version := range versions {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: version.generation})
			w.Command(strings.Fields(test.command)...)
			b := w.Bytes(0)
			span := whole(version.generation, b)
			span.Before35 = version.before35
			records := mustScan(t, b, span)
			d := newDecoder(t, decode.DecoderOptions{})
			if err := d.Decode(&span, &records[0]); err != nil {
				t.Fatal(err)
			}
			c := garbage()
			d.Next(&c)
			var got string
			if c.Has&decode.HasExpireAt != 0 {
				got = fmt.Sprintf("%d %v%v", c.ExpireAt, c.Effect, c.Precision)
			}
			want := ""
			if strings.Contains(test.drops, version.name[:3]) {
				want = "0 " + test.effect
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", test.command, version.name, diff)
			}
		}
	}
}
