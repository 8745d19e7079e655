package follow_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
)

// spans are what chunks and holes say, in one line for each hole and each piece of a segment that was read by itself.
type spans struct{ list []string }

func (s *spans) add(c decode.Chunk, err error) {
	if err != nil {
		s.list = append(s.list, err.Error())
		return
	}
	c.Release()
	if c.Missing != nil {
		s.list = append(s.list, binlogtest.HoleName(c.Missing))
		return
	}
	if n := len(s.list); n > 0 {
		if line, ok := strings.CutSuffix(s.list[n-1], fmt.Sprintf("%d:%d", c.Segment, c.Begin)); ok && c.Begin > 0 && !c.Exact {
			s.list[n-1] = fmt.Sprintf("%s%d:%d", line, c.Segment, c.End)
			return
		}
	}
	s.list = append(s.list, fmt.Sprintf("limit %d final %t from %d:%d to %d:%d", c.Limit, c.Final, c.Segment, c.Begin, c.Segment, c.End))
}

// converted are the spans of a log that is not followed.
func converted(t *testing.T, dir string) []string {
	t.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	must(t, err)
	plan := logs[0].Chunks(logs[0].Start(), logs[0].Committed(), binlog.PlanOptions{})
	defer plan.Close()
	var s spans
	for {
		chunk, err := plan.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return s.list
		}
		if s.add(chunk, err); len(s.list) > 100 {
			t.Fatal("no end")
		}
	}
}

// followed are those of a tail, which ends when nothing comes any more.
func followed(t *testing.T, dir string) []string {
	t.Helper()
	r := newReader(t)
	r.left = 1 << 30
	must(t, r.open(follow.Options{Idle: 1}, dir))
	var s spans
	for {
		chunk, err := r.tail.Next(t.Context())
		if err == io.EOF {
			return s.list
		}
		s.add(chunk, err)
		if _, stuck := errors.AsType[*follow.StuckError](err); stuck || len(s.list) > 100 {
			return s.list
		}
	}
}

// harm damages one segment of a log, or what the manifest says of the newest one, and says how.
func harm(t *testing.T, r *rand.Rand, dir string, w *binlogtest.Writer, g decode.Generation) string {
	t.Helper()
	segments := w.Segments()
	n := segments[r.IntN(len(segments))].Number
	path := filepath.Join(dir, binlogtest.SegmentName(n))
	data, err := os.ReadFile(path)
	must(t, err)
	what := fmt.Sprintf("segment %d of %d bytes, ", n, len(data))
	if len(data) == 0 {
		return what + "which is empty"
	}
	at := r.IntN(len(data))
	switch r.IntN(8) {
	case 0:
		must(t, os.Remove(path))
		return what + "removed"
	case 1:
		must(t, os.Truncate(path, 0))
		return what + "emptied"
	case 2:
		must(t, os.Truncate(path, int64(at)))
		return what + fmt.Sprint("cut at ", at)
	case 3:
		at = r.IntN(min(len(data), 8))
		data[at] ^= 0x7f
		what += fmt.Sprint("first header changed at ", at)
	case 4:
		data[at] ^= 0x7f
		what += fmt.Sprint("changed at ", at)
	case 5:
		clear(data[at:])
		what += fmt.Sprint("zeros from ", at)
	case 6:
		end := w.Position()
		end.Offset -= r.Int64N(end.Offset + 1)
		must(t, os.WriteFile(filepath.Join(dir, "manifest"), binlogtest.AppendManifest(nil, g, end, 7, 0), 0o600))
		return fmt.Sprint("the manifest names ", end)
	case 7:
		to := min(at+1+r.IntN(300), len(data))
		data = append(data[:at], data[to:]...)
		what += fmt.Sprint("without its bytes from ", at, " to ", to)
	}
	must(t, os.WriteFile(path, data, 0o600))
	return what
}

// TestTailOfALogAtRest: whatever is wrong with a log that does not change, a tail gives what a reader of the finished log gives.
func TestTailOfALogAtRest(t *testing.T) {
	for seed := range sample.Count(*modelRuns*5, 25) {
		r := rand.New(rand.NewPCG(seed, 11))
		g := generations[r.IntN(len(generations))]
		t.Run(fmt.Sprintf("%s-%d", nameOf(g), seed), func(t *testing.T) {
			t.Parallel()
			o := binlogtest.Options{Generation: g, SegmentSize: 1000}
			if r.IntN(3) == 0 {
				o.SegmentSize, o.Start = 1<<18, decode.Position{Segment: 3, Offset: r.Int64N(1 << 18)}
			}
			w := binlogtest.NewWriter(o)
			for i := range r.IntN(35) {
				w.Command("SET", fmt.Sprint("key", i), strings.Repeat("v", r.IntN(400)))
			}
			dir := filepath.Join(t.TempDir(), "log_db0")
			must(t, w.WriteDir(dir))
			what := harm(t, r, dir, w, g)
			want, got := converted(t, dir), followed(t, dir)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from %v, %d segments, %s (-convert +tail):\n%s", o.Start, len(w.Segments()), what, diff)
			}
		})
	}
}
