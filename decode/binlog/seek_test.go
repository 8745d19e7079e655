package binlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
)

// TestSeekFixtures looks up every record of the real logs by its logic id and its time.
func TestSeekFixtures(t *testing.T) {
	for _, f := range binlogtest.FixtureLogs(t) {
		if f.Name == "4.0.1-replica/1-after-fullsync-slave/log_db2" {
			continue // nothing but filler
		}
		t.Run(f.Name, func(t *testing.T) {
			l := findOne(t, f.Unpack(t))
			records := slices.DeleteFunc(f.Records(t), func(r binlogtest.FixtureRecord) bool { return r.Kind != "command" })
			var seconds []int64
			for _, r := range records {
				seconds = append(seconds, r.Time)
			}
			times(t, l, seconds)
			for _, r := range records {
				seekTime(t, l, records, r.Time)
				if f.Generation >= decode.G3 {
					seekLogicID(t, l, r)
				}
			}
		})
	}
}

// times compares the times of the first and the last record with those of all, of which there are none where the version has no times.
func times(t *testing.T, l *binlog.Log, want []int64) {
	t.Helper()
	first, last, ok, err := l.Times(t.Context())
	switch {
	case err != nil || ok != (len(want) > 0 && l.Generation() != decode.G0):
		t.Errorf("times %d to %d, %v, %v, of %d records", first, last, ok, err, len(want))
	case ok && (first != want[0] || last != want[len(want)-1]):
		t.Errorf("times %d to %d, want %d to %d", first, last, want[0], want[len(want)-1])
	}
}

// execTimes are those of the records of a log that was made, but for its filler.
func execTimes(w *binlogtest.Writer) (seconds []int64) {
	for _, r := range w.Records() {
		if r.ExecTime > 0 {
			seconds = append(seconds, int64(r.ExecTime))
		}
	}
	return seconds
}

func seekTime(t *testing.T, l *binlog.Log, records []binlogtest.FixtureRecord, time int64) {
	t.Helper()
	i := slices.IndexFunc(records, func(r binlogtest.FixtureRecord) bool { return r.Time >= time })
	want := at(records[i].Segment, records[i].Offset)
	got, err := l.SeekTime(t.Context(), time)
	if err != nil || got != want {
		t.Errorf("time %d: %v, %v, want %v", time, got, err, want)
	}
}

func seekLogicID(t *testing.T, l *binlog.Log, r binlogtest.FixtureRecord) {
	t.Helper()
	got, err := l.SeekLogicID(t.Context(), r.LogicID)
	if want := at(r.Segment, r.Offset); err != nil || got != want {
		t.Errorf("logic id %d: %v, %v, want %v", r.LogicID, got, err, want)
	}
}

// TestSeekInBlocks has many blocks, a record of many blocks, and archives.
func TestSeekInBlocks(t *testing.T) {
	dir, w := severalSegments(t, 4)
	pack(t, dir, 1, ".zst", nil)
	pack(t, dir, 2, ".gz", nil)
	l := findOne(t, dir)
	for _, r := range w.Records() {
		want := at(r.Segment, r.Offset)
		if got, err := l.SeekTime(t.Context(), int64(r.ExecTime)); err != nil || got != want {
			t.Errorf("time %d: %v, %v, want %v", r.ExecTime, got, err, want)
		}
		if got, err := l.SeekLogicID(t.Context(), r.LogicID); err != nil || got != want {
			t.Errorf("logic id %d: %v, %v, want %v", r.LogicID, got, err, want)
		}
	}
	times(t, l, execTimes(w))
	if got, err := l.SeekTime(t.Context(), 1<<40); err != nil || got != l.Committed() {
		t.Errorf("a time that has not come: %v, %v, want %v", got, err, l.Committed())
	}
	if got, err := l.SeekTime(t.Context(), -1); err != nil || got != l.Start() {
		t.Errorf("a time before all: %v, %v, want %v", got, err, l.Start())
	}
}

// TestSeekAfterDamage finds what is after a damaged content, and after a damaged header, in the same block.
func TestSeekAfterDamage(t *testing.T) {
	for name, damaged := range map[string]int64{"header": 0, "content": 60} {
		t.Run(name, func(t *testing.T) {
			dir, w := severalSegments(t, 2)
			bad := w.Records()[1]
			f, err := os.OpenFile(filepath.Join(dir, "write2file0"), os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{0xff, 0xff, 0xff, 0xff}, bad.Offset+damaged)
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			l := findOne(t, dir)
			for _, r := range w.Records()[2:] {
				if got, err := l.SeekLogicID(t.Context(), r.LogicID); err != nil || got != at(r.Segment, r.Offset) {
					t.Errorf("logic id %d: %v, %v, want %v", r.LogicID, got, err, at(r.Segment, r.Offset))
				}
			}
		})
	}
}

func TestSeekErrors(t *testing.T) {
	find := func(g decode.Generation) *binlog.Log {
		dir, _ := twoSegments(t, binlogtest.Options{Generation: g}, 10, nil)
		return findOne(t, dir)
	}
	if _, err := find(decode.G0).SeekTime(t.Context(), 5); !errors.Is(err, binlog.ErrNoTime) {
		t.Errorf("a time in 2.0: %v", err)
	}
	times(t, find(decode.G0), []int64{5})
	for _, g := range []decode.Generation{decode.G0, decode.G1, decode.G2} {
		if _, err := find(g).SeekLogicID(t.Context(), 5); !errors.Is(err, binlog.ErrNoLogicID) {
			t.Errorf("a logic id in generation %d: %v", g, err)
		}
	}
	var missing *binlog.LogicIDError
	if _, err := find(decode.G5).SeekLogicID(t.Context(), 99); !errors.As(err, &missing) || missing.Next != 0 {
		t.Errorf("a logic id above all: %v", err)
	}
	if _, err := find(decode.G5).SeekLogicID(t.Context(), 0); !errors.As(err, &missing) || missing.Next != 1 || missing.At != at(0, 0) {
		t.Errorf("a logic id below all: %v", err)
	}
}

// TestSeekAfterFiller: a replica's segment begins with megabytes that have no time.
func TestSeekAfterFiller(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Start: at(3, 3<<20)})
	for range 5 {
		w.Command("SET", "k", noise(40000))
		w.Advance(10)
	}
	dir := t.TempDir()
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	l := findOne(t, dir)
	records := w.Records()
	r := records[len(records)-2]
	times(t, l, execTimes(w))
	if got, err := l.SeekTime(t.Context(), int64(r.ExecTime)-5); err != nil || got != at(3, r.Offset) {
		t.Errorf("%v, %v, want 3:%d", got, err, r.Offset)
	}
}
