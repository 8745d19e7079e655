package inspect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/inspect"
)

func find(t *testing.T, paths ...string) []*binlog.Log {
	t.Helper()
	logs, err := binlog.Find(paths, binlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// verify gives the report of Verify and its findings as lines.
func verify(t *testing.T, logs []*binlog.Log, workers int) (*inspect.VerifyReport, []string) {
	t.Helper()
	var lines []string
	report, err := inspect.Verify(t.Context(), logs, inspect.VerifyOptions{
		Options: inspect.Options{Workers: workers},
		Report:  func(f *inspect.Finding) { lines = append(lines, f.String()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return report, lines
}

// TestFixturesAreSound verifies every real log: as the server left it, without its manifest, and as archives.
func TestFixturesAreSound(t *testing.T) {
	for _, f := range binlogtest.FixtureLogs(t) {
		t.Run(f.Name, func(t *testing.T) {
			want := map[[2]int64]bool{}
			for _, r := range f.Records(t) {
				want[[2]int64{int64(r.Segment), r.Offset}] = true
			}
			dir := f.Unpack(t)
			for name, path := range map[string]string{"plain": dir, "archives": f.Dir} {
				report, lines := verify(t, find(t, path), 0)
				if report.Damages != 0 {
					t.Errorf("%s: damage:\n%s", name, strings.Join(lines, "\n"))
				}
				if report.Records != int64(len(want)) {
					t.Errorf("%s: %d records, want %d", name, report.Records, len(want))
				}
			}
			if err := os.Remove(filepath.Join(dir, "manifest")); err != nil {
				t.Fatal(err)
			}
			// Of a server that was killed the manifest alone says where the records end: what lies after may be stale.
			if report, lines := verify(t, find(t, dir), 0); report.Damages != 0 {
				t.Errorf("without manifest: damage:\n%s", strings.Join(lines, "\n"))
			}
		})
	}
}

// TestNotes are logs that are odd and sound.
func TestNotes(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func() *binlogtest.Writer
		want  []string
	}{
		{"a replica whose positions drift", func() *binlogtest.Writer {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G3})
			for i := range 100 {
				w.Put(binlogtest.Put{
					Commands: [][]string{{"SET", "key", "value"}},
					Copied:   &binlogtest.Copied{LogicID: uint64(i), Position: decode.Position{Offset: int64(i) * 81}, Origin: 1},
				})
			}
			return w
		}, []string{
			"db0: write2file0 at 105 (0x69): note: 99 records name another position than the end of the record before; " +
				"the first names 0:81 instead of 0:75 (replicas before 3.5.2 copy their master's positions, which drift away from their own)",
		}},
		{"a promoted replica, and a clock that was set", func() *binlogtest.Writer {
			w := shortLog(decode.G4)
			w.Advance(-7200)
			p := w.Position()
			w.Put(binlogtest.Put{Commands: [][]string{{"SET", "a", "b"}}, Copied: &binlogtest.Copied{LogicID: 9, Position: p, Origin: 5}})
			return w
		}, []string{
			"db0: write2file0 at 15690 (0x3d4a): note: the logic id goes from 200 to 9 (so it does at a full sync, a promotion, or a lost manifest)",
			"db0: write2file0 at 15690 (0x3d4a): note: the server id or term goes from 0 to 5 (so it does at a promotion, or with two masters)",
			"db0: write2file0 at 15690 (0x3d4a): note: the time goes back by 2h0m0s (a clock was set)",
		}},
		{"a replica's older history in front of a full sync", func() *binlogtest.Writer {
			w := binlogtest.NewWriter(binlogtest.Options{})
			w.Rotate()
			w.Command("SET", "a", "b")
			w.FullSync(decode.Position{Segment: 5, Offset: 1000})
			w.Command("SET", "a", "b")
			return w
		}, []string{
			"db0: write2file2: note: write2file2 to write2file4 are missing: the records from 1:69 to 5:0 are not here " +
				"(the log continues with a full sync: it is a replica's older history that ends here)",
			"db0: write2file5 at 0 (0x0): note: the segment begins with what a full sync leaves (what is before it belongs to another history)",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, lines := verify(t, find(t, written(t, test.write())), 2)
			if diff := cmp.Diff(test.want, lines); diff != "" {
				t.Error(diff)
			}
			if report.Damages != 0 {
				t.Errorf("%+v", report)
			}
		})
	}
}

// TestMissingSegment takes one out of the middle of a log.
func TestMissingSegment(t *testing.T) {
	w := binlogtest.OnePerSegment(5, "SET", "a", "b")
	dir := written(t, w)
	if err := os.Remove(filepath.Join(dir, "write2file2")); err != nil {
		t.Fatal(err)
	}
	report, lines := verify(t, find(t, dir), 2)
	want := []string{
		"db0: write2file2: damage: write2file2 is missing: the records from 1:69 to 3:0 are not here " +
			"(restore the files, or skip with --on-gap=skip)",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	var table strings.Builder
	if err := report.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1 damaged place and 0 notes in 4 records (276 B of 1 log)\n", table.String()); diff != "" {
		t.Error(diff)
	}
}
