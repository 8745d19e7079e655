//go:build unix

package follow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest/pikasim"
)

// errQuiet is how a test's wait says that there is nothing to wait for.
var errQuiet = errors.New("nothing new")

// reader is a tail whose waits take no time: they move a clock, and end the reading after a few.
type reader struct {
	t     *testing.T
	tail  *follow.Tail
	clock time.Time
	waits []time.Duration
	left  int // waits that are allowed

	got      []item
	mark     mark
	oddities []binlog.OddityKind
}

// item is what a tail gave: a record, or what is missing.
type item struct {
	Log     string
	Segment uint32
	Offset  int64
	End     int64
	Payload string
	Hole    string
	hole    decode.Hole
}

func (i item) String() string {
	if i.Hole != "" {
		return i.Hole
	}
	return fmt.Sprintf("%d:%d", i.Segment, i.Offset)
}

func newReader(t *testing.T) *reader {
	t.Helper()
	return &reader{t: t, clock: time.Unix(1_700_000_000, 0)}
}

// follow opens a tail of the paths.
func tailOf(t *testing.T, o follow.Options, paths ...string) *reader {
	t.Helper()
	r := newReader(t)
	if err := r.open(o, paths...); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reader) open(o follow.Options, paths ...string) error {
	o.Note = func(n binlog.Oddity) { r.oddities = append(r.oddities, n.Kind) }
	o.NoWatch = true
	tail, err := follow.OpenAt(r.t.Context(), paths, o, func() time.Time { return r.clock }, r.wait)
	if err != nil {
		return err
	}
	r.tail = tail
	r.t.Cleanup(func() {
		if err := tail.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return nil
}

func (r *reader) wait(_ context.Context, d time.Duration) error {
	r.clock = r.clock.Add(d)
	r.waits = append(r.waits, d)
	if r.left--; r.left < 0 {
		return errQuiet
	}
	return nil
}

// step takes one thing from the tail, if there is one.
func (r *reader) step() bool {
	r.t.Helper()
	chunk, err := r.tail.Next(r.t.Context())
	if err == nil {
		r.take(chunk)
		return true
	}
	if !errors.Is(err, errQuiet) && err != io.EOF {
		r.t.Fatal(err)
	}
	return false
}

// take scans a chunk.
func (r *reader) take(chunk decode.Chunk) {
	r.t.Helper()
	defer chunk.Release()
	if chunk.Missing != nil {
		r.lose(chunk.Missing)
		return
	}
	var s decode.Scanner
	var rec decode.Record
	s.Reset(chunk.Blocks, chunk.Span)
	for {
		err := s.Next(&rec)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			r.t.Fatalf("%s, chunk %d:%d to %d: %v", chunk.Log, chunk.Segment, chunk.Begin, chunk.End, err)
		}
		r.keep(&chunk, &rec)
		if rec.Filler || len(rec.Payload) > 0 && strings.Trim(string(rec.Payload), " ") == "" || strings.Contains(string(rec.Payload), "padding") {
			continue
		}
		r.got = append(r.got, item{
			Log: chunk.Log.String(), Segment: chunk.Segment, Offset: rec.Offset, End: rec.End, Payload: string(rec.Payload),
		})
	}
}

// drain takes all there is, and gives the tail a few seconds to find more.
func (r *reader) drain() []item {
	r.t.Helper()
	r.left = 0
	for range 4 {
		for r.step() {
			r.left = 0
		}
		r.clock = r.clock.Add(time.Second)
	}
	return r.got
}

// catchUp takes all there is at this moment.
func (r *reader) catchUp() {
	r.t.Helper()
	r.left = 0
	for r.step() {
		r.left = 0
	}
}

func committedItems(s *pikasim.Server) (list []item) {
	for _, e := range s.Journal() {
		if e.Break == "" {
			list = append(list, item{Log: "db0", Segment: e.Record.Segment, Offset: e.Record.Offset, End: e.Record.End, Payload: string(e.Record.Payload)})
		}
	}
	return list
}

// compare wants items to be those.
func compare(t *testing.T, want, got []item) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(item{})); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// server starts a pikasim in a folder of its own.
func server(t *testing.T, o pikasim.Options) *pikasim.Server {
	t.Helper()
	return serverIn(t, filepath.Join(t.TempDir(), "log_db0"), o)
}

func serverIn(t *testing.T, dir string, o pikasim.Options) *pikasim.Server {
	t.Helper()
	if o.Region == 0 {
		o.Region = 256 << 10
	}
	s, err := pikasim.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put puts n records of a size.
func put(t *testing.T, s *pikasim.Server, n, size int) {
	t.Helper()
	for i := range n {
		must(t, s.Command("SET", fmt.Sprintf("k%d-%d", len(s.Journal()), i), strings.Repeat("v", size)))
	}
}

func at(segment uint32, offset int64) decode.Position {
	return decode.Position{Segment: segment, Offset: offset}
}
