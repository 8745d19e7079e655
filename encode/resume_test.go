package encode_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/vfs/vfstest"
	"pikabin/formats"
)

// TestEpochsStay: whatever a run does with a batch, what it saves is of the history that it was told of, in logs that
// come late as well.
func TestEpochsStay(t *testing.T) {
	dir := t.TempDir()
	writeLogs(t, dir, randomLog(rand.New(rand.NewPCG(3, 3)), binlogtest.Options{SegmentSize: 500_000}, 60))
	l := find(t, dir)[0]
	begin := checkpoint.Mark{Position: l.Start(), Epoch: 3}
	for name, o := range map[string]encode.Options{
		"from the start": {Start: map[*decode.Log]checkpoint.Mark{l.ID(): begin}},
		"late":           {Late: func(log *decode.Log) (checkpoint.Mark, bool) { return begin, log == l.ID() }},
	} {
		for limit := range int64(60) {
			var saved checkpoint.Mark
			o.Format, o.Limit, o.Workers = lines(), limit, 1
			o.Save = func(c encode.Checkpoint) error {
				saved = c.Marks[l.ID()]
				return nil
			}
			_, err := encode.Run(t.Context(), planOf(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16})), &collector{}, o)
			if err != nil || saved.Epoch != begin.Epoch || saved.Position == begin.Position {
				t.Errorf("%s, limit %d: saved %+v, %v", name, limit, saved, err)
			}
		}
	}
}

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
	writeLogs(t, dir, writers...)
	logs := find(t, dir)
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
		sink, err := encode.OpenSink(encode.SinkOptions{Target: "out", Format: format, Disk: mem, Resume: true, Note: note})
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
		o := encode.Options{Format: format, Start: maps.Clone(start), Save: func(c encode.Checkpoint) error {
			start, note = c.Marks, c.Note
			return nil
		}}
		if _, err := encode.Run(t.Context(), binlog.NewBackfill(plans...), sink, o); err != nil {
			t.Fatal(err)
		}
	}
	return mem.Files()["out"]
}

// TestPartAtThePlaceOfAnother: the event of a gap and the record behind it have one position. The part of the one, gone on with
// and complete but not yet shown, is not the part of the other.
func TestPartAtThePlaceOfAnother(t *testing.T) {
	mem := vfstest.New()
	log := &decode.Log{DB: "db0", Slot: -1}
	at := decode.Position{Segment: 3}
	var note json.RawMessage
	for _, data := range []string{"gap", "set"} {
		format := lines()
		format.Ext = ".jsonl"
		sink, err := encode.OpenSink(encode.SinkOptions{Target: "out/", Format: format, Disk: mem, Resume: true, Note: note})
		if err != nil {
			t.Fatal(err)
		}
		folder := sink.(encode.Keeper)
		flushed := func(complete bool) any {
			n, _, err := folder.Flush(t.Context(), complete)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		flushed(note != nil)
		folder.Write(t.Context(), &encode.Batch{Log: log, Data: []byte(data), Begin: at}, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
		n := flushed(note != nil)
		if note != nil {
			if err := folder.Kept(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if note, err = json.Marshal(n); err != nil {
			t.Fatal(err)
		}
		if err := folder.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"out/db0-0000000003-000000000000.jsonl": "gap", "out/db0-0000000003-000000000000~1.jsonl": "set",
	}
	have := mem.Files()
	maps.DeleteFunc(have, func(name, _ string) bool { return name == "out/.pikabin.lock" })
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}
