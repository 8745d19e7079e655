package sinktest

import (
	"context"
	"errors"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// InTurn gives a chunk of each plan in turn, as a tail of several logs does.
type InTurn struct{ Plans []*binlog.Plan }

// Next implements encode.Source.
func (s *InTurn) Next(ctx context.Context) (decode.Chunk, error) {
	for len(s.Plans) > 0 {
		p := s.Plans[0]
		s.Plans = s.Plans[1:]
		chunk, err := p.Next(ctx)
		if errors.Is(err, io.EOF) {
			continue
		}
		s.Plans = append(s.Plans, p)
		return chunk, err
	}
	return decode.Chunk{}, io.EOF
}

// PlansInTurn gives chunks of a size of all logs in turn.
func PlansInTurn(t *testing.T, logs []*binlog.Log, chunk int64) *InTurn {
	t.Helper()
	s := &InTurn{}
	for _, l := range logs {
		p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})
		PlanOf(t, p)
		s.Plans = append(s.Plans, p)
	}
	return s
}

// Find opens the logs under a folder.
func Find(t *testing.T, dir string) []*binlog.Log {
	t.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// SourceOf is all of the logs in chunks of a size.
func SourceOf(t *testing.T, logs []*binlog.Log, chunk int64) *binlog.Backfill {
	t.Helper()
	plans := make([]*binlog.Plan, len(logs))
	for i, l := range logs {
		plans[i] = l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})
	}
	return PlanOf(t, plans...)
}

// PlanOf chains plans, to be closed at the end of the test.
func PlanOf(t *testing.T, plans ...*binlog.Plan) *binlog.Backfill {
	t.Helper()
	source := binlog.NewBackfill(plans...)
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}
