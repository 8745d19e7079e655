package encode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// histories give a log again and again, each time as another history of it.
type histories struct {
	hole decode.Hole
	list []*sinktest.Source
}

func (s *histories) Next(ctx context.Context) (decode.Chunk, error) {
	chunk, err := s.list[0].Next(ctx)
	if !errors.Is(err, io.EOF) || len(s.list) == 1 {
		return chunk, err
	}
	s.list = s.list[1:]
	return decode.Missing(s.hole), nil
}

// TestEventsOfEpochs: each event says which history it is of, whichever worker made it, and a resumed run says the same.
func TestEventsOfEpochs(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 200 {
		w.Command("SET", fmt.Sprintf("k%d", i), strings.Repeat("v", 3000))
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	l := sinktest.Find(t, dir)[0]
	format, _ := formats.Lookup("jsonl")
	events := func(workers int, epoch uint32, runs int) []string {
		list := &histories{hole: rewrite{gap{l.ID()}}}
		for range runs {
			list.list = append(list.list, sinktest.PlanOf(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: decode.BlockSize})))
		}
		to := &sinktest.Collector{}
		source := &sinktest.Source{Chunks: list, Marks: map[*decode.Log]checkpoint.Mark{l.ID(): {Position: l.Start(), Epoch: epoch}}}
		_, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: format, Workers: workers, SkipGaps: true})
		if err != nil {
			t.Fatal(err)
		}
		return strings.SplitAfter(to.String(), "\n")
	}
	whole := events(3, 0, 3)
	for i, line := range whole[:602] { // 200 events, and twice the one of the hole with 200 more
		var event struct{ Epoch int }
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.Epoch != (i+1)/201 {
			t.Fatalf("event %d: %v, %.100s", i, err, line)
		}
	}
	if again := events(1, 2, 1); strings.Join(again, "") != strings.Join(whole[402:], "") {
		t.Error("a run that resumes in the third history gives other events of it")
	}
}
