package evidence_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestEnding asks about ends of records and about other places: what the few blocks before a place say of it is what all records of the segment say.
func TestEnding(t *testing.T) {
	randomly(t, 6, decode.G0, func(x *random) {
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		put(w, r, 60)
		c := call(t, w, g)
		f, span := c.open(0)
		records := w.Records()
		for range 60 {
			i := r.IntN(len(records))
			at, boundary := records[i].End, true
			if r.IntN(2) == 0 {
				at = records[i].Offset + 1 + r.Int64N(records[i].End-records[i].Offset-1)
				i, boundary = i-1, false
			}
			e, err := c.Ending(f, span, at)
			must(t, err)
			if e.Boundary != boundary || boundary && (!e.Found || e.Last.Offset != records[i].Offset) || e.Found && e.Last.End > at {
				t.Errorf("%d: boundary %t, want %t; last %+v, want record %d", at, e.Boundary, boundary, e.Last, i)
			}
			begin, err := c.RecordEnding(f, span, at)
			must(t, err)
			if boundary && begin != records[i].Offset || !boundary && begin >= 0 {
				t.Errorf("%d: the record that ends there begins at %d, boundary %t", at, begin, boundary)
			}
		}
	})
}

// TestEndingInSpiteOfDamage: a damaged record before a place hides no other.
func TestEndingInSpiteOfDamage(t *testing.T) {
	randomly(t, 6, decode.G0, func(x *random) {
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		put(w, r, 60)
		c := call(t, w, g)
		records := w.Records()
		bad, path := r.IntN(len(records)-1), filepath.Join(c.dir, binlogtest.SegmentName(0))
		data := slices.Clone(w.Bytes(0))
		header := int64(binlogtest.HeaderSize(g))
		data[records[bad].Offset+header+4] ^= 0x55 // of the content, and not what tells the length of headers in 2.0
		must(t, os.WriteFile(path, data, 0o600))
		f, span := c.open(0)
		for _, record := range records[bad:min(bad+3, len(records))] {
			e, err := c.Ending(f, span, record.End)
			must(t, err)
			if !e.Boundary {
				t.Errorf("no record is seen to end at %d, record %d is damaged", record.End, bad)
			}
		}
	})
}

// TestDataEnd finds the end before zeros, and takes what else there is for data.
func TestDataEnd(t *testing.T) {
	randomly(t, 4, decode.G0, func(x *random) {
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		put(w, r, 1+r.IntN(30))
		end := w.Position().Offset
		zeros := r.IntN(2) == 0
		if zeros {
			w.Preallocate()
		} else {
			w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "torn", "value"}}}, 20)
		}
		c := call(t, w, g)
		f, span := c.open(0)
		got, err := c.DataEnd(f, span)
		must(t, err)
		if zeros && got != end || !zeros && got != f.Size() {
			t.Errorf("zeros %t: data ends at %d of %d, records at %d", zeros, got, f.Size(), end)
		}
	})
}
