package sinktest

import (
	"context"
	"errors"
	"io"
	"maps"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode/checkpoint"
)

// Source is an encode.Source.
type Source struct {
	Chunks interface {
		Next(ctx context.Context) (decode.Chunk, error)
	}
	Marks map[*decode.Log]checkpoint.Mark // from which logs are read
}

// Next gives the next of the Chunks.
func (s *Source) Next(ctx context.Context) (decode.Chunk, error) { return s.Chunks.Next(ctx) }

// Starts are the Marks.
func (s *Source) Starts() map[*decode.Log]checkpoint.Mark {
	marks := map[*decode.Log]checkpoint.Mark{}
	maps.Copy(marks, s.Marks)
	return marks
}

// InTurn gives a chunk of each plan in turn, as a tail of several logs does.
type InTurn struct{ Plans []*binlog.Plan }

// Next gives the next chunk, and io.EOF when all plans are at their ends.
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
func PlansInTurn(t *testing.T, logs []*binlog.Log, chunk int64) *Source {
	t.Helper()
	s := &InTurn{}
	for _, l := range logs {
		p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})
		PlanOf(t, p)
		s.Plans = append(s.Plans, p)
	}
	return &Source{Chunks: s}
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
func SourceOf(t *testing.T, logs []*binlog.Log, chunk int64) *Source {
	t.Helper()
	plans := make([]*binlog.Plan, len(logs))
	for i, l := range logs {
		plans[i] = l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})
	}
	return PlanOf(t, plans...)
}

// PlanOf chains plans, to be closed at the end of the test.
func PlanOf(t *testing.T, plans ...*binlog.Plan) *Source {
	t.Helper()
	source := binlog.NewBackfill(plans...)
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Source{Chunks: source}
}
