package evidence_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// begins are the segments with which a history begins, by what their first records say.
func (w *witness) begins() (list []uint32) {
	w.t.Helper()
	for _, s := range w.view.Segments {
		begins, err := w.Begins(&w.view, s)
		must(w.t, err)
		if begins && s.Number > 0 {
			list = append(list, s.Number)
		}
	}
	return list
}

// logicIDAt is where the first record of a segment has its logic id: after the header of its fragment, a type, a time and a term.
const logicIDAt = 8 + 2 + 4 + 4

// TestBegins makes logs of rotations, kills around them and full syncs in any order. One odd logic id makes no history.
func TestBegins(t *testing.T) {
	randomly(t, 25, decode.G0, func(x *random) {
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Filling: filling(g, r)})
		put(w, r, 1+r.IntN(10))
		var want []uint32
		killed := map[uint32]bool{}
		var odd []uint32 // whose first records have a flipped bit in their logic ids
		for range 4 {
			number := w.Position().Segment + 1
			switch r.IntN(4) {
			case 0:
				w.FullSync(decode.Position{Segment: number, Offset: 1000 + r.Int64N(150_000)})
				want = append(want, number)
			case 1:
				if g < decode.G2 {
					continue // nothing would tell
				}
				w.FullSync(decode.Position{Segment: number})
				want = append(want, number)
			case 2:
				tail(w, r)
				w.Rotate()
				if g < decode.G3 {
					break // nothing would tell that from a full sync
				}
				w.Restart()
				killed[number] = true
				if r.IntN(3) == 0 {
					odd = append(odd, number)
				}
			default:
				w.Rotate()
			}
			put(w, r, 2+r.IntN(10))
		}
		for _, number := range odd {
			if b := w.Bytes(number); b != nil {
				b[logicIDAt+r.IntN(8)] ^= 1 << r.IntN(8)
			}
		}
		c := call(t, w, g)
		if g == decode.G3 && killed[1] && c.view.Segments[0].Number > 0 {
			want = slices.Insert(want, 0, 1) // a full sync has deleted write2file0, and so nothing tells what comes before write2file1
		}
		if got := c.begins(); !slices.Equal(got, want) {
			t.Errorf("histories begin with %v, want %v", got, want)
		}
		start, ok, err := c.HistoryStart(&c.view)
		must(t, err)
		newest := c.view.Segments[0].Number
		if len(want) > 0 {
			newest = want[len(want)-1]
		}
		if !ok || start != (decode.Position{Segment: newest}) {
			t.Errorf("the present history begins at %v (%t), want %d:0", start, ok, newest)
		}
	})
}

// filling is one of those that servers of a generation have had.
func filling(g decode.Generation, r *rand.Rand) binlogtest.Filling {
	if g == decode.G3 && r.IntN(2) == 0 {
		return binlogtest.FillBlank
	}
	return binlogtest.FillDefault
}

// TestPadded tells the padding that a client sends from the filler of one piece that a full sync leaves. Up to 3.2 nothing tells them apart when the full sync
// has lost a single record.
func TestPadded(t *testing.T) {
	for _, g := range []decode.Generation{decode.G3, decode.G4} {
		for _, synced := range []bool{false, true} {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Filling: binlogtest.FillItems})
			for range 5 {
				w.Command("SET", "k", "v")
			}
			if synced {
				w.FullSync(decode.Position{Segment: 1, Offset: 10_000})
			} else {
				w.Rotate()
				w.Padding(10_000, binlogtest.Put{})
			}
			w.Command("SET", "k", "v")
			c := call(t, w, g)
			o, err := c.Opening(&c.view, c.segment(1))
			must(t, err)
			padded, err := c.Padded(&c.view, c.segment(1), &o)
			must(t, err)
			if !o.Filler || o.Fresh || padded == synced {
				t.Errorf("G%d, synced %t: %+v, padded %t", g-decode.G0, synced, o, padded)
			}
		}
	}
}

// TestHistoryStartWaits: while the newest segment has no record it may belong to the one before it or not.
func TestHistoryStartWaits(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G5})
	w.Command("SET", "k", "v")
	w.Rotate()
	c := call(t, w, decode.G5)
	if start, ok, err := c.HistoryStart(&c.view); ok || err != nil {
		t.Errorf("begins at %v, %v", start, err)
	}
}

// TestJustMade: the next segment is that of a healthy server if it is empty or continues from the manifest's position, and else left from another history.
func TestJustMade(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G4})
	w.Command("SET", "k", "v")
	end := w.Position()
	w.Rotate()
	w.Command("SET", "k", "v")
	for name, c := range map[string]struct {
		bytes  []byte
		number uint32
		want   bool
	}{
		"empty":                    {nil, 1, true},
		"its first region":         {make([]byte, 4096), 1, true},
		"its first record":         {w.Bytes(1), 1, true},
		"of another history":       {[]byte(strings.Repeat("x", 100)), 1, false},
		"with records of its own":  {w.Bytes(0), 1, false},
		"not the next one":         {nil, 2, false},
		"whose record names other": {w.Bytes(1), 2, false},
	} {
		dir := t.TempDir()
		must(t, w.WriteDir(dir))
		must(t, binlogtest.WriteSegment(dir, binlogtest.Segment{Number: c.number, Bytes: c.bytes}))
		look := look(t, dir, decode.G4)
		s := look.segment(c.number)
		look.view.Manifest.Position = end
		made, err := look.JustMade(&look.view, s)
		if err != nil && c.want || made != c.want {
			t.Errorf("%s: %t, %v", name, made, err)
		}
	}
}
