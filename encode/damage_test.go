package encode_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// lostOf collects the ranges that a run reports.
type lostOf struct{ ranges []decode.Lost }

func (l *lostOf) report(err error) {
	if lost, ok := errors.AsType[*decode.Lost](err); ok {
		l.ranges = append(l.ranges, *lost)
	}
}

// span is a range of bytes in a segment.
type span struct{ from, to int64 }

func (s span) meets(from, to int64) bool { return s.from < to && from < s.to }

// harm is a way to damage bytes. It gives the range that it may have changed.
var harm = map[string]func(rng *rand.Rand, data []byte) ([]byte, span){
	"a bit": func(rng *rand.Rand, data []byte) ([]byte, span) {
		i := rng.IntN(len(data))
		data[i] ^= 1 << rng.IntN(8)
		return data, span{int64(i), int64(i) + 1}
	},
	"zeros": func(rng *rand.Rand, data []byte) ([]byte, span) {
		from := rng.IntN(len(data) - 1)
		to := from + 1 + rng.IntN(min(len(data)-from-1, 5000)+1)
		to = min(to, len(data))
		clear(data[from:to])
		return data, span{int64(from), int64(to)}
	},
	"zero pages": func(rng *rand.Rand, data []byte) ([]byte, span) {
		from := rng.IntN(len(data)) &^ 4095
		to := min(from+4096*(1+rng.IntN(64)), len(data))
		clear(data[from:to])
		return data, span{int64(from), int64(to)}
	},
	"a block of elsewhere": func(rng *rand.Rand, data []byte) ([]byte, span) {
		blocks := len(data) / decode.BlockSize
		if blocks < 2 {
			data[0] ^= 0xff
			return data, span{0, 1}
		}
		to, from := rng.IntN(blocks), rng.IntN(blocks)
		copy(data[to*decode.BlockSize:(to+1)*decode.BlockSize], bytes.Clone(data[from*decode.BlockSize:(from+1)*decode.BlockSize]))
		return data, span{int64(to) * decode.BlockSize, int64(to+1) * decode.BlockSize}
	},
	"noise": func(rng *rand.Rand, data []byte) ([]byte, span) {
		from := rng.IntN(len(data))
		to := min(from+1+rng.IntN(100_000), len(data))
		for i := from; i < to; i++ {
			data[i] = byte(rng.Uint32())
		}
		return data, span{int64(from), int64(to)}
	},
}

// TestRunDamage damages a segment and reads around it: every record outside of the damaged blocks comes
// out, what is missing is covered by ranges that are reported once and stand in the stream, and neither
// workers nor the size of chunks change the ranges.
func TestRunDamage(t *testing.T) {
	for name, damage := range harm {
		for seed := range sample.Count(uint64(5), 2) {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, 7))
				g := decode.G1 + decode.Generation(rng.IntN(5))
				w := sinktest.RandomLog(rng, binlogtest.Options{Generation: g, SegmentSize: 1_200_000}, 60)
				dir := t.TempDir()
				sinktest.WriteLogs(t, dir, w)
				segments := w.Segments()
				victim := segments[rng.IntN(len(segments))]
				data, where := damage(rng, bytes.Clone(victim.Bytes))
				path := filepath.Join(dir, "log_db0", binlogtest.SegmentName(victim.Number))
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				all, first := checkSkip(t, dir, w, victim.Number, where)
				checkFail(t, dir, w, all, first, where)
			})
		}
	}
}

// checkSkip reads around damage in many ways. It gives the first range lost, if there is one.
func checkSkip(t *testing.T, dir string, w *binlogtest.Writer, segment uint32, where span) ([]byte, *decode.Lost) {
	t.Helper()
	var want []byte
	var ranges []decode.Lost
	for i, how := range []way{{1, 0, 1 << 20, ""}, {8, 0, 1 << 16, ""}, {2, 0, 3 << 16, ""}} {
		var lost lostOf
		to, result, err := sinktest.Convert(t, dir, how.chunk, encode.Options{Workers: how.workers, SkipCorrupt: true, Report: lost.report})
		if err != nil {
			t.Fatalf("%+v: %v", how, err)
		}
		if int(result.Lost) != len(lost.ranges) {
			t.Errorf("%+v: %d ranges counted, %d reported", how, result.Lost, len(lost.ranges))
		}
		if i == 0 {
			want, ranges = to.Bytes(), lost.ranges
			checkLost(t, w, want, ranges, segment, where)
		} else if !bytes.Equal(to.Bytes(), want) {
			t.Fatalf("%+v: %s", how, sinktest.FirstDifference(to.Bytes(), want))
		}
	}
	to := &sinktest.Messages{}
	o := encode.Options{Format: sinktest.Lines(), SkipCorrupt: true}
	if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to, Traits: sink.Traits{Messages: true}}, o); err != nil {
		t.Fatal(err)
	}
	if got := bytes.Join(to.Values, nil); !bytes.Equal(got, want) {
		t.Fatalf("as messages: %s", sinktest.FirstDifference(got, want))
	}
	if len(ranges) == 0 {
		return want, nil
	}
	return want, &ranges[0]
}

// checkLost compares the stream with what had been written.
func checkLost(t *testing.T, w *binlogtest.Writer, out []byte, ranges []decode.Lost, segment uint32, where span) {
	t.Helper()
	came := map[string]bool{}
	events := 0
	for _, line := range strings.SplitAfter(string(out), "\n") {
		came[line] = true
		if strings.Contains(line, " corrupt ") {
			events++
		}
	}
	if events != len(ranges) {
		t.Errorf("%d events of damage, %d reported", events, len(ranges))
	}
	for i, r := range ranges {
		if r.From.Segment != segment || r.To.Segment != segment || r.From.Offset >= r.To.Offset {
			t.Errorf("lost %v to %v, in segment %d", r.From, r.To, segment)
		}
		if i > 0 && r.From.Before(ranges[i-1].To) {
			t.Errorf("lost %v to %v, and then from %v", ranges[i-1].From, ranges[i-1].To, r.From)
		}
	}
	whole := merge(ranges)
	// A block that was damaged may be lost as a whole, and with it the records that reach into it.
	block := span{where.from &^ (decode.BlockSize - 1), (where.to + decode.BlockSize - 1) &^ (decode.BlockSize - 1)}
	records := w.Records()
	for i := range records {
		rec := &records[i]
		covered := slices.ContainsFunc(whole, func(l decode.Lost) bool {
			return rec.Segment == segment && l.From.Offset <= rec.Offset && rec.End <= l.To.Offset
		})
		touched := rec.Segment == segment && where.meets(rec.Offset, rec.End)
		for _, line := range strings.SplitAfter(string(sinktest.AppendWant(nil, "db0", rec)), "\n") {
			switch {
			case line == "" || came[line]:
			case !touched && (rec.Segment != segment || !block.meets(rec.Offset, rec.End)):
				t.Errorf("not there, though the damage at %v does not touch it: %s", where, line)
			case !covered && !touched:
				t.Errorf("not there, and in no range: %s", line)
			}
		}
	}
}

// merge joins ranges that touch each other.
func merge(ranges []decode.Lost) []decode.Lost {
	var whole []decode.Lost
	for _, r := range ranges {
		if n := len(whole); n > 0 && whole[n-1].To == r.From {
			whole[n-1].To = r.To
			continue
		}
		whole = append(whole, r)
	}
	return whole
}

// checkFail reads up to the damage.
func checkFail(t *testing.T, dir string, w *binlogtest.Writer, all []byte, first *decode.Lost, where span) {
	t.Helper()
	for _, how := range []way{{1, 0, 1 << 20, ""}, {8, 0, 1 << 16, ""}} {
		to, result, err := sinktest.Convert(t, dir, how.chunk, encode.Options{Workers: how.workers})
		if first == nil {
			if err != nil {
				t.Errorf("%+v: %v, and with skip nothing was lost", how, err)
			}
			return
		}
		var damage *decode.CorruptError
		if !errors.As(err, &damage) || damage.Segment != first.From.Segment || damage.Offset < first.From.Offset || damage.Error() != first.Err.Error() {
			t.Errorf("%+v: got error %v, want %v", how, err, first.Err)
		}
		got := result.Committed[result.Logs[0]]
		if got.Segment == first.From.Segment && (first.From.Before(got) || first.From.Offset-got.Offset > 7) {
			t.Errorf("%+v: committed %v, want %v", how, got, first.From)
		}
		// What was spliced in from elsewhere has good frames, and cannot be told from records.
		limit := min(first.From.Offset, where.from&^(decode.BlockSize-1))
		var want []byte
		records := w.Records()
		for i := range records {
			if rec := &records[i]; rec.Segment < first.From.Segment || rec.Segment == first.From.Segment && rec.End <= limit {
				want = sinktest.AppendWant(want, "db0", rec)
			}
		}
		if !bytes.HasPrefix(to.Bytes(), want) {
			t.Errorf("%+v: %s", how, sinktest.FirstDifference(to.Bytes(), want))
		}
		if next := all[to.Len():]; !bytes.HasPrefix(all, to.Bytes()) || !bytes.HasPrefix(next, []byte("db0 corrupt ")) {
			t.Errorf("%+v: %d bytes came, and with skip %.100s is next", how, to.Len(), next)
		}
	}
}
