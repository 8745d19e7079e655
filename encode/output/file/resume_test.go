package file_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/file"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
	"pikabin/formats"
)

// TestFileGoesOnInItsDB cuts a stream that has to be switched to each DB into runs: the file is as if there had been one.
func TestFileGoesOnInItsDB(t *testing.T) {
	var writers []*binlogtest.Writer
	for range 2 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		for i := range 3 {
			w.Command("SET", fmt.Sprintf("k%d", i), "v")
		}
		writers = append(writers, w)
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, writers...)
	logs := sinktest.Find(t, dir)
	format, _ := formats.Lookup("resp")
	whole := fileOfRuns(t, format, logs, []*binlog.Log{logs[1], logs[0], logs[1]})
	again := fileOfRuns(t, format, logs, []*binlog.Log{logs[1]}, []*binlog.Log{logs[0]}, []*binlog.Log{logs[1]})
	if diff := cmp.Diff(whole, again); diff != "" {
		t.Errorf("in one run, and in several: %s", diff)
	}
}

// fileOfRuns writes one record of each log of each run into a file.
func fileOfRuns(t *testing.T, format formats.Format, logs []*binlog.Log, runs ...[]*binlog.Log) string {
	t.Helper()
	mem := vfstest.New()
	start := map[*decode.Log]checkpoint.Mark{}
	for _, l := range logs {
		start[l.ID()] = checkpoint.Mark{Position: l.Start()}
	}
	at := map[*binlog.Log]decode.Position{}
	var note json.RawMessage
	for _, run := range runs {
		to, err := sinktest.Open(t, file.Type, "out", nil, sink.Env{Ext: format.Ext, Disk: mem, Resume: true, Note: note})
		if err != nil {
			t.Fatal(err)
		}
		var plans []*binlog.Plan
		for _, l := range run {
			from := at[l]
			until := from
			until.Offset += l.Committed().Offset / 3
			at[l] = until
			plans = append(plans, l.Chunks(from, until, binlog.PlanOptions{}))
		}
		o := encode.Options{Format: format, Save: func(c encode.Checkpoint) error {
			start, note = c.Marks, c.Note
			return nil
		}}
		if _, err := encode.Run(t.Context(), &sinktest.Source{Chunks: binlog.NewBackfill(plans...), Marks: maps.Clone(start)}, to, o); err != nil {
			t.Fatal(err)
		}
	}
	return mem.Files()["out"]
}
