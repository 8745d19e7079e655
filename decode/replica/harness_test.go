package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/replica"
	"pikabin/decode/replica/link"
	"pikabin/formats/jsonl"
)

// event is one record as its formats show it, and the place after it.
type event struct {
	text  string
	end   decode.Position
	fence decode.Fence // without Bytes
}

// reader makes events of chunks.
type reader struct {
	walker  decode.Walker
	encoder *jsonl.Encoder
	events  []event
	holes   []decode.Hole
	chain   decode.Chain
	at      decode.Position
}

func newReader(tb testing.TB) *reader {
	tb.Helper()
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	r := &reader{encoder: jsonl.New(jsonl.Options{})}
	r.walker.Decoder = d
	return r
}

// take reads a chunk. The error is damage.
func (r *reader) take(c *decode.Chunk) error {
	defer c.Release()
	if c.Missing != nil {
		r.holes = append(r.holes, c.Missing)
		r.chain = decode.Chain{}
		_, _, r.at = c.Missing.Hole()
		return nil
	}
	lost := func(l decode.Lost) error { return &l }
	r.walker.Reset(c.Blocks, c.Span)
	for r.walker.Next() {
		rec := r.walker.Record
		if rec.Filler {
			continue
		}
		e := event{end: decode.Position{Segment: c.Segment, Offset: rec.End}}
		var change decode.Change
		for r.walker.Decoder.Next(&change) {
			e.text += string(r.encoder.AppendChange(nil, &change))
		}
		fence, err := decode.NewContentFence(c.Blocks, rec.Offset, rec.End, decode.G5)
		if err != nil {
			return err
		}
		e.fence = fence
		r.events, r.at = append(r.events, e), e.end
	}
	covered, err := r.walker.Coverage()
	return errors.Join(err, r.chain.Add(&covered, lost))
}

func (r *reader) end() error { return r.chain.Close(func(l decode.Lost) error { return &l }) }

// ofFiles are the events of a log folder.
func ofFiles(tb testing.TB, dir string, from decode.Position) []event {
	tb.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	plan := logs[0].Chunks(from, logs[0].Committed(), binlog.PlanOptions{})
	defer plan.Close()
	r := newReader(tb)
	for {
		chunk, err := plan.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return r.events
		}
		if err == nil {
			err = r.take(&chunk)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// same compares events, and tells the first that differs.
func same(tb testing.TB, want, have []event) {
	tb.Helper()
	for i := range min(len(want), len(have)) {
		if want[i] != have[i] {
			tb.Fatalf("event %d:\n%+v, want\n%+v", i, have[i], want[i])
		}
	}
	if len(want) != len(have) {
		tb.Fatalf("%d events, want %d", len(have), len(want))
	}
}

// rig is a server and what reads it.
type rig struct {
	testing.TB
	master *pikamaster.Master
	o      link.Options

	mu    sync.Mutex
	notes []string
	conns int
	wrap  func(net.Conn) net.Conn // what a connection to the replication port is made of; nil: itself
}

func newRig(tb testing.TB, o pikamaster.Options) *rig {
	tb.Helper()
	o.Forbidden = func(text string) { tb.Errorf("forbidden: %s", text) }
	r := &rig{TB: tb, master: pikamaster.New(o)}
	tb.Cleanup(r.master.Stop)
	note := func(db, text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notes = append(r.notes, db+": "+text)
	}
	r.o = link.Options{
		Hosts: []string{"server:9221"}, Name: "pikabin-test-1", Memory: 1 << 20, NoHold: true, Dial: r.dial,
		Note: note, Say: note,
	}
	return r
}

func (r *rig) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := r.master.Dial(ctx, network, address)
	if err != nil || !strings.HasSuffix(address, ":11221") {
		return c, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns++
	if r.wrap != nil {
		c = r.wrap(c)
	}
	return c, nil
}

// attempts is how often the replication port was connected to.
func (r *rig) attempts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns
}

func (r *rig) noted(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(strings.Join(r.notes, "\n"), text)
}

// connect gives the server.
func (r *rig) connect() *link.Server {
	r.Helper()
	s, err := link.Connect(r.Context(), r.o)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// toEnd reads the only log from a place to the end that the server has now.
func (r *rig) toEnd(from replica.Start) *reader {
	r.Helper()
	s := r.connect()
	defer s.Close()
	logs := replica.Logs(s)
	until, err := logs[0].Resolve(r.Context(), decode.LogEnd)
	if err != nil {
		r.Fatal(err)
	}
	from.Until = &until
	got, err := r.read(s, logs, from)
	if err != nil {
		r.Fatal(err)
	}
	return got
}

// read reads until the end or an error.
func (r *rig) read(s *link.Server, logs []*replica.Log, from replica.Start) (*reader, error) {
	r.Helper()
	stream, err := replica.Open(r.Context(), s, logs, false, func(context.Context, *replica.Log, bool) (replica.Start, error) { return from, nil })
	if err != nil {
		r.Fatal(err)
	}
	defer stream.Close()
	got := newReader(r)
	for {
		chunk, err := stream.Next(r.Context())
		if errors.Is(err, io.EOF) {
			return got, got.end()
		}
		if err == nil {
			err = got.take(&chunk)
		}
		if err != nil {
			return got, err
		}
	}
}

// networkLogs are the logs of the fixtures that can be read over the network.
func networkLogs(tb testing.TB) []binlogtest.LogFixture {
	tb.Helper()
	var list []binlogtest.LogFixture
	for _, l := range binlogtest.FixtureLogs(tb) {
		if l.Generation >= decode.G3 && !strings.HasPrefix(l.Version, "3.0") && l.Slot < 0 {
			list = append(list, l)
		}
	}
	return list
}

func dbOf(name, dir string) []pikamaster.DB { return []pikamaster.DB{{Name: name, Dir: dir}} }

// unpack puts a log of a fixture into a folder of its name.
func unpack(tb testing.TB, l binlogtest.LogFixture) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "log_"+l.DB)
	if err := os.Rename(l.Unpack(tb), dir); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// historyStart is where the history of a log on the disk begins.
func historyStart(tb testing.TB, dir string) decode.Position {
	tb.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return logs[0].HistoryStart()
}

// cutter closes a connection after some reads and writes.
type cutter struct {
	net.Conn
	mu    *sync.Mutex
	calls *int // until then; below 0: never
}

func (c *cutter) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.calls--
	return *c.calls == 0
}

func (c *cutter) Read(b []byte) (int, error) {
	if c.due() {
		_ = c.Close()
	}
	return c.Conn.Read(b)
}

func (c *cutter) Write(b []byte) (int, error) {
	if c.due() {
		_ = c.Close()
	}
	return c.Conn.Write(b)
}

func typeOf(v any) string { return fmt.Sprintf("%T", v) }
