package stats_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
)

func TestErrorKinds(t *testing.T) {
	var names []string
	for kind := range stats.ErrorKinds {
		names = append(names, kind.String())
	}
	if diff := cmp.Diff([]string{"sink", "state", "gap", "corrupt", "retry"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestNil: a run without stats counts nothing, and its acknowledgements still arrive.
func TestNil(t *testing.T) {
	var none *stats.Stats
	none.Begin(nil, true)
	none.InFlight(1)
	none.Add(stats.Volume{Records: 1})
	acked := false
	none.Send(func() { acked = true })()
	none.Released()
	none.Skipped(decode.OpGap, errors.New("gone"))
	none.Saved(true, nil)
	none.Failed(errors.New("full"))
	none.Waits(errors.New("away"))
	none.StandsBy(true)
	none.Oversized()
	none.Count(sink.TopicRecords, "t", 1)
	none.Ended(errors.New("ended"))
	if !acked {
		t.Error("the acknowledgement was lost")
	}
}

// TestLatency delivers a batch after each of many times: each bucket counts those that took at most as long as it says.
func TestLatency(t *testing.T) {
	now := time.Unix(0, 0)
	counted := stats.Stats{Now: func() time.Time { return now }}
	var took []time.Duration
	sum := time.Duration(0)
	for d := time.Microsecond; d < 3*time.Minute; d += d/3 + 1 {
		ack := counted.Send(func() {})
		now = now.Add(d)
		ack()
		took = append(took, d)
		sum += d
	}
	latency := counted.Snapshot().Latency
	if latency.Count != int64(len(took)) || latency.Sum != sum {
		t.Errorf("got %d in %v, want %d in %v", latency.Count, latency.Sum, len(took), sum)
	}
	for bound, n := range latency.Buckets() {
		want := uint64(0)
		for _, d := range took {
			if d <= time.Duration(math.Round(bound*1e9)) {
				want++
			}
		}
		if n != want {
			t.Errorf("%v s: got %d, want %d", bound, n, want)
		}
	}
}
