package evidence_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestGeneration tells the version of any log, though any one of its records is damaged.
func TestGeneration(t *testing.T) {
	randomly(t, 8, decode.G0, func(x *random) {
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, SegmentSize: 20_000})
		put(w, r, 40)
		dir := t.TempDir() + "/log_db0"
		must(t, w.WriteDir(dir))
		records := w.Records()
		bad := records[r.IntN(len(records))]
		data := slices.Clone(w.Bytes(bad.Segment))
		at := bad.Offset + r.Int64N(min(bad.End-bad.Offset, 60))
		data[at] ^= 1 << r.IntN(8)
		must(t, binlogtest.WriteSegment(dir, binlogtest.Segment{Number: bad.Segment, Bytes: data}))
		c := look(t, dir, g)
		c.view.Generation = decode.GenerationUnknown
		want := form(g)
		if g == decode.G3 {
			want = g
		}
		got, _, err := c.Generation(&c.view)
		if err != nil || got != want {
			t.Errorf("G%d, %v; want G%d. The damage is at %d of write2file%d, in the record at %d", got-decode.G0, err, want-decode.G0, at, bad.Segment, bad.Offset)
		}
	})
}

// TestMisplaced: a copy of one segment under the number of another is known by the numbers in it, wherever there are any.
func TestMisplaced(t *testing.T) {
	randomly(t, 8, decode.G2, func(x *random) { // before that records say nothing of their places
		t, g, r := x.T, x.generation, x.rand
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		for range 4 {
			put(w, r, 3+r.IntN(20))
			w.Rotate()
		}
		put(w, r, 3)
		dir := t.TempDir() + "/log_db0"
		must(t, w.WriteDir(dir))
		from, to := uint32(r.IntN(5)), uint32(r.IntN(5))
		must(t, binlogtest.WriteSegment(dir, binlogtest.Segment{Number: to, Bytes: w.Bytes(from)}))
		c := look(t, dir, g)
		for number := range uint32(4) { // the newest one ends where the manifest says
			f, _ := c.open(number)
			holds, misplaced, err := c.Misplaced(&c.view, f)
			if want := number == to && from != to; err != nil || misplaced != want || want && holds != from {
				t.Errorf("write2file%d holds %d, misplaced %t, %v; write2file%d is a copy of %d", number, holds, misplaced, err, to, from)
			}
		}
	})
}

// TestReplicaIsNoCopy: a replica with the positions of its master, of which a segment begins with the same record as one of the master's with another
// number, holds what its name says, also when the segments before it are gone.
func TestReplicaIsNoCopy(t *testing.T) {
	for _, g := range []decode.Generation{decode.G2, decode.G3, decode.G4} {
		t.Run(fmt.Sprint("generation ", g), func(t *testing.T) {
			master, replica := binlogtest.NewWriter(binlogtest.Options{Generation: g}), binlogtest.NewWriter(binlogtest.Options{Generation: g})
			for segment := range 4 {
				if segment > 0 {
					replica.Rotate()
				}
				if segment > 1 {
					master.Rotate() // from here on all offsets agree, and no number does
				}
				for range 3 {
					p := binlogtest.Put{Commands: [][]string{{"SET", "k", "v"}}}
					master.Put(p)
					written := master.Records()
					last := written[len(written)-1]
					p.Copied = &binlogtest.Copied{LogicID: last.LogicID, Position: last.Prev, Origin: last.Origin}
					replica.Put(p)
				}
			}
			c := call(t, replica, g)
			for oldest := range uint32(4) {
				for number := oldest; number < 4; number++ {
					f, _ := c.open(number)
					if holds, misplaced, err := c.Misplaced(&c.view, f); err != nil || misplaced {
						t.Errorf("write2file%d, with write2file%d as the oldest: holds %d, %t, %v", number, oldest, holds, misplaced, err)
					}
				}
				must(t, os.Remove(filepath.Join(c.dir, binlogtest.SegmentName(oldest))))
				c = look(t, c.dir, g)
			}
		})
	}
}

// TestReplicaBeforeDamage: so it is when its last segment is damaged, and the one before that has the number that its records name.
func TestReplicaBeforeDamage(t *testing.T) {
	for _, g := range []decode.Generation{decode.G2, decode.G3, decode.G4} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Start: decode.Position{Segment: 1}})
		var size int64
		for id, rotate := range []bool{false, false, false, true, true, true} {
			if rotate {
				w.Rotate()
			}
			at := decode.Position{Segment: 2, Offset: int64(id) * size}
			if id == 0 {
				at = decode.Position{Segment: 1, Offset: 9000} // the master, too, begins a segment with this record
			}
			w.Put(binlogtest.Put{Commands: [][]string{{"SET", "k", "v"}}, Copied: &binlogtest.Copied{LogicID: uint64(7 + id), Position: at, Origin: 1}})
			if id == 0 {
				size = w.Position().Offset
			}
		}
		c := call(t, w, g)
		must(t, os.Truncate(filepath.Join(c.dir, binlogtest.SegmentName(4)), 10))
		c = look(t, c.dir, g)
		f, _ := c.open(1)
		if holds, misplaced, err := c.Misplaced(&c.view, f); err != nil || misplaced {
			t.Errorf("%v: write2file1 holds %d, %t, %v", g, holds, misplaced, err)
		}
	}
}

// TestCopyOfADamagedRecord: a copy of a segment of one record is one, also where that record was damaged in the original afterwards.
func TestCopyOfADamagedRecord(t *testing.T) {
	w := binlogtest.OnePerSegment(4, "SET", "k", "value")
	dir := t.TempDir() + "/log_db0"
	must(t, w.WriteDir(dir))
	must(t, binlogtest.WriteSegment(dir, binlogtest.Segment{Number: 0, Bytes: w.Bytes(2)}))
	must(t, os.Truncate(filepath.Join(dir, binlogtest.SegmentName(2)), 60))
	c := look(t, dir, decode.G5)
	f, _ := c.open(0)
	if holds, misplaced, err := c.Misplaced(&c.view, f); err != nil || !misplaced || holds != 2 {
		t.Errorf("write2file0 holds %d, %t, %v", holds, misplaced, err)
	}
}

// TestCopyOfFiller: a copy of a segment that begins with the filler of a full sync is a copy, and no other history.
func TestCopyOfFiller(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Start: decode.Position{Offset: 20000}})
	for range 4 {
		for range 3 {
			w.Command("SET", "k", "v")
		}
		w.Rotate()
	}
	w.Command("SET", "k", "v")
	dir := t.TempDir() + "/log_db0"
	must(t, w.WriteDir(dir))
	must(t, binlogtest.WriteSegment(dir, binlogtest.Segment{Number: 2, Bytes: w.Bytes(0)}))
	c := look(t, dir, decode.G5)
	for number, want := range []bool{true, false, false, false} {
		if begins, err := c.Begins(&c.view, c.segment(uint32(number))); err != nil || begins != want {
			t.Errorf("a history begins with write2file%d: %t, %v", number, begins, err)
		}
	}
}
