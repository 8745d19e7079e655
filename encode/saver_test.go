package encode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/stats"
)

// TestFlushesWithoutAState: what waits to be durable does not wait for the end of the run.
func TestFlushesWithoutAState(t *testing.T) {
	dir, _, _ := sinktest.SmallRecords(t, 1)
	logs := sinktest.Find(t, dir)
	synctest.Test(t, func(t *testing.T) {
		wait, ended := make(chan struct{}), make(chan struct{})
		source := &waiting{Source: sinktest.SourceOf(t, logs, 1<<20), wait: wait}
		to := &undue{memory{rng: rand.New(rand.NewPCG(1, 3))}}
		go func() {
			defer close(ended)
			if _, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines()}); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		to.mu.Lock()
		if len(to.data) == 0 || len(to.waiting) > 0 || len(to.saved) == 0 {
			t.Errorf("%d bytes written, %d batches wait, %d notes", len(to.data), len(to.waiting), len(to.saved))
		}
		to.mu.Unlock()
		close(wait)
		<-ended
	})
}

// TestCheckpoints takes checkpoints at any time: the positions are those of the output up to the note's length, and the
// fences are those of the segments.
func TestCheckpoints(t *testing.T) {
	for seed := range uint64(5) {
		dir, writers := sinktest.ThreeLogs(t, seed)
		to := newMemory(seed)
		logs := sinktest.Find(t, dir)
		saves := 0
		save := func(c encode.Checkpoint) error {
			saves++
			checkCheckpoint(t, dir, to, writers, c)
			return nil
		}
		result, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, logs, 1<<16), sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Workers: 4, Save: save, Fences: true})
		if err != nil || !to.closed || saves == 0 || len(to.saved) != saves || !to.saved[saves-1].Complete {
			t.Errorf("%v, %d saves, saved %v", err, saves, to.saved)
		}
		for i, l := range logs {
			if got := result.Committed[l.ID()]; got != writers[i].Position() {
				t.Errorf("%s: committed %v, want %v", l.ID(), got, writers[i].Position())
			}
		}
	}
}

func checkCheckpoint(t *testing.T, dir string, to *memory, writers []*binlogtest.Writer, c encode.Checkpoint) {
	t.Helper()
	var note memoryNote
	if err := json.Unmarshal(c.Note, &note); err != nil {
		t.Fatal(err)
	}
	to.mu.Lock()
	got := sinktest.LogByLog(to.data[:note.Length], len(writers))
	to.mu.Unlock()
	ends := map[string]decode.Position{}
	for log, mark := range c.Marks {
		ends[log.DB] = mark.Position
		checkFence(t, filepath.Join(dir, "log_"+log.DB), mark)
	}
	for i, want := range sinktest.UpTo(writers, ends) {
		if got[i] != want {
			t.Errorf("db%d at %v: %s", i, c.Marks, sinktest.FirstDifference([]byte(got[i]), []byte(want)))
		}
	}
}

func checkFence(t *testing.T, dir string, mark checkpoint.Mark) {
	t.Helper()
	logs := sinktest.Find(t, dir)
	segment := logs[0].Segments()[mark.Position.Segment]
	f, err := logs[0].Open(t.Context(), segment)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := mark.Fence.Again(f, mark.Position.Offset, decode.G5)
	if err != nil || again != mark.Fence || mark.Position.Offset > 0 && again == (decode.Fence{}) {
		t.Errorf("%v: fence %+v, %v", mark, again, err)
	}
}

// TestCheckpointsGoOn stops a run after each save and continues from there with the output cut to the note: nothing is
// missing, and nothing comes twice.
func TestCheckpointsGoOn(t *testing.T) {
	dir, writers := sinktest.ThreeLogs(t, 42)
	logs := sinktest.Find(t, dir)
	start := map[*decode.Log]checkpoint.Mark{}
	var data []byte
	runs := 0
	for done := false; !done; runs++ {
		to := newEager(uint64(runs))
		to.data = data
		chunks := &sinktest.InTurn{}
		for _, l := range logs {
			from := l.Start()
			if mark, ok := start[l.ID()]; ok {
				from = mark.Position
			}
			p := l.Chunks(from, l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16})
			sinktest.PlanOf(t, p)
			chunks.Plans = append(chunks.Plans, p)
		}
		ctx, cancel := context.WithCancel(t.Context())
		source := &sinktest.Source{Chunks: chunks, Marks: start}
		result, err := encode.Run(ctx, source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Workers: 3, Fences: true, Save: func(c encode.Checkpoint) error {
			var note memoryNote
			if err := json.Unmarshal(c.Note, &note); err != nil {
				return err
			}
			to.mu.Lock()
			defer to.mu.Unlock()
			if !maps.Equal(c.Marks, start) { // the first save of a run is of its beginning
				cancel()
			}
			start, data = c.Marks, bytes.Clone(to.data[:note.Length])
			return nil
		}})
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		done = err == nil
		for log, mark := range start {
			if result.Committed[log] != mark.Position {
				t.Fatalf("%s: committed %v, saved %v", log, result.Committed[log], mark.Position)
			}
		}
	}
	if runs < 3 {
		t.Errorf("only %d runs", runs)
	}
	for i, w := range writers {
		if got, want := sinktest.LogByLog(data, 3)[i], string(sinktest.WantOf(fmt.Sprintf("db%d", i), w)); got != want {
			t.Errorf("db%d: %s", i, sinktest.FirstDifference([]byte(got), []byte(want)))
		}
	}
}

// TestFlushFails ends a run that waits for a source, and completes nothing.
func TestFlushFails(t *testing.T) {
	dir, _ := sinktest.ThreeLogs(t, 9)
	to := newMemory(9)
	to.flushErr = errRefused
	source := &endless{Source: sinktest.PlansInTurn(t, sinktest.Find(t, dir), 1<<16)}
	var counted stats.Stats
	_, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Fences: true, Stats: &counted, Save: func(encode.Checkpoint) error {
		t.Error("saved a checkpoint")
		return nil
	}})
	var sinkErr *sink.Error
	if !errors.As(err, &sinkErr) || !errors.Is(err, errRefused) || strings.Count(err.Error(), errRefused.Error()) != 1 || !to.closed {
		t.Errorf("got %v", err)
	}
	if s := counted.Snapshot(); !errors.Is(s.Sink.Err, errRefused) || s.Errors[stats.ErrorSink] != 1 {
		t.Errorf("counted %+v", s)
	}
}

// TestFirstSaveFails ends a run before it has written anything, where it began.
func TestFirstSaveFails(t *testing.T) {
	dir, _ := sinktest.ThreeLogs(t, 9)
	to := newMemory(9)
	logs := sinktest.Find(t, dir)
	begin := checkpoint.Mark{Position: decode.Position{Segment: 1}}
	var counted stats.Stats
	source := sinktest.PlansInTurn(t, logs, 1<<16)
	source.Marks = map[*decode.Log]checkpoint.Mark{logs[0].ID(): begin}
	result, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{
		Format: sinktest.Lines(), Fences: true, Stats: &counted,
		Save: func(encode.Checkpoint) error { return errRefused },
	})
	var stateErr *encode.StateError
	if !errors.As(err, &stateErr) || !errors.Is(err, errRefused) || !to.closed || len(to.data) > 0 {
		t.Errorf("%v, %d bytes", err, len(to.data))
	}
	if result.Committed[logs[0].ID()] != begin.Position {
		t.Errorf("committed %v", result.Committed)
	}
	if s := counted.Snapshot(); s.Errors[stats.ErrorState] != 1 || s.Sink.Err != nil {
		t.Errorf("counted %+v", s)
	}
}

// endless waits at the end of a source, as a tail does.
type endless struct {
	encode.Source
	waiting func()
}

func (s *endless) Next(ctx context.Context) (decode.Chunk, error) {
	chunk, err := s.Source.Next(ctx)
	if err == io.EOF {
		if s.waiting != nil {
			s.waiting()
		}
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	return chunk, err
}

// TestCheckpointFailures lets saves fail now and then: the run continues, says so once, and saves later. What fails at
// the end is the run's error.
func TestCheckpointFailures(t *testing.T) {
	dir, writers := sinktest.ThreeLogs(t, 7)
	errFull := errors.New("no room")
	for _, last := range []bool{false, true} {
		to := newMemory(1)
		saves, failed := 0, 0
		var warned []string
		_, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to}, encode.Options{
			Format: sinktest.Lines(), Workers: 3, Warn: func(text string) { warned = append(warned, text) },
			Fences: true, Save: func(c encode.Checkpoint) error {
				if saves++; saves > 1 && (saves%2 == 0 || last) {
					failed++
					return errFull
				}
				checkCheckpoint(t, dir, to, writers, c)
				return nil
			},
		})
		var state *encode.StateError
		if lastFailed := saves > 1 && (last || saves%2 == 0); lastFailed != errors.As(err, &state) || lastFailed != errors.Is(err, errFull) {
			t.Errorf("last %t, %d saves: %v", last, saves, err)
		}
		if last && len(warned) == 0 && failed > 1 {
			t.Errorf("%d saves failed, warned %q", failed, warned)
		}
	}
}

// TestCheckpointOfASinkThatFailed saves what was delivered before, and says that it was the sink.
func TestCheckpointOfASinkThatFailed(t *testing.T) {
	dir, writers := sinktest.ThreeLogs(t, 8)
	to := &disorderly{rng: rand.New(rand.NewPCG(1, 1)), fail: 10}
	var saved encode.Checkpoint
	result, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to}, encode.Options{
		Format: sinktest.Lines(), Fences: true, Save: func(c encode.Checkpoint) error { saved = c; return nil },
	})
	var sinkErr *sink.Error
	if !errors.As(err, &sinkErr) || !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	for log, mark := range saved.Marks {
		if mark.Position != result.Committed[log] || writers[0].Position().Before(mark.Position) && log.DB == "db0" {
			t.Errorf("%s: saved %v, committed %v", log, mark.Position, result.Committed[log])
		}
	}
	if len(saved.Marks) == 0 || saved.Note != nil {
		t.Errorf("saved %v", saved)
	}
}

// TestReaderOfAPipeGoesAway ends a run that has nothing to write.
func TestReaderOfAPipeGoesAway(t *testing.T) {
	dir, _ := sinktest.ThreeLogs(t, 10)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	to := opened(t, "-", sink.Env{Stdout: w})
	source := &endless{Source: sinktest.PlansInTurn(t, sinktest.Find(t, dir)[:0], 1<<16)}
	source.waiting = func() { r.Close() }
	_, err = encode.Run(t.Context(), source, to, encode.Options{Format: sinktest.Lines()})
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v", err)
	}
}

// TestCheckpointWithinAWrite: what a note speaks of belongs to its positions, also before the write returns.
func TestCheckpointWithinAWrite(t *testing.T) {
	dir, writers := sinktest.ThreeLogs(t, 3)
	to := newEager(3)
	_, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to}, encode.Options{
		Format: sinktest.Lines(), Workers: 2, Fences: true, Save: func(c encode.Checkpoint) error {
			checkCheckpoint(t, dir, &to.memory, writers, c)
			return nil
		},
	})
	if err != nil {
		t.Error(err)
	}
}
