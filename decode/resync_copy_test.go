package decode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestCopiesInValues puts whole blocks of the log into values, and damages the headers about them: a record of
// the copy is none of the log, also where headers chain from it to the end of a block.
func TestCopiesInValues(t *testing.T) {
	for g := decode.G2; g <= decode.G5; g++ {
		t.Run(fmt.Sprintf("G%d", g-decode.G0), func(t *testing.T) {
			t.Parallel()
			w, r := mixedLog(g), newSpanReader(t)
			copied := string(w.Segments()[0].Bytes[:3*decode.BlockSize])
			for shift := range 3 {
				w.Command("SET", "copy", copied[shift*30000:])
				w.Command("SET", "behind", "v")
			}
			w.Fill(1000)
			// The last records of the copy reach to the end of this block.
			records := w.Records()
			w.Record([]byte(copied[records[3].Offset : records[3].Offset+1000-8]))
			w.Command("SET", "end", "v")
			for _, rec := range w.Records()[len(records)-7:] {
				for at := rec.Offset; at < rec.End; at += decode.BlockSize - at%decode.BlockSize {
					for _, n := range []int64{1, 8, 60, 5000} {
						d := newDamagedLog(w, g, func(b []byte) {
							for i := range min(n, int64(len(b))-at) {
								b[at+i] ^= 0x55
							}
						})
						d.name = "copies"
						d.records = slices.DeleteFunc(d.records, func(w binlogtest.Want) bool { return w.Kind == binlogtest.KindRaw })
						d.checkInvented(t, r)
					}
				}
			}
		})
	}
}

// checkInvented wants nothing that was not written, of spans of any size the same.
func (d *damagedLog) checkInvented(t *testing.T, r *spanReader) {
	t.Helper()
	first := r.segment(t, d.data, d.span, 1)
	d.checkRecords(t, first)
	for _, blocks := range []int{2, 3, 1 << 20} {
		if diff := first.differs(r.segment(t, d.data, d.span, blocks)); diff != "" {
			t.Errorf("%s: spans of %d blocks: %s", d, blocks, diff)
		}
	}
}

// TestTails reads logs that end in other things than a record. The end of the records is known of the Final ones.
func TestTails(t *testing.T) {
	const block = decode.BlockSize
	for _, test := range []struct {
		name  string
		tail  func(w *binlogtest.Writer)
		final bool
		open  bool
		lost  bool // whatever is after the records
		torn  bool
	}{
		{name: "nothing", tail: func(*binlogtest.Writer) {}},
		{name: "nothing, of a final one", tail: func(*binlogtest.Writer) {}, final: true},
		{name: "a few zeros", tail: func(w *binlogtest.Writer) { w.Tail(make([]byte, 5)) }},
		{name: "blocks of zeros", tail: func(w *binlogtest.Writer) { w.Tail(make([]byte, 4*block+77)) }},
		{name: "zeros where the end is known", tail: func(w *binlogtest.Writer) { w.Tail(make([]byte, 4*block+77)) }, final: true, lost: true},
		{name: "stale bytes", tail: func(w *binlogtest.Writer) { w.Tail([]byte(strings.Repeat("stale", 50000))) }, lost: true},
		{name: "stale bytes after zeros", tail: func(w *binlogtest.Writer) {
			w.Tail(append(make([]byte, 2*block), strings.Repeat("stale", 30000)...))
		}, lost: true},
		{name: "stale bytes between zeros", tail: func(w *binlogtest.Writer) {
			w.Tail(append(append(make([]byte, 2*block), "stale"...), make([]byte, 3*block)...))
		}, lost: true},
		{name: "half a short record", tail: func(w *binlogtest.Writer) { torn(w, 100, 60) }, lost: true},
		{name: "half a short record in an open log", tail: func(w *binlogtest.Writer) { torn(w, 100, 60) }, open: true, torn: true},
		{name: "half a long record", tail: func(w *binlogtest.Writer) { torn(w, 5*block, 4*block) }, lost: true},
		{name: "half a long record in an open log", tail: func(w *binlogtest.Writer) { torn(w, 5*block, 4*block) }, open: true, torn: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for g := decode.G0; g <= decode.G5; g++ {
				w, r := mixedLog(g), newSpanReader(t)
				test.tail(w)
				data := w.Segments()[0].Bytes
				records := w.Records()
				end := records[len(records)-1].End
				var lost []taken
				if test.lost {
					lost = []taken{{from: end, to: int64(len(data))}}
				}
				for _, blocks := range []int{1, 2, 3, 16, 1 << 20} {
					span := decode.Span{Log: &decode.Log{}, Generation: g, Limit: int64(len(data)), Final: test.final, Open: test.open}
					got := r.segment(t, data, span, blocks)
					if len(got.records) != len(records) || !slices.Equal(merged(got.lost), lost) || got.torn != test.torn {
						t.Errorf("G%d in spans of %d blocks: %d records of %d, lost %v, not %v, torn %v",
							g-decode.G0, blocks, len(got.records), len(records), got.lost, lost, got.torn)
					}
				}
			}
		})
	}
}

// torn leaves the first n bytes of a record with a value of the given size.
func torn(w *binlogtest.Writer, size, n int) {
	w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "torn", strings.Repeat("x", size)}}}, n)
}
