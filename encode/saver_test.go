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
	"sync"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
)

// memory is a Keeper that keeps in memory what it is given. Its note is a length. It asks for a flush at any write.
type memory struct {
	mu       sync.Mutex
	rng      *rand.Rand
	data     []byte
	accepted int // since the last flush
	kept     []memoryNote
	flushErr error // of the next flush
	rolled   chan struct{}
	closed   bool
}

type memoryNote struct {
	Length   int  `json:"length"`
	Complete bool `json:"complete"`
}

func newMemory(seed uint64) *memory {
	return &memory{rng: rand.New(rand.NewPCG(seed, 3)), rolled: make(chan struct{}, 1)}
}

func (m *memory) Write(_ context.Context, b *encode.Batch, done func(error)) {
	m.mu.Lock()
	m.data = append(m.data, b.Data...)
	m.accepted++
	if m.rng.IntN(3) == 0 {
		select {
		case m.rolled <- struct{}{}:
		default:
		}
	}
	m.mu.Unlock()
	done(nil)
}

func (m *memory) Flush(_ context.Context, complete bool) (any, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.flushErr; err != nil {
		m.flushErr = nil
		return nil, 0, err
	}
	n := m.accepted
	m.accepted = 0
	return memoryNote{Length: len(m.data), Complete: complete}, n, nil
}

func (m *memory) Kept(_ context.Context, note any) error {
	m.kept = append(m.kept, note.(memoryNote))
	return nil
}

func (m *memory) Rolled() <-chan struct{} { return m.rolled }

func (m *memory) Close(context.Context) error { m.closed = true; return nil }

// eager is a Keeper that is flushed while it has a write, which counts, though nobody has been told that it is done.
type eager struct {
	memory
	flushed chan struct{}
}

func (e *eager) Write(ctx context.Context, b *encode.Batch, done func(error)) {
	e.memory.Write(ctx, b, func(error) {})
	select {
	case e.rolled <- struct{}{}:
	default:
	}
	<-e.flushed
	done(nil)
}

func (e *eager) Flush(ctx context.Context, complete bool) (any, int, error) {
	defer func() {
		select {
		case e.flushed <- struct{}{}:
		default:
		}
	}()
	return e.memory.Flush(ctx, complete)
}

func newEager(seed uint64) *eager {
	e := &eager{flushed: make(chan struct{}, 1)}
	e.rng, e.rolled = rand.New(rand.NewPCG(seed, 3)), make(chan struct{}, 1)
	return e
}

// inTurn gives a chunk of each plan in turn, as a tail of several logs does.
type inTurn struct{ plans []*binlog.Plan }

func (s *inTurn) Next(ctx context.Context) (decode.Chunk, error) {
	for len(s.plans) > 0 {
		p := s.plans[0]
		s.plans = s.plans[1:]
		chunk, err := p.Next(ctx)
		if err == io.EOF {
			continue
		}
		s.plans = append(s.plans, p)
		return chunk, err
	}
	return decode.Chunk{}, io.EOF
}

func plansInTurn(t *testing.T, logs []*binlog.Log, chunk int64) *inTurn {
	t.Helper()
	s := &inTurn{}
	for _, l := range logs {
		p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})
		planOf(t, p)
		s.plans = append(s.plans, p)
	}
	return s
}

// threeLogs writes logs of many segments.
func threeLogs(t *testing.T, seed uint64) (dir string, writers []*binlogtest.Writer) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	dir = t.TempDir()
	for range 3 {
		writers = append(writers, randomLog(rng, binlogtest.Options{SegmentSize: 1 << 18}, 100))
	}
	writeLogs(t, dir, writers...)
	return dir, writers
}

// upTo is what should have come out of the logs before some positions, log by log.
func upTo(writers []*binlogtest.Writer, ends map[string]decode.Position) []string {
	var all []string
	for i, w := range writers {
		db := fmt.Sprintf("db%d", i)
		var out []byte
		records := w.Records()
		for k := range records {
			if r := &records[k]; !ends[db].Before(decode.Position{Segment: r.Segment, Offset: r.End}) {
				out = appendWant(out, db, r)
			}
		}
		all = append(all, string(out))
	}
	return all
}

// logByLog parts a stream of lines.
func logByLog(data []byte, n int) []string {
	all := make([]string, n)
	for line := range strings.Lines(string(data)) {
		var i int
		if _, err := fmt.Sscanf(line, "db%d ", &i); err == nil {
			all[i] += line
		}
	}
	return all
}

// TestCheckpoints takes checkpoints at any time: the positions are those of the output up to the note's length, and the
// fences are those of the segments.
func TestCheckpoints(t *testing.T) {
	for seed := range uint64(5) {
		dir, writers := threeLogs(t, seed)
		sink := newMemory(seed)
		logs := find(t, dir)
		saves := 0
		save := func(c encode.Checkpoint) error {
			saves++
			checkCheckpoint(t, dir, sink, writers, c)
			return nil
		}
		result, err := encode.Run(t.Context(), plansInTurn(t, logs, 1<<16), sink, encode.Options{Format: lines(), Workers: 4, Save: save, Fences: true})
		if err != nil || !sink.closed || saves == 0 || len(sink.kept) != saves || !sink.kept[saves-1].Complete {
			t.Errorf("%v, %d saves, kept %v", err, saves, sink.kept)
		}
		for i, l := range logs {
			if got := result.Committed[l.ID()]; got != writers[i].Position() {
				t.Errorf("%s: committed %v, want %v", l.ID(), got, writers[i].Position())
			}
		}
	}
}

func checkCheckpoint(t *testing.T, dir string, sink *memory, writers []*binlogtest.Writer, c encode.Checkpoint) {
	t.Helper()
	var note memoryNote
	if err := json.Unmarshal(c.Note, &note); err != nil {
		t.Fatal(err)
	}
	sink.mu.Lock()
	got := logByLog(sink.data[:note.Length], len(writers))
	sink.mu.Unlock()
	ends := map[string]decode.Position{}
	for log, mark := range c.Marks {
		ends[log.DB] = mark.Position
		checkFence(t, filepath.Join(dir, "log_"+log.DB), mark)
	}
	for i, want := range upTo(writers, ends) {
		if got[i] != want {
			t.Errorf("db%d at %v: %s", i, c.Marks, firstDifference([]byte(got[i]), []byte(want)))
		}
	}
}

func checkFence(t *testing.T, dir string, mark checkpoint.Mark) {
	t.Helper()
	logs := find(t, dir)
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

// TestCheckpointsGoOn stops a run after each save and goes on from there with the output cut to the note: nothing is
// missing, and nothing comes twice.
func TestCheckpointsGoOn(t *testing.T) {
	dir, writers := threeLogs(t, 42)
	logs := find(t, dir)
	start := map[*decode.Log]checkpoint.Mark{}
	var data []byte
	runs := 0
	for done := false; !done; runs++ {
		sink := newEager(uint64(runs))
		sink.data = data
		source := &inTurn{}
		for _, l := range logs {
			from := l.Start()
			if mark, ok := start[l.ID()]; ok {
				from = mark.Position
			}
			p := l.Chunks(from, l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16})
			planOf(t, p)
			source.plans = append(source.plans, p)
		}
		ctx, cancel := context.WithCancel(t.Context())
		result, err := encode.Run(ctx, source, sink, encode.Options{Format: lines(), Workers: 3, Start: start, Fences: true, Save: func(c encode.Checkpoint) error {
			var note memoryNote
			if err := json.Unmarshal(c.Note, &note); err != nil {
				return err
			}
			sink.mu.Lock()
			defer sink.mu.Unlock()
			if !maps.Equal(c.Marks, start) { // the first save of a run is of its beginning
				cancel()
			}
			start, data = c.Marks, bytes.Clone(sink.data[:note.Length])
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
		if got, want := logByLog(data, 3)[i], string(wantOf(fmt.Sprintf("db%d", i), w)); got != want {
			t.Errorf("db%d: %s", i, firstDifference([]byte(got), []byte(want)))
		}
	}
}

// TestFlushFails ends a run that waits for a source, and completes nothing.
func TestFlushFails(t *testing.T) {
	dir, _ := threeLogs(t, 9)
	sink := newMemory(9)
	sink.flushErr = errRefused
	source := &endless{inTurn: plansInTurn(t, find(t, dir), 1<<16)}
	var stats encode.Stats
	_, err := encode.Run(t.Context(), source, sink, encode.Options{Format: lines(), Fences: true, Stats: &stats, Save: func(encode.Checkpoint) error {
		t.Error("saved a checkpoint")
		return nil
	}})
	var sinkErr *encode.SinkError
	if !errors.As(err, &sinkErr) || !errors.Is(err, errRefused) || strings.Count(err.Error(), errRefused.Error()) != 1 || !sink.closed {
		t.Errorf("got %v", err)
	}
	if s := stats.Snapshot(); !errors.Is(s.Sink.Err, errRefused) || s.Errors[encode.ErrorSink] != 1 {
		t.Errorf("counted %+v", s)
	}
}

// TestFirstSaveFails ends a run before it has written anything, where it began.
func TestFirstSaveFails(t *testing.T) {
	dir, _ := threeLogs(t, 9)
	sink := newMemory(9)
	logs := find(t, dir)
	begin := checkpoint.Mark{Position: decode.Position{Segment: 1}}
	var stats encode.Stats
	result, err := encode.Run(t.Context(), plansInTurn(t, logs, 1<<16), sink, encode.Options{
		Format: lines(), Fences: true, Stats: &stats, Start: map[*decode.Log]checkpoint.Mark{logs[0].ID(): begin},
		Save: func(encode.Checkpoint) error { return errRefused },
	})
	var stateErr *encode.StateError
	if !errors.As(err, &stateErr) || !errors.Is(err, errRefused) || !sink.closed || len(sink.data) > 0 {
		t.Errorf("%v, %d bytes", err, len(sink.data))
	}
	if result.Committed[logs[0].ID()] != begin.Position {
		t.Errorf("committed %v", result.Committed)
	}
	if s := stats.Snapshot(); s.Errors[encode.ErrorState] != 1 || s.Sink.Err != nil {
		t.Errorf("counted %+v", s)
	}
}

// endless waits at the end of a source, as a tail does.
type endless struct {
	*inTurn
	waiting func()
}

func (s *endless) Next(ctx context.Context) (decode.Chunk, error) {
	chunk, err := s.inTurn.Next(ctx)
	if err == io.EOF {
		if s.waiting != nil {
			s.waiting()
		}
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	return chunk, err
}

// TestCheckpointFailures lets saves fail now and then: the run goes on, says so once, and saves later. What fails at
// the end is the run's error.
func TestCheckpointFailures(t *testing.T) {
	dir, writers := threeLogs(t, 7)
	errFull := errors.New("no room")
	for _, last := range []bool{false, true} {
		sink := newMemory(1)
		saves, failed := 0, 0
		var warned []string
		_, err := encode.Run(t.Context(), plansInTurn(t, find(t, dir), 1<<16), sink, encode.Options{
			Format: lines(), Workers: 3, Warn: func(text string) { warned = append(warned, text) },
			Fences: true, Save: func(c encode.Checkpoint) error {
				if saves++; saves > 1 && (saves%2 == 0 || last) {
					failed++
					return errFull
				}
				checkCheckpoint(t, dir, sink, writers, c)
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
	dir, writers := threeLogs(t, 8)
	sink := &disorderly{rng: rand.New(rand.NewPCG(1, 1)), fail: 10}
	var saved encode.Checkpoint
	result, err := encode.Run(t.Context(), plansInTurn(t, find(t, dir), 1<<16), sink, encode.Options{
		Format: lines(), Fences: true, Save: func(c encode.Checkpoint) error { saved = c; return nil },
	})
	var sinkErr *encode.SinkError
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
	dir, _ := threeLogs(t, 10)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	sink, err := encode.OpenSink(encode.SinkOptions{Target: "-", Stdout: w})
	if err != nil {
		t.Fatal(err)
	}
	source := &endless{inTurn: plansInTurn(t, find(t, dir)[:0], 1<<16)}
	source.waiting = func() { r.Close() }
	_, err = encode.Run(t.Context(), source, sink, encode.Options{Format: lines()})
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v", err)
	}
}

// TestCheckpointWithinAWrite: what a note speaks of belongs to its positions, also before the write returns.
func TestCheckpointWithinAWrite(t *testing.T) {
	dir, writers := threeLogs(t, 3)
	sink := newEager(3)
	_, err := encode.Run(t.Context(), plansInTurn(t, find(t, dir), 1<<16), sink, encode.Options{
		Format: lines(), Workers: 2, Fences: true, Save: func(c encode.Checkpoint) error {
			checkCheckpoint(t, dir, &sink.memory, writers, c)
			return nil
		},
	})
	if err != nil {
		t.Error(err)
	}
}
