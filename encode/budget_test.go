package encode_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// hoarder is a sink that keeps every batch until it is told to deliver.
type hoarder struct {
	mu    sync.Mutex
	kept  []func() // what delivers each batch
	bytes int64    // of the batches kept
	sizes []int64
	total int
}

func (s *hoarder) Write(_ context.Context, b *sink.Batch, done func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, func() {
		b.Release()
		done(nil)
	})
	s.sizes = append(s.sizes, int64(len(b.Data)))
	s.bytes += int64(len(b.Data))
	s.total++
}

func (s *hoarder) Close(context.Context) error { s.deliver(); return nil }

// deliver lets go of all that is kept, and says how much that was.
func (s *hoarder) deliver() (batches int, bytes int64) {
	s.mu.Lock()
	kept, bytes := s.kept, s.bytes
	s.kept, s.bytes, s.sizes = nil, 0, nil
	s.mu.Unlock()
	for _, deliver := range kept {
		deliver()
	}
	return len(kept), bytes
}

// TestRunBoundsTheBytesInFlight stops delivering until nothing moves any more, again and again: what has piled up by then
// is bounded, and records larger than the bound pass alone.
func TestRunBoundsTheBytesInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		memory int64
		put    func(w *binlogtest.Writer)
		want   int64 // bytes in the sink at most
	}{
		"small records": {32 << 20, func(w *binlogtest.Writer) {
			for range 600 {
				w.Command("SET", "k", strings.Repeat("v", 100_000))
			}
		}, 32 << 20},
		"large records": {32 << 20, func(w *binlogtest.Writer) {
			for range 12 {
				w.Command("SET", "k", strings.Repeat("v", 6<<20))
			}
		}, 32 << 20},
		"records larger than the bound": {8 << 20, func(w *binlogtest.Writer) {
			for range 4 {
				w.Command("SET", "k", strings.Repeat("v", 20<<20))
			}
		}, 22 << 20},
		"records that become many times as long": {32 << 20, func(w *binlogtest.Writer) {
			for range 40 {
				w.Command(strings.Fields("DEL " + strings.Repeat("k ", 40_000))...)
			}
		}, 36 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{Discard: true, SegmentSize: 60 << 20})
			c.put(w)
			dir := t.TempDir()
			if err := w.WriteDir(dir + "/log_db0"); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				to, ended := &hoarder{}, make(chan error, 1)
				source := sinktest.SourceOf(t, sinktest.Find(t, dir), 0)
				go func() {
					_, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.WholeValues(), Workers: 8, Memory: c.memory})
					ended <- err
				}()
				rounds := 0
				for {
					synctest.Wait()
					batches, bytes := to.deliver()
					if bytes > c.want && batches > 1 {
						t.Errorf("%d batches of %d bytes in flight, bound to %d", batches, bytes, c.want)
					}
					if batches == 0 {
						break
					}
					rounds++
				}
				if err := <-ended; err != nil || rounds < 2 {
					t.Errorf("ended with %v after %d rounds and %d batches", err, rounds, to.total)
				}
			})
		})
	}
}

// TestRunHoldsManySmallBatches keeps what a transaction would: what is in flight is charged for what it takes.
func TestRunHoldsManySmallBatches(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for range 2000 {
		w.Command("SET", "k", strings.Repeat("v", decode.BlockSize/2))
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	synctest.Test(t, func(t *testing.T) {
		to, ended := &hoarder{}, make(chan error, 1)
		source := sinktest.SourceOf(t, sinktest.Find(t, dir), decode.BlockSize)
		go func() {
			_, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.WholeValues(), Workers: 4, Memory: 32 << 20})
			ended <- err
		}()
		synctest.Wait()
		if batches, bytes := to.deliver(); batches < 100 {
			t.Errorf("%d batches of %d bytes are kept, then no more come", batches, bytes)
		}
		for batches := 1; batches > 0; batches, _ = to.deliver() {
			synctest.Wait()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestRunLetsGoOfLargeRecords reads a record with a million fields: after its chunk a run keeps none of it.
func TestRunLetsGoOfLargeRecords(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	w.Command(strings.Fields("HMSET k " + strings.Repeat("f v ", 500_000))...)
	for range 100 {
		w.Command("SET", "k", strings.Repeat("v", decode.BlockSize))
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	var before, last runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	to := &watcher{onWrite: func() { runtime.GC(); runtime.ReadMemStats(&last) }}
	_, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 0), sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Workers: 1})
	if grown := int64(last.HeapAlloc) - int64(before.HeapAlloc); err != nil || grown > 12<<20 {
		t.Errorf("%v: %d bytes are still in use after the large record", err, grown)
	}
}

// watcher is a sink that looks around at each batch.
type watcher struct{ onWrite func() }

func (s *watcher) Write(_ context.Context, b *sink.Batch, done func(error)) {
	s.onWrite()
	b.Release()
	done(nil)
}

func (*watcher) Close(context.Context) error { return nil }

// TestRunAllocates compares runs over logs of few and of many records: a chunk costs some allocations, a record none.
func TestRunAllocates(t *testing.T) {
	to := &watcher{onWrite: func() {}}
	for name, traits := range map[string]sink.Traits{"stream": {}, "messages": {Messages: true}} {
		t.Run(name, func(t *testing.T) { checkAllocates(t, sink.Opened{Sink: to, Traits: traits}) })
	}
}

func checkAllocates(t *testing.T, to sink.Opened) {
	t.Helper()
	perRun := func(records, size int) float64 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		for range records {
			w.Command("SET", "key", strings.Repeat("v", size))
		}
		dir := t.TempDir()
		if err := w.WriteDir(dir + "/log_db0"); err != nil {
			t.Fatal(err)
		}
		logs := sinktest.Find(t, dir)
		return testing.AllocsPerRun(3, func() {
			if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, logs, 1<<16), to, encode.Options{Format: sinktest.WholeValues(), Workers: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	few, many, longer := perRun(20*10, 6000), perRun(20*100, 560), perRun(40*100, 560)
	if many > few+200 {
		t.Errorf("%v allocations for 200 records, %v for 2000 in as many bytes", few, many)
	}
	if chunks := 2000 * 640 / float64(decode.BlockSize); (longer-many)/chunks > 25 {
		t.Errorf("%v allocations for each chunk", (longer-many)/chunks)
	}
}
