package decode_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

const block = decode.BlockSize

var generations = []decode.Generation{decode.G0, decode.G1, decode.G2, decode.G3, decode.G4, decode.G5}

func nameOf(g decode.Generation) string { return fmt.Sprintf("G%d", g-decode.G0) }

func headerSize(g decode.Generation) int64 {
	if g == decode.G0 {
		return 4
	}
	return 8
}

// whole is all of a finished segment 0.
func whole(g decode.Generation, b []byte) decode.Span {
	n := int64(len(b))
	return decode.Span{Log: &decode.Log{DB: "db0", Slot: -1}, End: n, Limit: n, Final: true, Exact: true, Generation: g}
}

// scan reads a span to its end, with a copy of each payload.
func scan(s *decode.Scanner, src io.ReaderAt, span decode.Span) ([]decode.Record, error) {
	s.Reset(src, span)
	var list []decode.Record
	for {
		var rec decode.Record
		if err := s.Next(&rec); err != nil {
			return list, err
		}
		rec.Payload = slices.Clone(rec.Payload)
		list = append(list, rec)
	}
}

// mustScan is scan for what has to end in io.EOF.
func mustScan(t *testing.T, b []byte, span decode.Span) []decode.Record {
	t.Helper()
	list, err := scan(new(decode.Scanner), bytes.NewReader(b), span)
	if err != io.EOF {
		t.Fatalf("span %d to %d: %v", span.Begin, span.End, err)
	}
	return list
}

// wanted is what a scanner has to make of a writer's records.
func wanted(g decode.Generation, list []binlogtest.Want) []decode.Record {
	var records []decode.Record
	for _, w := range list {
		r := decode.Record{
			Offset: w.Offset, End: w.End, Time: w.Time, Fragments: max(w.Fragments, 1),
			HeaderSize: headerSize(g), Filler: w.Kind == binlogtest.KindFiller, Payload: w.Payload,
		}
		records = append(records, r)
	}
	return records
}

func sameRecord(a, b *decode.Record) bool {
	return a.Offset == b.Offset && a.End == b.End && a.Time == b.Time && a.Fragments == b.Fragments &&
		a.HeaderSize == b.HeaderSize && a.Filler == b.Filler && bytes.Equal(a.Payload, b.Payload)
}

// compare reports the first record that differs.
func compare(t *testing.T, what string, want, got []decode.Record) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if !sameRecord(&want[i], &got[i]) {
			t.Fatalf("%s: record %d (-want +got):\n%s", what, i, cmp.Diff(brief(&want[i]), brief(&got[i])))
		}
	}
	if len(want) != len(got) {
		t.Fatalf("%s: %d records, want %d", what, len(got), len(want))
	}
}

// brief is a record with a payload that fits a message.
func brief(r *decode.Record) decode.Record {
	c := *r
	if len(c.Payload) > 100 {
		c.Payload = fmt.Appendf(nil, "%d bytes from %q", len(c.Payload), c.Payload[:60])
	}
	return c
}

// endingBy are the records that end by n.
func endingBy(list []decode.Record, n int64) []decode.Record {
	i := slices.IndexFunc(list, func(r decode.Record) bool { return r.End > n })
	if i < 0 {
		return list
	}
	return list[:i]
}

// mixed writes records of all shapes that a generation has, of a bit more than a block in all, or with
// some of megabytes if large.
func mixed(g decode.Generation, large bool) *binlogtest.Writer {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
	for i := range 40 {
		w.Command("SET", fmt.Sprintf("key%d", i), strings.Repeat("v", i*13))
		w.Advance(1)
	}
	for _, left := range []int{8, 0, 4, 7, 3, 9} {
		w.Fill(left)
		w.Command("HMSET", "h", "f", "\x00\x01\x02", "g", "")
	}
	switch g {
	case decode.G2, decode.G3:
		w.Commands([]string{"set", "a", "1"}, []string{"set", "b", "2"}, []string{"set", "c", "3"})
	case decode.G4:
		w.Empty()
		w.Padding(70, binlogtest.Put{})
	case decode.G5:
		w.Padding(70, binlogtest.Put{})
	default:
	}
	w.Command("SET", "wide", strings.Repeat("w", 3*block))
	if large {
		w.Command("SET", "wider", strings.Repeat("0123456789", 250_000))
		w.Command("INCR", "k")
		w.Command("RPUSH", "l", strings.Repeat("x", 1<<20), strings.Repeat("y", 1<<20))
	}
	w.Command("DEL", "key1", "key2")
	w.Command("INCR", "k")
	return w
}
