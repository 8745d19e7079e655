package encode_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// markSink keeps the places that are reached with each batch.
type markSink struct {
	sinktest.Collector
	marks []checkpoint.Mark
}

// Write implements sink.Sink.
func (s *markSink) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	s.marks = append(s.marks, b.Mark())
	s.Collector.Write(ctx, b, done)
}

// TestFencesAroundDamage: wherever a run of a damaged log is ended, right after what was lost as well, the next one knows the log again, and
// notices one that was put in its place.
func TestFencesAroundDamage(t *testing.T) {
	for name, damage := range harm {
		for seed := range sample.Count(uint64(8), 2) {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, 11))
				o := binlogtest.Options{Generation: decode.G2 + decode.Generation(rng.IntN(4)), SegmentSize: 300_000}
				dir := t.TempDir()
				damagedLog(t, dir, rng, o, damage)
				marks := marksOf(t, dir)
				checkMarks(t, dir, marks, false)
				if err := os.RemoveAll(filepath.Join(dir, "log_db0")); err != nil {
					t.Fatal(err)
				}
				sinktest.WriteLogs(t, dir, sinktest.RandomLog(rng, o, 80))
				checkMarks(t, dir, marks, true)
			})
		}
	}
}

// damagedLog writes a log with damage in one of its segments.
func damagedLog(t *testing.T, dir string, rng *rand.Rand, o binlogtest.Options, damage func(*rand.Rand, []byte) ([]byte, span)) {
	t.Helper()
	w := sinktest.RandomLog(rng, o, 60)
	sinktest.WriteLogs(t, dir, w)
	segments := w.Segments()
	victim := segments[rng.IntN(len(segments))]
	data, _ := damage(rng, victim.Bytes)
	if err := os.WriteFile(filepath.Join(dir, "log_db0", binlogtest.SegmentName(victim.Number)), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// marksOf are the places that a run comes to.
func marksOf(t *testing.T, dir string) []checkpoint.Mark {
	t.Helper()
	to := &markSink{}
	o := encode.Options{Format: sinktest.Lines(), Workers: 2, Fences: true, SkipCorrupt: true}
	if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to}, o); err != nil {
		t.Fatal(err)
	}
	return to.marks
}

// checkMarks wants the log to be the one that the marks are of, or another one.
func checkMarks(t *testing.T, dir string, marks []checkpoint.Mark, other bool) {
	t.Helper()
	l, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range marks {
		if m.Position.Offset == 0 {
			continue // nothing is before it
		}
		if err := l[0].CheckFence(t.Context(), m.Position, m.Fence); (err != nil) != other {
			t.Errorf("%v: %v", m.Position, err)
		}
	}
}
