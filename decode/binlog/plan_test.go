package binlog_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlogtest"
)

// steps prints what a plan gives: "segment begin-end", with "!" for an exact begin, the holes, and an error.
func steps(t *testing.T, p *binlog.Plan) []string {
	t.Helper()
	defer p.Close()
	var list []string
	for len(list) < 50 {
		c, err := p.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			return append(list, err.Error())
		}
		list = append(list, stepName(&c))
		c.Release()
	}
	return list
}

func stepName(c *decode.Chunk) string {
	if c.Missing != nil {
		return binlogtest.HoleName(c.Missing)
	}
	exact := ""
	if c.Exact {
		exact = "!"
	}
	return fmt.Sprintf("%d %d-%d%s", c.Segment, c.Begin, c.End, exact)
}

func remove(t *testing.T, dir string, segments ...uint32) {
	t.Helper()
	for _, n := range segments {
		if err := os.Remove(filepath.Join(dir, binlogtest.SegmentName(n))); err != nil {
			t.Fatal(err)
		}
	}
}

func at(segment uint32, offset int64) decode.Position {
	return decode.Position{Segment: segment, Offset: offset}
}

func TestPlan(t *testing.T) {
	dir, w := severalSegments(t, 6)
	size := int64(len(w.Bytes(0)))
	last := w.Position()
	if size != 300752 || last != at(6, 72) {
		t.Fatalf("segments of %d bytes and an end at %v: the cases below are written for others", size, last)
	}
	remove(t, dir, 2, 3)
	l := findOne(t, dir)
	for name, c := range map[string]struct {
		from, until decode.Position
		chunk       int64
		want        []string
	}{
		"everything": {until: last, want: []string{
			"0 0-300752!", "1 0-300752!", "Gap 1:300752 to 4:0", "4 0-300752!", "5 0-300752!", "6 0-72!",
		}},
		"an until far past the end":  {from: at(5, 0), until: at(99, 0), want: []string{"5 0-300752!", "6 0-72!"}},
		"small chunks":               {until: at(1, 0), chunk: 131072, want: []string{"0 0-131072!", "0 131072-262144", "0 262144-300752"}},
		"a chunk of half a block":    {until: at(0, 70000), chunk: 32768, want: []string{"0 0-65536!", "0 65536-70000"}},
		"a start in mid-segment":     {from: at(0, 30097), until: at(1, 0), chunk: 131072, want: []string{"0 30097-131072!", "0 131072-262144", "0 262144-300752"}},
		"a start at a segment's end": {from: at(0, 300752), until: at(1, 10), want: []string{"1 0-10!"}},
		"from the end":               {from: last, until: last},
		"nothing wanted":             {from: at(4, 100), until: at(4, 100)},
		"a start in a hole":          {from: at(2, 77), until: at(4, 10), want: []string{"Purged 2:77 to 4:0", "4 0-10!"}},
		"a start at a hole's edge":   {from: at(3, 0), until: at(4, 10), want: []string{"Purged 3:0 to 4:0", "4 0-10!"}},
		"an end in a hole":           {from: at(1, 0), until: at(3, 10), want: []string{"1 0-300752!", "Gap 1:300752 to 3:10"}},
		"an end at a hole's edge":    {from: at(1, 0), until: at(2, 0), want: []string{"1 0-300752!"}},
		"a start past a segment": {from: at(0, 300753), until: last, want: []string{
			"db0: position 0:300753 is past the end of the log (0:300752): it belongs to another log, or this one was replaced (full sync, restored copy)",
		}},
		"a start past the end": {from: at(6, 73), until: last, want: []string{
			"db0: position 6:73 is past the end of the log (6:72): it belongs to another log, or this one was replaced (full sync, restored copy)",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := steps(t, l.Chunks(c.from, c.until, binlog.PlanOptions{ChunkSize: c.chunk}))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlanGivesEveryRecordOnce for chunks of any size, from any record on.
func TestPlanGivesEveryRecordOnce(t *testing.T) {
	dir, w := severalSegments(t, 2)
	l := findOne(t, dir)
	want := written(w)
	for _, size := range []int64{1, 2 * decode.BlockSize, 3 * decode.BlockSize} {
		for i, p := range want {
			got, failures := readAll(t, l.Chunks(at(p.Segment, p.Offset), l.Committed(), binlog.PlanOptions{ChunkSize: size}))
			if diff := cmp.Diff(want[i:], got); diff != "" || failures != nil {
				t.Fatalf("chunks of %d from %v: %v, records (-want +got):\n%s", size, p, failures, diff)
			}
		}
	}
}

// TestManyWorkersShareAFile reads the chunks of a plan at the same time, while it moves on and is closed.
func TestManyWorkersShareAFile(t *testing.T) {
	dir, w := severalSegments(t, 4)
	pack(t, dir, 1, ".zst", nil)
	l := findOne(t, dir)
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: decode.BlockSize})
	var results []chan []place
	for c, err := p.Next(t.Context()); !errors.Is(err, io.EOF); c, err = p.Next(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan []place, 1)
		results = append(results, result)
		go func() {
			defer c.Release()
			list, _ := readChunk(c)
			result <- list
		}()
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	var got []place
	for _, result := range results {
		got = append(got, <-result...)
	}
	if diff := cmp.Diff(written(w), got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestPurgedWhileReading(t *testing.T) {
	dir, _ := severalSegments(t, 5)
	l := findOne(t, dir)
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer p.Close()
	first, err := p.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	remove(t, dir, 0, 1, 2)
	if got, err := readChunk(first); len(got) != 10 || err != nil {
		t.Errorf("of an open segment: %d records, %v", len(got), err)
	}
	first.Release()
	chunk, err := p.Next(t.Context())
	if purged, ok := chunk.Missing.(*decode.PurgedError); !ok || purged.Want != at(1, 0) || purged.Oldest != at(3, 0) {
		t.Errorf("got %v, %v, want that 1:0 is purged and 3:0 is there", chunk.Missing, err)
	}
	if got := steps(t, p); len(got) != 3 || got[0] != "3 0-300752!" {
		t.Errorf("after the gap: %q", got)
	}
}

// TestAFailedCloseIsNoHole fails to close a segment that is cut short. The plan says so and then what is missing, so that nobody who
// passes over what is missing passes over the failure.
func TestAFailedCloseIsNoHole(t *testing.T) {
	dir, _ := severalSegments(t, 1)
	truncate(t, dir, 0, 1000)
	l := findOne(t, dir)
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer p.Close()
	chunk, err := p.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	chunk.Release()
	if err := chunk.Blocks.(*folder.File).Close(); err != nil { // in place of the plan
		t.Fatal(err)
	}
	chunk, err = p.Next(t.Context())
	if hole, ok := errors.AsType[decode.Hole](err); ok || chunk.Missing != nil || !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, %v, %v: want that the file was closed before", hole, chunk.Missing, err)
	}
	if diff := cmp.Diff([]string{"CutShort 0:1000 to 1:0", "1 0-72!"}, steps(t, p)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestPurgedAltogether(t *testing.T) {
	dir, _ := severalSegments(t, 2)
	remove(t, dir, 0, 1, 2)
	l := findOne(t, dir)
	if diff := cmp.Diff([]binlog.OddityKind{binlog.OddityManifestGone}, oddityKinds(l)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	got := steps(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{}))
	if diff := cmp.Diff([]string{"Gap 2:0 to 2:72"}, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestFileCutWhileReading(t *testing.T) {
	dir, _ := severalSegments(t, 1)
	l := findOne(t, dir)
	f, err := l.Open(t.Context(), l.Segments()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	truncate(t, dir, 0, 1000)
	n, err := f.ReadAt(make([]byte, 4096), 500)
	var changed *folder.ChangedError
	if n != 500 || !errors.As(err, &changed) || changed.Offset != 1000 || changed.Size != 300752 {
		t.Errorf("%d bytes, error %v", n, err)
	}
}

func TestOpenOfAVanishedSegment(t *testing.T) {
	dir, _ := severalSegments(t, 3)
	l := findOne(t, dir)
	remove(t, dir, 0)
	_, err := l.Open(t.Context(), l.Segments()[0])
	if err == nil || !strings.Contains(err.Error(), "write2file0 is not there (purged by the server?), the log continues at 1:0") {
		t.Errorf("error %v", err)
	}
}

func TestUnreadableSegmentIsNamed(t *testing.T) {
	top := binlogtest.Tree(t, "log/", "log/write2file0.zst -> .", "log/write2file1 -> ../log")
	if got := len(findOne(t, filepath.Join(top, "log")).Segments()); got != 1 {
		t.Errorf("%d segments, want 1: folders are none", got)
	}
}

func TestRefreshSeesARotation(t *testing.T) {
	dir, w := severalSegments(t, 1)
	l := findOne(t, dir)
	before := l.Committed()
	w.Rotate()
	w.Command("SET", "new", "v")
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	got := steps(t, l.Chunks(before, l.Committed(), binlog.PlanOptions{}))
	if diff := cmp.Diff([]string{"2 0-71!"}, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestPlanOfAReplicasPast reads segments of the replica's own that a full sync has left below the master's position.
func TestPlanOfAReplicasPast(t *testing.T) {
	for _, g := range []decode.Generation{decode.G1, decode.G2, decode.G3, decode.G4, decode.G5} {
		dir := t.TempDir()
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, SegmentSize: 1000})
		for w.Position().Segment < 4 {
			w.Command("SET", "k", strings.Repeat("v", 200))
		}
		w.FullSync(decode.Position{Segment: 3, Offset: 100_000})
		w.Command("SET", "new", "v")
		if err := w.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		l := findOne(t, dir)
		plan := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
		var got []string
		for {
			chunk, err := plan.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			chunk.Release()
			if hole, ok := chunk.Missing.(*decode.RewrittenError); ok {
				got = append(got, fmt.Sprintf("%v-%v", hole.From, hole.To))
				continue
			}
			got = append(got, strconv.FormatUint(uint64(chunk.Segment), 10))
		}
		if want := fmt.Sprintf("1 2 2:%d-3:0 3 4", len(w.Bytes(2))); strings.Join(got, " ") != want {
			t.Errorf("G%d: %q, want %s", g-decode.G0, got, want)
		}
	}
}
