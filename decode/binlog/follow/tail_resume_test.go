//go:build unix

package follow_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest"
)

// mark is where a reader stands, as a state keeps it.
type mark struct {
	position decode.Position
	fence    decode.Fence
	known    bool
}

// begin is where a log is read on after a mark, and what is missing in front of it, as the program has it.
func (m *mark) begin(ctx context.Context, l *binlog.Log) (from decode.Position, rewritten decode.Hole) {
	if !m.known {
		return l.Start(), nil
	}
	err := l.CheckFence(ctx, m.position, m.fence)
	if other, ok := errors.AsType[*decode.RewrittenError](err); ok {
		return other.To, other
	}
	if beyond, ok := errors.AsType[*decode.BeyondError](err); ok {
		to := l.HistoryStart()
		if beyond.End.Offset == 0 {
			to = beyond.End
		}
		return to, &decode.RewrittenError{Log: l.ID(), From: m.position, To: to, Reason: fmt.Sprint("the log ends at ", beyond.End)}
	}
	return m.position, nil
}

// keep notes where the records of a chunk end that were read.
func (r *reader) keep(chunk *decode.Chunk, rec *decode.Record) {
	r.t.Helper()
	fence, err := decode.NewFence(chunk.Blocks, rec.Offset, rec.End, chunk.Generation)
	must(r.t, err)
	r.mark = mark{decode.Position{Segment: chunk.Segment, Offset: rec.End}, fence, true}
}

// lose takes a hole.
func (r *reader) lose(hole decode.Hole) {
	log, _, to := hole.Hole()
	r.got = append(r.got, item{Log: log.String(), Hole: binlogtest.HoleName(hole), hole: hole})
	r.mark = mark{position: to, known: true}
}

// resume ends the tail and begins another one after what was read.
func (r *reader) resume(dir string, g decode.Generation) {
	r.t.Helper()
	must(r.t, r.tail.Close())
	before := false
	must(r.t, r.open(follow.Options{
		Options: binlog.Options{Generation: g}, // a log of nothing but filler does not show it
		Plan:    binlog.PlanOptions{ChunkSize: decode.BlockSize},
		Start: func(ctx context.Context, l *binlog.Log, _ bool) (decode.Position, decode.Hole, error) {
			from, rewritten := r.mark.begin(ctx, l)
			before = rewritten != nil
			return from, rewritten, nil
		},
	}, dir))
	if before && !r.step() {
		r.t.Error("what is missing before the place is not given")
	}
}

// convert reads once all there is after what was read.
func (r *reader) convert(dir string, g decode.Generation) {
	r.t.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{Generation: g})
	must(r.t, err)
	l := logs[0]
	from, rewritten := r.mark.begin(r.t.Context(), l)
	plan := l.Chunks(from, l.Committed(), binlog.PlanOptions{Before: rewritten})
	defer plan.Close()
	for {
		chunk, err := plan.Next(r.t.Context())
		if errors.Is(err, io.EOF) {
			return
		}
		must(r.t, err)
		r.take(chunk)
	}
}
