package health_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/health"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
	"pikabin/formats"
)

// rig is a server with one log, a run that follows it into a sink, and a monitor. It lives in a bubble of synctest,
// where waiting takes no time.
type rig struct {
	t       *testing.T
	log     *decode.Log
	w       *binlogtest.Writer
	read    decode.Position
	from    decode.Position
	grew    time.Time
	chunks  chan decode.Chunk
	holes   chan decode.Hole
	sink    *gate
	stats   *stats.Stats
	monitor *health.Monitor
	remote  *health.Remote // of a log that comes over the network
	trouble error
	since   time.Time // of trouble

	ended chan struct{}

	mu     sync.Mutex
	onSave func() error // what Save does
}

// bubbleTime is where the clock of synctest begins.
const bubbleTime = 946684800

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		t: t, log: &decode.Log{DB: "db0", Slot: -1}, w: binlogtest.NewWriter(binlogtest.Options{Time: bubbleTime}), grew: time.Now(),
		chunks: make(chan decode.Chunk), holes: make(chan decode.Hole), sink: &gate{open: true}, stats: &stats.Stats{}, ended: make(chan struct{}), onSave: saved,
	}
	for c := range sink.CounterNumber {
		r.stats.Count(c, "one", 1)
	}
	r.monitor = health.New(health.Options{Stats: r.stats, Source: r.status, Version: "1.2.3"})
	return r
}

// start begins the run, with or without a state.
func (r *rig) start(keepsState bool) {
	format, _ := formats.Lookup("jsonl")
	o := encode.Options{Format: format, Stats: r.stats, Workers: 1, SkipGaps: true}
	if keepsState {
		o.Save, o.Fences = r.save, true
	}
	go func() {
		defer close(r.ended)
		encode.Run(r.t.Context(), r, sink.Opened{Sink: r.sink}, o) //nolint:errcheck // the cases look at what the monitor says of it
	}()
}

// end lets the run end.
func (r *rig) end() {
	close(r.chunks)
	r.sink.set(true)
	<-r.ended
}

func (r *rig) save(encode.Checkpoint) error {
	r.mu.Lock()
	save := r.onSave
	r.mu.Unlock()
	return save()
}

// saves decides what the saving of the state does from now on.
func (r *rig) saves(how func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onSave = how
}

func saved() error { return nil }

func (r *rig) status() []health.LogStatus {
	segments := r.w.Segments()
	return []health.LogStatus{{
		Log: r.log, From: r.from, End: r.w.Position(), Segments: len(segments), Grew: r.grew, Remote: r.remote, Trouble: r.trouble, TroubleSince: r.since,
		Behind: r.behind, Older: func(p decode.Position) int64 { return int64(p.Segment) - int64(segments[0].Number) },
	}}
}

func (r *rig) behind(from decode.Position) (n int64) {
	end := r.w.Position()
	for _, s := range r.w.Segments() {
		if s.Number >= from.Segment && s.Number < end.Segment {
			n += int64(len(s.Bytes))
		}
	}
	return n + end.Offset - from.Offset
}

// put writes records of 200 bytes.
func (r *rig) put(n int) {
	for range n {
		r.w.Command("SET", "key", strings.Repeat("v", 128))
	}
	r.grew = time.Now()
}

// follow gives the run what has been written since the last call.
func (r *rig) follow() {
	for end := r.w.Position(); r.read.Before(end); {
		data := r.w.Bytes(r.read.Segment)
		to := int64(len(data))
		if r.read.Segment == end.Segment {
			to = end.Offset
		}
		if r.read.Offset < to {
			r.chunks <- decode.Chunk{
				Blocks:  bytes.NewReader(data),
				Release: func() {},
				Span: decode.Span{
					Log: r.log, Segment: r.read.Segment, Begin: r.read.Offset, End: to, Limit: to, Exact: true, Generation: decode.G5,
				},
			}
		}
		r.read.Offset = to
		if r.read.Segment < end.Segment {
			r.read = decode.Position{Segment: r.read.Segment + 1}
		}
	}
	synctest.Wait()
}

// rewritten is a history that was replaced by another.
type rewritten struct {
	log  *decode.Log
	from decode.Position
}

func (rewritten) Error() string { return "rewritten" }
func (rewritten) Why() string   { return "rewritten" }
func (rewritten) Rewritten()    {}

func (h rewritten) Hole() (log *decode.Log, from, to decode.Position) {
	return h.log, h.from, decode.Position{}
}

// Starts makes the rig a source, as Next does.
func (*rig) Starts() map[*decode.Log]checkpoint.Mark { return map[*decode.Log]checkpoint.Mark{} }

// Next gives what follow and the tests hand out.
func (r *rig) Next(ctx context.Context) (decode.Chunk, error) {
	select {
	case <-ctx.Done():
		return decode.Chunk{}, context.Cause(ctx)
	case hole := <-r.holes:
		return decode.Missing(hole), nil
	case c, ok := <-r.chunks:
		if !ok {
			return c, io.EOF
		}
		return c, nil
	}
}

// wait lets time pass, with a look at each second, as Serve takes it.
func (r *rig) wait(d time.Duration) {
	for range d / time.Second {
		time.Sleep(time.Second)
		r.monitor.Report()
	}
	time.Sleep(d % time.Second)
	synctest.Wait()
	r.w.Advance(int(d / time.Second))
}

// get asks the monitor's pages.
func (r *rig) get(target string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r.monitor.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, target, http.NoBody))
	return answer
}

// check looks at /healthz.
func (r *rig) check(status int, contains string) {
	r.t.Helper()
	answer := r.get("/healthz")
	if answer.Code != status || !strings.Contains(answer.Body.String(), contains) {
		r.t.Errorf("got %d\n%swant %d with %q", answer.Code, answer.Body.String(), status, contains)
	}
}

// gate is a sink that delivers while it is open.
type gate struct {
	mu   sync.Mutex
	open bool
	fail error
	held []func(error)
}

func (g *gate) Write(_ context.Context, b *sink.Batch, done func(error)) {
	b.Release()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		done(g.fail)
		return
	}
	g.held = append(g.held, done)
}

func (g *gate) Close(context.Context) error { g.set(true); return nil }

// set opens or shuts the gate; what it has held back is delivered when it opens.
func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = open
	if open {
		g.release(len(g.held))
	}
}

// refuse makes every delivery from now on a failure.
func (g *gate) refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail = err
}

// deliver takes the oldest n batches on their way.
func (g *gate) deliver(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release(n)
}

func (g *gate) release(n int) {
	for _, done := range g.held[:n] {
		done(g.fail)
	}
	g.held = g.held[n:]
}
