package inspect_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestFixturesAreSound verifies every real log, as the server left it and without its manifest.
func TestFixturesAreSound(t *testing.T) {
	for _, f := range binlogtest.FixtureLogs(t) {
		t.Run(f.Name, func(t *testing.T) {
			report, lines := verify(t, find(t, f.Unpack(t)), 0)
			if report.Damages != 0 {
				t.Errorf("damage:\n%s", strings.Join(lines, "\n"))
			}
			t.Log(strings.Join(lines, "\n"))
			records := map[[2]int64]bool{}
			for _, r := range f.Records(t) {
				records[[2]int64{int64(r.Segment), r.Offset}] = true
			}
			if diff := cmp.Diff(int64(len(records)), report.Records); diff != "" {
				t.Error("records", diff)
			}
		})
	}
}
