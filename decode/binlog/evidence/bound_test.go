package evidence_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlogtest"
)

// tail leaves something after the end of the current segment, as servers do that are killed.
func tail(w *binlogtest.Writer, r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		w.Preallocate()
	case 1:
		w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "torn", strings.Repeat("t", 200)}}}, 1+r.IntN(100))
		w.Preallocate()
	case 2:
		w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "stale", strings.Repeat("s", r.IntN(200))}}}, 1000)
		w.Preallocate()
	}
}

// TestBound: the end of a finished segment is the one that the next segment tells, by a name or, after two kills, by the logic id, whatever comes after
// it; that of the newest one is the manifest's.
func TestBound(t *testing.T) {
	randomly(t, 10, decode.G2, func(x *random) { // before that nothing tells the end
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		ends := map[uint32]int64{}
		for segment := range uint32(4) {
			put(w, r, 1+r.IntN(20))
			ends[segment] = w.Position().Offset
			tail(w, r)
			if segment < 3 {
				w.Rotate()
				if g >= decode.G3 && r.IntN(2) == 0 {
					w.Restart()
				}
			}
		}
		c := call(t, w, g)
		for number, end := range ends {
			f, _ := c.open(number)
			b, err := c.Bound(&c.view, f)
			must(t, err)
			if want := (evidence.Bound{Limit: end, Final: true}); b != want {
				t.Errorf("write2file%d: %+v, want %+v", number, b, want)
			}
		}
	})
}

// TestBoundOfCutFile: what a file lacks of its records is told, up to where they end.
func TestBoundOfCutFile(t *testing.T) {
	randomly(t, 4, decode.G2, func(x *random) { // before that nothing tells the end
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		put(w, r, 20)
		end := w.Position()
		w.Rotate()
		put(w, r, 2)
		dir := t.TempDir()
		must(t, w.WriteDir(dir))
		size := r.Int64N(end.Offset)
		must(t, binlogtest.WriteSegment(dir, binlogtest.Segment{Number: 0, Bytes: w.Bytes(0)[:size]}))
		c := look(t, dir, g)
		f, _ := c.open(0)
		b, err := c.Bound(&c.view, f)
		must(t, err)
		if b.Cut == nil || b.Cut.From != (decode.Position{Offset: size}) || size > 0 && b.Cut.To != end {
			t.Errorf("cut to %d of %d: %+v, cut %+v", size, end.Offset, b, b.Cut)
		}
	})
}

// TestBoundOfReplica: the positions of a master tell nothing of where the segments of its replica end, also where these are of one record and the number
// that the next one names is theirs by chance.
func TestBoundOfReplica(t *testing.T) {
	for _, g := range []decode.Generation{decode.G2, decode.G3, decode.G4} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		for segment := range uint32(4) {
			if segment > 0 {
				w.Rotate()
			}
			at := decode.Position{Segment: 1, Offset: 1000 + 5000*int64(segment)}
			w.Put(binlogtest.Put{Commands: [][]string{{"SET", "k", "v"}}, Copied: &binlogtest.Copied{LogicID: 7 + uint64(segment), Position: at, Origin: 1}})
		}
		c := call(t, w, g)
		f, _ := c.open(1) // the next one names 1:11000
		b, err := c.Bound(&c.view, f)
		must(t, err)
		if b.Cut != nil || b.Limit != f.Size() {
			t.Errorf("%v: %+v, cut %v", g, b, b.Cut)
		}
	}
}

// TestBoundOfDamagedRecord: a file of one record, which is damaged, is no filler: what it lacks is told.
func TestBoundOfDamagedRecord(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	size := w.Position().Offset
	w.Command("SET", "k", "w")
	end := w.Position()
	w.Rotate()
	w.Command("SET", "k", "x")
	c := call(t, w, decode.G5)
	data := bytes.Clone(w.Bytes(0)[:size])
	data[9] ^= 0x10 // of the item
	must(t, binlogtest.WriteSegment(c.dir, binlogtest.Segment{Number: 0, Bytes: data}))
	f, _ := c.open(0)
	b, err := c.Bound(&c.view, f)
	must(t, err)
	if b.Cut == nil || b.Cut.From != (decode.Position{Offset: size}) || b.Cut.To != end {
		t.Errorf("%+v, cut %+v, want one from %d to %v", b, b.Cut, size, end)
	}
}

// TestBoundOfMisdirectedBlocks: records that a disk has written to a wrong place are strays, and so are no proof against an end that is named, where a
// record that was put there says that the segment ends there.
func TestBoundOfMisdirectedBlocks(t *testing.T) {
	for _, g := range []decode.Generation{decode.G2, decode.G3, decode.G5} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		w.Command("SET", "large", strings.Repeat("v", 3*decode.BlockSize))
		end := w.Position().Offset
		w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "stale", "v"}}}, 1000)
		w.Preallocate()
		w.Rotate()
		w.Command("SET", "next", "v")
		c := call(t, w, g)
		data := bytes.Clone(w.Bytes(0))
		last := end &^ (decode.BlockSize - 1)
		clear(data[:last])
		copy(data[decode.BlockSize:], data[last:][:decode.BlockSize])
		must(t, binlogtest.WriteSegment(c.dir, binlogtest.Segment{Number: 0, Bytes: data}))
		f, _ := c.open(0)
		b, err := c.Bound(&c.view, f)
		must(t, err)
		if want := (evidence.Bound{Limit: end, Final: true}); b != want {
			t.Errorf("%v: %+v, want %+v", g, b, want)
		}
	}
}

// TestBoundAfterZeros: zeros at the head of the last block hide no record after them, and so not the end that a logic id tells.
func TestBoundAfterZeros(t *testing.T) {
	for _, g := range []decode.Generation{decode.G4, decode.G5} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		w.Command("SET", "large", strings.Repeat("v", decode.BlockSize+6000))
		w.Command("SET", "last", "v")
		end := w.Position().Offset
		w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "stale", "v"}}}, 1000)
		w.Preallocate()
		w.Rotate()
		w.Restart()
		w.Command("SET", "next", "v")
		c := call(t, w, g)
		data := bytes.Clone(w.Bytes(0))
		clear(data[decode.BlockSize:][:4096])
		must(t, binlogtest.WriteSegment(c.dir, binlogtest.Segment{Number: 0, Bytes: data}))
		f, _ := c.open(0)
		b, err := c.Bound(&c.view, f)
		must(t, err)
		if want := (evidence.Bound{Limit: end, Final: true}); b != want {
			t.Errorf("%v: %+v, cut %v, want %+v", g, b, b.Cut, want)
		}
	}
}

// TestBoundOfEmptiedFiller: zeros after filler are damage where the manifest names a later place, but for the one block that the oldest fillers lack.
func TestBoundOfEmptiedFiller(t *testing.T) {
	for _, g := range generations {
		for to, final := range map[int64]bool{3*decode.BlockSize - 100: true, 3 * decode.BlockSize: g >= decode.G3} {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Start: decode.Position{Segment: 2, Offset: to}})
			w.Command("SET", "k", "v")
			c := call(t, w, g)
			want := map[int64]bool{w.Position().Offset: final, decode.BlockSize: true} // from where there are zeros
			for from, final := range want {
				data := make([]byte, w.Position().Offset)
				copy(data, w.Bytes(2)[:min(from, int64(len(w.Bytes(2))))])
				must(t, binlogtest.WriteSegment(c.dir, binlogtest.Segment{Number: 2, Bytes: data}))
				c := look(t, c.dir, g)
				f, _ := c.open(2)
				b, err := c.Bound(&c.view, f)
				must(t, err)
				if b.Limit != w.Position().Offset || b.Final != final || b.Cut != nil {
					t.Errorf("%v to %d, zeros from %d: %+v, want final %t", g, to, from, b, final)
				}
			}
		}
	}
}
