package encode_test

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestEpochsStay: whatever a run does with a batch, what it saves is of the history that it was told of, in logs that
// come late as well.
func TestEpochsStay(t *testing.T) {
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, sinktest.RandomLog(rand.New(rand.NewPCG(3, 3)), binlogtest.Options{SegmentSize: 500_000}, 60))
	l := sinktest.Find(t, dir)[0]
	begin := checkpoint.Mark{Position: l.Start(), Epoch: 3}
	for _, late := range []bool{false, true} {
		o := encode.Options{}
		for limit := range int64(60) {
			var saved checkpoint.Mark
			o.Format, o.Limit, o.Workers = sinktest.Lines(), limit, 1
			o.Save = func(c encode.Checkpoint) error {
				saved = c.Marks[l.ID()]
				return nil
			}
			plan := sinktest.PlanOf(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16}))
			plan.Marks = map[*decode.Log]checkpoint.Mark{l.ID(): begin}
			source := &latecomer{Source: plan}
			source.come.Store(!late)
			_, err := encode.Run(t.Context(), source, sink.Opened{Sink: &sinktest.Collector{}}, o)
			if err != nil || saved.Epoch != begin.Epoch || saved.Position == begin.Position {
				t.Errorf("late %t, limit %d: saved %+v, %v", late, limit, saved, err)
			}
		}
	}
}

// latecomer is a log that has no mark before its first chunk is asked for.
type latecomer struct {
	encode.Source
	come atomic.Bool
}

func (l *latecomer) Next(ctx context.Context) (decode.Chunk, error) {
	l.come.Store(true)
	return l.Source.Next(ctx)
}

func (l *latecomer) Starts() map[*decode.Log]checkpoint.Mark {
	if !l.come.Load() {
		return map[*decode.Log]checkpoint.Mark{}
	}
	return l.Source.Starts()
}
