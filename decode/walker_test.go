package decode_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// walkable is a log of ten records, with the change made to the bytes of it.
func walkable(change func(w []binlogtest.Want, b []byte)) (b []byte, span decode.Span, records []binlogtest.Want) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 10 {
		w.Command("SET", fmt.Sprintf("key:%d", i), "value")
	}
	b, records = w.Bytes(0), w.Records()
	change(records, b)
	span = decode.Span{Log: &decode.Log{DB: "db0"}, Generation: decode.G5, Exact: true, End: int64(len(b)), Limit: int64(len(b))}
	return b, span, records
}

func newWalker(t *testing.T, skip bool) *decode.Walker {
	t.Helper()
	return &decode.Walker{Decoder: newDecoder(t, decode.DecoderOptions{}), Skip: skip}
}

// TestWalker harms records in several ways, and wants of each which records come, which ranges are lost, and what is
// left to the chain.
func TestWalker(t *testing.T) {
	header := func(numbers ...int) func([]binlogtest.Want, []byte) {
		return func(w []binlogtest.Want, b []byte) {
			for _, i := range numbers {
				b[w[i].Offset+7] = 9
			}
		}
	}
	content := func(numbers ...int) func([]binlogtest.Want, []byte) {
		return func(w []binlogtest.Want, b []byte) {
			for _, i := range numbers {
				b[w[i].Offset+8] = 9
			}
		}
	}
	for _, test := range []struct {
		name   string
		change func(w []binlogtest.Want, b []byte)
		open   bool

		records         string
		lost            [][2]int // numbers of records, from the begin of one to the begin of the other
		first, last     int      // the records whose begin Piece gives
		head, err, torn bool
	}{
		{name: "nothing", change: header(), records: "0123456789", last: 10},
		{name: "a header", change: header(4), records: "012356789", lost: [][2]int{{4, 5}}, last: 10},
		{name: "two headers", change: header(4, 5), records: "01236789", lost: [][2]int{{4, 6}}, last: 10},
		{name: "the first header", change: header(0), records: "123456789", first: 1, last: 10, head: true},
		{name: "the last header", change: header(9), records: "012345678", last: 9, err: true},
		{name: "a content", change: content(4), records: "012356789", lost: [][2]int{{4, 5}}, last: 10},
		{name: "the first content", change: content(0), records: "123456789", lost: [][2]int{{0, 1}}, last: 10},
		{
			name: "a header and the content after it",
			change: func(w []binlogtest.Want, b []byte) {
				header(3)(w, b)
				content(5)(w, b)
			},
			records: "01246789", lost: [][2]int{{3, 4}, {5, 6}}, last: 10,
		},
		{
			name: "the last content, zeros, in an open log", open: true,
			change:  func(w []binlogtest.Want, b []byte) { clear(b[w[9].Offset+20:]) },
			records: "012345678", last: 9, err: true, torn: true,
		},
		{
			name:    "the last content, zeros, in a log whose end is known",
			change:  func(w []binlogtest.Want, b []byte) { clear(b[w[9].Offset+20:]) },
			records: "012345678", lost: [][2]int{{9, 10}}, last: 10,
		},
		{
			name: "zeros from a header on, in an open log", open: true,
			change:  func(w []binlogtest.Want, b []byte) { clear(b[w[7].Offset+3:]) },
			records: "0123456", last: 7, err: true, torn: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, span, records := walkable(test.change)
			span.Open = test.open
			begin := func(i int) int64 {
				if i == len(records) {
					return records[i-1].End
				}
				return records[i].Offset
			}
			var got []byte
			var lost, want [][2]int64
			w := newWalker(t, true)
			w.Lost = func(l decode.Lost) { lost = append(lost, [2]int64{l.From.Offset, l.To.Offset}) }
			for _, l := range test.lost {
				want = append(want, [2]int64{begin(l[0]), begin(l[1])})
			}
			w.Reset(bytes.NewReader(b), span)
			for w.Next() {
				key := string(w.Decoder.Entries()[0].Argv[1])
				got = append(got, key[len(key)-1])
			}
			if diff := cmp.Diff(test.records, string(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want, lost); diff != "" {
				t.Error(diff)
			}
			p, err := w.Coverage()
			if err != nil || p.First != begin(test.first) || p.Last != begin(test.last) || (p.HeadErr != nil) != test.head ||
				(p.Err != nil) != test.err || p.Torn != test.torn {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// TestWalkerThatStops stops at damage, or in front of a record: that one is not part of the piece.
func TestWalkerThatStops(t *testing.T) {
	for name, at := range map[string]int64{"header": 7, "content": 8} {
		b, span, records := walkable(func(w []binlogtest.Want, b []byte) { b[w[4].Offset+at] = 9 })
		w := newWalker(t, false)
		w.Lost = func(l decode.Lost) { t.Errorf("%s: %v", name, &l) }
		w.Reset(bytes.NewReader(b), span)
		for i := range 3 {
			if !w.Next() {
				t.Fatalf("%s: no record %d", name, i)
			}
		}
		if p, err := w.Coverage(); err != nil || p.Last != records[2].Offset || p.Err != nil {
			t.Errorf("%s: in front of the third record: %+v, %v", name, p, err)
		}
		for w.Next() {
		}
		if p, err := w.Coverage(); err != nil || p.Last != records[4].Offset || p.Err == nil {
			t.Errorf("%s: at the damage: %+v, %v", name, p, err)
		}
		got, err := w.Fence()
		want, _ := decode.NewFence(bytes.NewReader(b), records[3].Offset, records[4].Offset, decode.G5)
		if err != nil || got != want {
			t.Errorf("%s: fence %+v, %v, want %+v", name, got, err, want)
		}
	}
}

// TestWalkerFailures tells what says nothing about the log from damage.
func TestWalkerFailures(t *testing.T) {
	failure := errors.New("no such luck")
	_, span, _ := walkable(func([]binlogtest.Want, []byte) {})
	w := newWalker(t, true)
	w.Reset(readerFunc(func([]byte, int64) (int, error) { return 0, failure }), span)
	if w.Next() {
		t.Error("a record")
	}
	if p, err := w.Coverage(); !errors.Is(err, failure) || p.Err != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

type readerFunc func(b []byte, offset int64) (int, error)

func (f readerFunc) ReadAt(b []byte, offset int64) (int, error) { return f(b, offset) }

func TestWalkerAllocatesNothing(t *testing.T) {
	b, span, _ := walkable(func([]binlogtest.Want, []byte) {})
	w, src := newWalker(t, true), bytes.NewReader(b)
	if n := testing.AllocsPerRun(10, func() {
		w.Reset(src, span)
		for w.Next() {
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTornOrDamaged ends an open log with a header of a fragment and zeros: one whose type is not there yet is what a writer was at, and one with
// a type that there is not is damage, whatever the size of headers.
func TestTornOrDamaged(t *testing.T) {
	for g, size := range map[decode.Generation]int{decode.G0: 4, decode.G5: 8} {
		for kind, torn := range map[byte]bool{0: true, 9: false} {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
			w.Command("SET", "k", "v")
			header := make([]byte, size)
			header[0], header[size-1] = 1, kind
			b := append(append(w.Bytes(0), header...), make([]byte, 100)...)
			walker := newWalker(t, false)
			end := int64(len(b))
			walker.Reset(bytes.NewReader(b), decode.Span{Log: &decode.Log{DB: "db0"}, Generation: g, Exact: true, Open: true, End: end, Limit: end})
			for walker.Next() {
			}
			if p, err := walker.Coverage(); err != nil || p.Torn != torn || p.Err == nil {
				t.Errorf("G%d, type %d: torn %t, %v, %v", g-decode.G0, kind, p.Torn, p.Err, err)
			}
		}
	}
}
