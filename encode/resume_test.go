package encode_test

import (
	"math/rand/v2"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sinktest"
)

// TestEpochsStay: whatever a run does with a batch, what it saves is of the history that it was told of, in logs that
// come late as well.
func TestEpochsStay(t *testing.T) {
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, sinktest.RandomLog(rand.New(rand.NewPCG(3, 3)), binlogtest.Options{SegmentSize: 500_000}, 60))
	l := sinktest.Find(t, dir)[0]
	begin := checkpoint.Mark{Position: l.Start(), Epoch: 3}
	for name, o := range map[string]encode.Options{
		"from the start": {Start: map[*decode.Log]checkpoint.Mark{l.ID(): begin}},
		"late":           {Late: func(log *decode.Log) (checkpoint.Mark, bool) { return begin, log == l.ID() }},
	} {
		for limit := range int64(60) {
			var saved checkpoint.Mark
			o.Format, o.Limit, o.Workers = sinktest.Lines(), limit, 1
			o.Save = func(c encode.Checkpoint) error {
				saved = c.Marks[l.ID()]
				return nil
			}
			_, err := encode.Run(t.Context(), sinktest.PlanOf(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16})), &sinktest.Collector{}, o)
			if err != nil || saved.Epoch != begin.Epoch || saved.Position == begin.Position {
				t.Errorf("%s, limit %d: saved %+v, %v", name, limit, saved, err)
			}
		}
	}
}
