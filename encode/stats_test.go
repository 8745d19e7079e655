package encode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/stats"
)

// counts are the numbers of a snapshot that a result has, too.
type counts struct{ Records, Changes, Passed, Read, Plain, Written, Damaged, Gaps int64 }

// TestStatsAgreeWithTheResult counts a log with all that a log can have.
func TestStatsAgreeWithTheResult(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 3 {
		w.Command("SET", fmt.Sprintf("a%d", i), "v")
		w.Padding(20, binlogtest.Put{})
		w.Put(long())
		w.Raw(bytes.Repeat([]byte("garbage"), decode.BlockSize))
		w.Command("SET", "b", "v")
		w.Rotate()
	}
	w.Command("SET", "last", "v")
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	var counted stats.Stats
	_, result, err := sinktest.Convert(t, dir, 1<<16, encode.Options{Stats: &counted, SkipCorrupt: true, Workers: 3})
	if err != nil || result.Lost == 0 || result.Passed == 0 {
		t.Fatalf("%v: %+v", err, result)
	}
	s := counted.Snapshot()
	want := counts{result.Records, result.Changes, result.Passed, result.Read, result.Plain, result.Written, result.Lost, result.Gaps}
	if diff := cmp.Diff(want, counts{s.Records, s.Changes, s.Passed, s.Read, s.Plain, s.Written, s.Damaged, s.Gaps}); diff != "" {
		t.Errorf("-result +stats:\n%s", diff)
	}
	if s.Errors[stats.ErrorCorrupt] != result.Lost || s.LastError.Err == nil || s.Working != 0 || s.Unacked != 0 || s.Latency.Count != s.Deliveries {
		t.Errorf("%+v", s)
	}
	got := counted.Logs()[result.Logs[0]]
	if got.Position != w.Position() || got.Time != binlogtest.DefaultTime {
		t.Errorf("delivered %+v, want %v at %d", got, w.Position(), binlogtest.DefaultTime)
	}
}

// TestStatsAreReadWhileTheRunGoesOn looks from other goroutines: what is acknowledged only moves on.
func TestStatsAreReadWhileTheRunGoesOn(t *testing.T) {
	dir, w, _ := sinktest.SmallRecords(t, 20)
	logs := sinktest.Find(t, dir)
	var counted stats.Stats
	var looks sync.WaitGroup
	to := &watcher{onWrite: func() {
		before := counted.Logs()
		looks.Go(func() {
			for log, now := range counted.Logs() {
				if now.Position.Before(before[log].Position) || w.Position().Before(now.Position) {
					t.Errorf("%v after %v", now, before[log])
				}
			}
			if s := counted.Snapshot(); s.Working < 0 || s.Unacked < 0 || s.Unacked > 1 {
				t.Errorf("%+v", s)
			}
		})
	}}
	_, err := encode.Run(t.Context(), sinktest.SourceOf(t, logs, 1<<16), sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Stats: &counted})
	looks.Wait()
	if s := counted.Snapshot(); err != nil || s.Working != 0 || s.Unacked != 0 {
		t.Errorf("%v, %+v", err, s)
	}
}

// gap is a hole of a log.
type gap struct{ log *decode.Log }

func (gap) Error() string { return "gone" }

func (gap) Why() string { return "gone" }

func (g gap) Hole() (log *decode.Log, from, to decode.Position) {
	return g.log, decode.Position{}, decode.Position{Segment: 7}
}

type rewrite struct{ gap }

func (rewrite) Rewritten() {}

// holesOf gives holes alone.
type holesOf struct{ list []decode.Hole }

func (s *holesOf) Next(context.Context) (decode.Chunk, error) {
	if len(s.list) == 0 {
		return decode.Chunk{}, io.EOF
	}
	hole := s.list[0]
	s.list = s.list[1:]
	return decode.Missing(hole), nil
}

// TestStatsOfHoles counts ranges that are missing, and one that ends the run.
func TestStatsOfHoles(t *testing.T) {
	hole := gap{&decode.Log{DB: "db0", Slot: -1}}
	for name, c := range map[string]struct {
		skip                 bool
		gaps, rewrites, errs int64
	}{
		"skipped": {true, 2, 1, 3},
		"fatal":   {false, 0, 0, 1},
	} {
		var counted stats.Stats
		source := &sinktest.Source{Chunks: &holesOf{[]decode.Hole{hole, rewrite{hole}, hole}}}
		_, err := encode.Run(t.Context(), source, sink.Opened{Sink: &sinktest.Collector{}}, encode.Options{Format: sinktest.Lines(), Stats: &counted, SkipGaps: c.skip})
		s := counted.Snapshot()
		if (err == nil) != c.skip || s.Gaps != c.gaps || s.Rewrites != c.rewrites || s.Errors[stats.ErrorGap] != c.errs {
			t.Errorf("%s: %v, %+v", name, err, s)
		}
	}
}

// slowResumable is a Resumable whose Flush makes nothing durable until it is told to.
type slowResumable struct {
	sinktest.Collector
	mu      sync.Mutex
	waiting []func(error)
	slow    bool
}

// durable lets the next Flush make everything durable.
func (k *slowResumable) durable() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.slow = false
}

func (k *slowResumable) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = append(k.waiting, done)
	k.Collector.Write(ctx, b, func(error) {})
}

func (k *slowResumable) Flush(context.Context, sink.Moment) (note any, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.slow {
		return json.RawMessage(`0`), nil
	}
	for _, done := range k.waiting {
		done(nil)
	}
	k.waiting = nil
	return json.RawMessage(`1`), nil
}

func (*slowResumable) Saved(context.Context, any) error { return nil }

func (*slowResumable) Due() <-chan struct{} { return nil }

// TestStatsOfAResumable reckons a write as delivered when it is durable, and not before.
func TestStatsOfAResumable(t *testing.T) {
	dir, _, _ := sinktest.SmallRecords(t, 1)
	logs := sinktest.Find(t, dir)
	synctest.Test(t, func(t *testing.T) {
		var counted stats.Stats
		wait, ended := make(chan struct{}), make(chan struct{})
		source := &waiting{Source: sinktest.SourceOf(t, logs, 1<<20), wait: wait}
		to := &slowResumable{slow: true}
		go func() {
			defer close(ended)
			save := func(encode.Checkpoint) error { return nil }
			if _, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Stats: &counted, Save: save, Fences: true}); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		s := counted.Snapshot()
		if s.Unacked != 1 || s.Working != 0 || s.Deliveries != 0 || s.Errors[stats.ErrorSink] != 0 || s.Saves != 2 {
			t.Errorf("before: %+v", s)
		}
		to.durable()
		time.Sleep(time.Second)
		synctest.Wait()
		s = counted.Snapshot()
		if s.Unacked != 0 || s.Deliveries != 1 || s.Sink.Err != nil || s.Saves != 3 || s.Latency.Sum != 3*time.Second ||
			s.Latency.Buckets()[2] != 0 || s.Latency.Buckets()[5] != 1 {
			t.Errorf("after: %+v", s)
		}
		close(wait)
		<-ended
	})
}

// waiting is a source that waits at its end.
type waiting struct {
	encode.Source
	wait <-chan struct{}
}

func (w *waiting) Next(ctx context.Context) (decode.Chunk, error) {
	c, err := w.Source.Next(ctx)
	if err == io.EOF {
		<-w.wait
	}
	return c, err
}
