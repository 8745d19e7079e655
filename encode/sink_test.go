package encode_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/filter"
	"pikabin/encode/output"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// sent is a batch that a sink has got.
type sent struct {
	end   decode.Position
	data  []byte
	acked bool
	done  func(error)
}

// disorderly is a sink that keeps up to eight batches, and delivers one of them, any, for each that comes. Number
// fail is refused.
type disorderly struct {
	mu      sync.Mutex
	rng     *rand.Rand
	all     []*sent
	waiting []*sent
	fail    int // -1: none
	onWrite func(n int)
	acks    sync.WaitGroup
	closed  int
}

var errRefused = errors.New("refused")

func (s *disorderly) Write(_ context.Context, b *sink.Batch, done func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.all)
	b2 := &sent{end: b.End, data: bytes.Clone(b.Data), done: done}
	b.Release()
	s.all, s.waiting = append(s.all, b2), append(s.waiting, b2)
	if n == s.fail {
		b2.done = func(error) { done(errRefused) }
	}
	if len(s.waiting) == 8 {
		s.deliver(s.rng.IntN(8))
	}
	if s.onWrite != nil {
		s.onWrite(n)
	}
}

// deliver finishes one batch in a goroutine of its own.
func (s *disorderly) deliver(i int) {
	b := s.waiting[i]
	s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
	b.acked = b != s.at(s.fail)
	s.acks.Go(func() { b.done(nil) })
}

func (s *disorderly) at(i int) *sent {
	if i < 0 || i >= len(s.all) {
		return nil
	}
	return s.all[i]
}

func (s *disorderly) Close(context.Context) error {
	s.mu.Lock()
	for len(s.waiting) > 0 {
		s.deliver(s.rng.IntN(len(s.waiting)))
	}
	s.mu.Unlock()
	s.acks.Wait()
	s.closed++
	return nil
}

// run is the end of the longest run of batches that were delivered, and all bytes.
func (s *disorderly) run() (end decode.Position, data []byte) {
	broken := false
	for _, b := range s.all {
		data = append(data, b.data...)
		broken = broken || !b.acked
		if !broken {
			end = b.end
		}
	}
	return end, data
}

// TestRunAcks delivers in any order, refuses a batch, or is interrupted: the position is always the end of the longest run
// that was delivered.
func TestRunAcks(t *testing.T) {
	dir, w, want := sinktest.SmallRecords(t, 60)
	errStop := errors.New("stop")
	for name, c := range map[string]struct {
		fail, stop int
		err        error
	}{
		"nothing fails":        {-1, -1, nil},
		"the first is refused": {0, -1, errRefused},
		"one is refused":       {17, -1, errRefused},
		"the last is refused":  {59, -1, errRefused},
		"interrupted at first": {-1, 0, errStop},
		"interrupted":          {-1, 20, errStop},
		"refused, interrupted": {10, 12, errRefused},
	} {
		for seed := range uint64(5) {
			ctx, cancel := context.WithCancelCause(t.Context())
			to := &disorderly{rng: rand.New(rand.NewPCG(seed, 1)), fail: c.fail, onWrite: func(n int) {
				if n == c.stop {
					cancel(errStop)
				}
			}}
			source := sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16)
			result, err := encode.Run(ctx, source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Workers: 8})
			cancel(nil)
			if !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
				t.Errorf("%s: got error %v, want %v", name, err, c.err)
			}
			var sinkErr *sink.Error
			if errors.As(err, &sinkErr) != errors.Is(err, errRefused) {
				t.Errorf("%s: %T", name, err)
			}
			end, data := to.run()
			if got := result.Committed[result.Logs[0]]; got != end || c.err == nil && got != w.Position() {
				t.Errorf("%s: committed %v, want %v", name, got, end)
			}
			if !bytes.HasPrefix(want, data) || c.err == nil && len(data) != len(want) {
				t.Errorf("%s: %s", name, sinktest.FirstDifference(data, want))
			}
			if changes := bytes.Count(data, []byte("\n")); int(result.Changes) != changes || to.closed != 1 {
				t.Errorf("%s: counted %d changes of %d, closed %d times", name, result.Changes, changes, to.closed)
			}
		}
	}
}

// stuck is a sink whose Write waits for the context.
type stuck struct{ sinktest.Collector }

func (*stuck) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	<-ctx.Done()
	b.Release()
	done(context.Cause(ctx))
}

func TestRunInterruptsAWriteThatBlocks(t *testing.T) {
	dir, _, _ := sinktest.SmallRecords(t, 20)
	errStop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	source := sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16)
	to := &stuck{}
	time := make(chan struct{})
	go func() { <-time; cancel(errStop) }()
	result, err := encode.Run(ctx, &counting{source, time}, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), Workers: 2})
	if err != errStop || result.Committed[result.Logs[0]] != (decode.Position{}) || to.Closed != 1 {
		t.Errorf("got %v, committed %v, closed %d times", err, result.Committed, to.Closed)
	}
}

// counting closes a channel when the fourth chunk is asked for.
type counting struct {
	encode.Source
	at chan struct{}
}

func (c *counting) Next(ctx context.Context) (decode.Chunk, error) {
	chunk, err := c.Source.Next(ctx)
	if c.at != nil {
		close(c.at)
		c.at = nil
	}
	return chunk, err
}

// TestRunCloses closes the sink whatever happens, and says what its closing says.
func TestRunCloses(t *testing.T) {
	dir, _, _ := sinktest.SmallRecords(t, 2)
	to := &badClose{}
	_, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines()})
	var sinkErr *sink.Error
	if !errors.As(err, &sinkErr) || !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	to = &badClose{}
	_, err = encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to}, encode.Options{
		Format: sinktest.Lines(), Filter: filter.Filter{Types: []string{"nonsense"}},
	})
	if err == nil || to.Closed != 1 || to.Len() > 0 {
		t.Errorf("got %v, closed %d times", err, to.Closed)
	}
}

type badClose struct{ sinktest.Collector }

func (s *badClose) Close(ctx context.Context) error {
	return errors.Join(errRefused, s.Collector.Close(ctx))
}

// opened is an output by its value of --output.
func opened(t *testing.T, target string, e sink.Env) sink.Opened {
	t.Helper()
	o, err := output.Parse(target, nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := o.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestSinkErrors writes to what cannot be written to.
func TestSinkErrors(t *testing.T) {
	dir, _, _ := sinktest.SmallRecords(t, 2)
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	r.Close()
	for target, want := range map[string]error{"-": syscall.EPIPE, "/dev/full": syscall.ENOSPC} {
		to := opened(t, target, sink.Env{Stdout: pipe})
		result, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), to, encode.Options{Format: sinktest.Lines()})
		var sinkErr *sink.Error
		moved := false
		for _, at := range result.Committed {
			moved = moved || at != decode.Position{}
		}
		if !errors.As(err, &sinkErr) || !errors.Is(err, want) || moved {
			t.Errorf("%s: got %v, committed %v", target, err, result.Committed)
		}
	}
}

// TestFileSink writes to each kind of file.
func TestFileSink(t *testing.T) {
	dir, _, want := sinktest.SmallRecords(t, 3)
	out := t.TempDir()
	old, fifo := filepath.Join(out, "old"), filepath.Join(out, "fifo")
	if err := errors.Join(os.WriteFile(old, bytes.Repeat([]byte("x"), 1<<20), 0o600), syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	var piped []byte
	var reader sync.WaitGroup
	reader.Go(func() {
		f, err := os.Open(fifo)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if piped, err = io.ReadAll(f); err != nil {
			t.Error(err)
		}
	})
	for _, target := range []string{old, filepath.Join(out, "new"), fifo, "/dev/null"} {
		to := opened(t, target, sink.Env{})
		if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), to, encode.Options{Format: sinktest.Lines()}); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if target == fifo || target == "/dev/null" {
			continue
		}
		if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %s", target, err, sinktest.FirstDifference(got, want))
		}
	}
	if reader.Wait(); !bytes.Equal(piped, want) {
		t.Errorf("pipe: %s", sinktest.FirstDifference(piped, want))
	}
	o, err := output.Parse(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(t.Context(), sink.Env{}); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := output.Parse("nonsense://x", nil); err == nil {
		t.Error("an output that nobody knows was understood")
	}
}

// switching is a format that says when the DB changes.
func switching() formats.Format {
	return formats.Format{New: func(formats.Options) formats.Encoder { return switchEncoder{} }}
}

type switchEncoder struct{ sinktest.LineEncoder }

var errNoNumber = errors.New("no number")

func (switchEncoder) AppendSwitch(dst []byte, db string) ([]byte, error) {
	if db == "db2" {
		return dst, errNoNumber
	}
	return append(dst, "SELECT "+db+"\n"...), nil
}

// TestRunSwitches puts a switch in front of the first change of another DB, and of nothing else.
func TestRunSwitches(t *testing.T) {
	var writers []*binlogtest.Writer
	for range 3 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command("SET", "k", "v")
		w.Fill(0)
		w.Command("SET", "k", "v")
		writers = append(writers, w)
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, writers...)
	to, result, err := sinktest.Convert(t, dir, 1<<16, encode.Options{Format: switching()})
	want := string(sinktest.WantOf("db0", writers[0])) + "SELECT db1\n" + string(sinktest.WantOf("db1", writers[1]))
	if !errors.Is(err, errNoNumber) || to.String() != want {
		t.Errorf("got %v, %s", err, sinktest.FirstDifference(to.Bytes(), []byte(want)))
	}
	for i, end := range []decode.Position{writers[0].Position(), writers[1].Position(), {}} {
		if got := result.Committed[result.Logs[i]]; got != end {
			t.Errorf("db%d: committed %v, want %v", i, got, end)
		}
	}
}
