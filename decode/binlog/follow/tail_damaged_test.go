//go:build unix

package follow_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest/damaged"
	"pikabin/decode/binlogtest/sample"
)

var (
	damagedLogs = flag.Int("damaged", 50, "how many damaged logs are followed")
	damagedFrom = flag.Uint64("damaged-from", 1, "the seed of the first of them")
)

// TestDamagedLogsAtRest: of a damaged log that nobody writes any more a tail gives what a plan gives, records and holes.
func TestDamagedLogsAtRest(t *testing.T) {
	for seed := *damagedFrom; seed < *damagedFrom+uint64(sample.Count(*damagedLogs, 10)); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			l := damaged.New(seed)
			dir := filepath.Join(t.TempDir(), "log")
			if err := l.Write(dir); err != nil {
				t.Fatal(err)
			}
			want, got := planned(t, dir), tailed(t, dir)
			if !slices.Equal(want.holes, got.holes) || !slices.Equal(want.records, got.records) {
				t.Errorf("a plan gives %d records, %v, and a tail %d records, %v\n%s", len(want.records), want.holes, len(got.records), got.holes,
					strings.Join(l.History, "\n"))
			}
		})
	}
}

// reading is what a log gives.
type reading struct {
	t       *testing.T
	walker  decode.Walker
	chain   decode.Chain
	records []string
	holes   []string
}

func planned(t *testing.T, dir string) *reading {
	t.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := logs[0].Chunks(logs[0].Start(), logs[0].Committed(), binlog.PlanOptions{})
	defer p.Close()
	return readAll(t, p.Next)
}

// tailed follows a log until it is believed to be at rest, by a clock of its own.
func tailed(t *testing.T, dir string) *reading {
	t.Helper()
	clock := time.Unix(1_700_000_000, 0)
	tail, err := follow.OpenAt(t.Context(), []string{dir}, follow.Options{NoWatch: true, Idle: time.Minute}, func() time.Time { return clock },
		func(context.Context, time.Duration) error {
			clock = clock.Add(time.Second)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	return readAll(t, tail.Next)
}

func readAll(t *testing.T, next func(context.Context) (decode.Chunk, error)) *reading {
	t.Helper()
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := &reading{t: t, walker: decode.Walker{Decoder: d, Skip: true}}
	r.walker.Lost = func(l decode.Lost) { _ = r.lost(l) }
	for {
		chunk, err := next(t.Context())
		switch {
		case err == nil && chunk.Missing != nil:
			r.close()
			_, from, to := chunk.Missing.Hole()
			r.holes = append(r.holes, fmt.Sprintf("%T %v-%v", chunk.Missing, from, to))
			continue
		case err == nil:
			r.chunk(&chunk)
			continue
		case !errors.Is(err, io.EOF):
			r.holes = append(r.holes, err.Error())
		}
		r.close()
		return r
	}
}

func (r *reading) chunk(c *decode.Chunk) {
	defer c.Release()
	r.walker.Reset(c.Blocks, c.Span)
	for r.walker.Next() {
		r.records = append(r.records, fmt.Sprintf("%d:%d-%d", c.Segment, r.walker.Record.Offset, r.walker.Record.End))
	}
	p, err := r.walker.Coverage()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.chain.Add(&p, r.lost); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reading) close() {
	if err := r.chain.Close(r.lost); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reading) lost(l decode.Lost) error {
	r.holes = append(r.holes, fmt.Sprintf("lost %v-%v", l.From, l.To))
	return nil
}
