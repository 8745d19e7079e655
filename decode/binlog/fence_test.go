package binlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
)

// TestFenceFixtures: at the end of every real record the fence is the one that a run takes there, and nowhere else does a
// record end.
func TestFenceFixtures(t *testing.T) {
	for _, f := range binlogtest.FixtureLogs(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir := f.Unpack(t)
			l := findOne(t, dir)
			for i, r := range f.Records(t) {
				if r.Kind != "command" || i%7 > 0 {
					continue
				}
				end := at(r.Segment, r.Next)
				want := fenceOf(t, dir, r, f.Generation)
				if got, err := l.Fence(t.Context(), end); err != nil || got != want {
					t.Errorf("%v: %+v, %v, want %+v", end, got, err, want)
				}
				if err := l.CheckFence(t.Context(), end, want); err != nil {
					t.Errorf("%v: %v", end, err)
				}
				if got, err := l.Fence(t.Context(), at(r.Segment, r.Next-1)); err != nil || got.Content != (decode.Sum{}) {
					t.Errorf("a byte before %v: %+v, %v, want no content", end, got, err)
				}
			}
		})
	}
}

func fenceOf(t *testing.T, dir string, r binlogtest.FixtureRecord, g decode.Generation) decode.Fence {
	t.Helper()
	segment, err := os.Open(filepath.Join(dir, binlogtest.SegmentName(r.Segment)))
	if err != nil {
		t.Fatal(err)
	}
	defer segment.Close()
	fence, err := decode.NewFence(segment, r.Offset, r.Next, g)
	if err != nil {
		t.Fatal(err)
	}
	return fence
}

// rewrite changes one byte of a segment.
func rewrite(t *testing.T, dir string, segment uint32, offset int64) {
	t.Helper()
	path := filepath.Join(dir, binlogtest.SegmentName(segment))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[offset] ^= 0x20
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFence(t *testing.T) {
	dir, w := severalSegments(t, 3)
	record := w.Records()[18]
	end := at(record.Segment, record.End)
	l := findOne(t, dir)
	fence, err := l.Fence(t.Context(), end)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, p decode.Position, want error) {
		t.Helper()
		if err := l.CheckFence(t.Context(), p, fence); errors.Is(err, nil) != (want == nil) || want != nil && err.Error() != want.Error() {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	check("the same", end, nil)
	beyond := &decode.BeyondError{Log: l.ID(), Want: at(9, 0), End: l.Committed()}
	check("after the end", at(9, 0), beyond)
	size := int64(len(w.Bytes(1)))
	check("after the end of a segment", at(1, size+1), &decode.BeyondError{Log: l.ID(), Want: at(1, size+1), End: at(1, size)})

	rewrite(t, dir, 1, record.Offset-1)
	rewritten, ok := errors.AsType[*decode.RewrittenError](l.CheckFence(t.Context(), at(1, record.End), fence))
	if ok {
		t.Errorf("changed before what the fence is of: %v", rewritten)
	}
	rewrite(t, dir, 1, record.Offset-1)
	rewrite(t, dir, 1, record.End-10)
	rewritten, ok = errors.AsType[*decode.RewrittenError](l.CheckFence(t.Context(), end, fence))
	if !ok || rewritten.From != end || rewritten.To != at(0, 0) || rewritten.SameRecord {
		t.Errorf("another record: %+v", rewritten)
	}

	truncate(t, dir, 1, record.End-100)
	cut, ok := errors.AsType[*decode.CutShortError](l.CheckFence(t.Context(), end, fence))
	if !ok || cut.From != at(1, record.End-100) {
		t.Errorf("a file that was cut: %v", cut)
	}
	remove(t, dir, 0, 1)
	purged := &decode.PurgedError{Log: l.ID(), Want: end, Oldest: at(2, 0)}
	check("vanished", end, purged)
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	check("purged", end, purged)
	if err := l.CheckFence(t.Context(), end, decode.Fence{}); err == nil {
		t.Error("purged, without a fence: no error")
	}
}

// TestSameRecordOnAReplica: a replica stamps other headers on the same content.
func TestSameRecordOnAReplica(t *testing.T) {
	var fences [2]decode.Fence
	var logs [2]*binlog.Log
	for i := range logs {
		w := binlogtest.NewWriter(binlogtest.Options{Time: binlogtest.DefaultTime + uint32(i)})
		w.Command("SET", "k", noise(100))
		w.Command("SET", "k", noise(200000))
		dir := t.TempDir()
		if err := w.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		logs[i] = findOne(t, dir)
		var err error
		if fences[i], err = logs[i].Fence(t.Context(), w.Position()); err != nil {
			t.Fatal(err)
		}
	}
	if fences[0] == fences[1] {
		t.Fatal("the headers are the same")
	}
	err := logs[1].CheckFence(t.Context(), logs[1].Committed(), fences[0])
	if rewritten, ok := errors.AsType[*decode.RewrittenError](err); !ok || !rewritten.SameRecord {
		t.Errorf("%v, want a rewritten history with the same record", err)
	}
}

func TestFenceOfNothing(t *testing.T) {
	dir, w := severalSegments(t, 1)
	remove(t, dir, 1)
	l := findOne(t, dir)
	for _, p := range []decode.Position{{}, at(0, 0)} {
		if fence, err := l.Fence(t.Context(), p); err != nil || fence != (decode.Fence{}) {
			t.Errorf("%v: %+v, %v", p, fence, err)
		}
	}
	if _, err := l.Fence(t.Context(), w.Position()); err == nil {
		t.Error("no error in a segment that is not there")
	}
}

// TestFenceAfterDamage: the frames before the position are damaged, or the record's own content is.
func TestFenceAfterDamage(t *testing.T) {
	for name, damaged := range map[string]int64{"a header": 0, "content": 60} {
		t.Run(name, func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{})
			for range 20 {
				w.Command("SET", "k", "value")
			}
			dir := t.TempDir()
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			rewrite(t, dir, 0, w.Records()[9].Offset+damaged)
			last := w.Records()[19]
			fence, err := findOne(t, dir).Fence(t.Context(), at(0, last.End))
			if err != nil || fence.Record != last.Offset {
				t.Errorf("%+v, %v, want that of the record at %d", fence, err, last.Offset)
			}
		})
	}
}
