package pin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlog/pin"
	"pikabin/decode/binlogtest"
	"pikabin/encode/vfs"
)

// pinning is a log of ten segments in a folder, and pins beside it.
type pinning struct {
	t        *testing.T
	w        *binlogtest.Writer
	dir, own string
	pins     *pin.Pins
	log      *binlog.Log

	mu     sync.Mutex
	warned []string
}

func newPinning(t *testing.T, limit int64) *pinning {
	t.Helper()
	top := t.TempDir()
	p := &pinning{t: t, dir: filepath.Join(top, "log", "log_db0"), own: filepath.Join(top, "pins")}
	p.w = binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1000})
	for i := range 40 {
		p.w.Command("SET", fmt.Sprint("key", i), strings.Repeat("v", 200))
	}
	if err := p.w.WriteDir(p.dir); err != nil {
		t.Fatal(err)
	}
	p.open(limit)
	return p
}

func (p *pinning) open(limit int64) {
	p.t.Helper()
	pins, err := pin.New(context.Background(), pin.Options{FS: vfs.OS{}, Dir: p.own, Limit: limit, Warn: func(text string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.warned = append(p.warned, text)
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { pins.Close() })
	p.pins = pins
	logs, err := binlog.Find([]string{p.dir}, binlog.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.log = logs[0]
}

func (p *pinning) follow(from decode.Position) {
	p.t.Helper()
	if err := p.pins.Follow(p.log, from, 3); err != nil {
		p.t.Fatal(err)
	}
}

// purge unlinks the server's segments up to a number.
func (p *pinning) purge(last uint32) {
	p.t.Helper()
	for n := range last + 1 {
		if err := os.Remove(filepath.Join(p.dir, binlogtest.SegmentName(n))); err != nil && !errors.Is(err, os.ErrNotExist) {
			p.t.Fatal(err)
		}
	}
}

// links are the names in the folder of the pins.
func (p *pinning) links() string {
	p.t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.own, "log_db0"))
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimPrefix(e.Name(), "write2file"))
	}
	return strings.Join(names, " ")
}

// readAll counts the bytes of the chunks from a position on, and the holes.
func (p *pinning) readAll(from decode.Position) (size int64, holes []error) {
	p.t.Helper()
	plan := p.log.Chunks(from, p.log.Committed(), binlog.PlanOptions{})
	defer plan.Close()
	for {
		chunk, err := plan.Next(context.Background())
		var hole decode.Hole
		switch {
		case err == io.EOF:
			return size, holes
		case errors.As(err, &hole):
			holes = append(holes, err)
			continue
		case err != nil:
			p.t.Fatal(err)
		}
		buf := make([]byte, chunk.End-chunk.Begin)
		if _, err := chunk.Source.ReadAt(buf, chunk.Begin); err != nil {
			p.t.Fatal(err)
		}
		size += int64(len(buf))
		chunk.Release()
	}
}

func (p *pinning) size(from, to uint32) (size int64) {
	for n := from; n <= to; n++ {
		size += int64(len(p.w.Bytes(n)))
	}
	return size
}

// TestPinsOutliveAPurge reads all from where it was pinned, though the server has purged every segment: before the listing,
// between the listing and the reading, and the live one too.
func TestPinsOutliveAPurge(t *testing.T) {
	for _, relist := range []bool{false, true} {
		p := newPinning(t, 0)
		last := p.w.Position().Segment
		p.follow(decode.Position{Segment: 2})
		p.purge(last)
		if relist {
			if err := p.log.Refresh(); err != nil {
				t.Fatal(err)
			}
		}
		if size, holes := p.readAll(decode.Position{Segment: 2}); size != p.size(2, last) || holes != nil {
			t.Errorf("relisted %t: got %d bytes, want %d; %v", relist, size, p.size(2, last), holes)
		}
	}
}

// TestPinsRelease removes what is delivered and nothing else, and never anything of the server's.
func TestPinsRelease(t *testing.T) {
	p := newPinning(t, 0)
	p.follow(decode.Position{Segment: 3, Offset: 100})
	if got := p.links(); got != "3 4 5 6 7 8 9" {
		t.Errorf("links %s", got)
	}
	p.pins.Release(p.log.ID(), decode.Position{Segment: 8, Offset: 5}, 2)
	if got := p.links(); got != "3 4 5 6 7 8 9" {
		t.Errorf("a position of an earlier epoch: links %s", got)
	}
	p.pins.Release(p.log.ID(), decode.Position{Segment: 8, Offset: 5}, 3)
	if got := p.links(); got != "8 9" {
		t.Errorf("links %s", got)
	}
	p.pins.Restart(p.log.ID(), decode.Position{Segment: 5})
	p.pins.Release(p.log.ID(), decode.Position{Segment: 9}, 3)
	if got := p.links(); got != "5 6 7 8 9" {
		t.Errorf("another history: links %s", got)
	}
	for n := range p.w.Position().Segment + 1 {
		if b, err := os.ReadFile(filepath.Join(p.dir, binlogtest.SegmentName(n))); err != nil || string(b) != string(p.w.Bytes(n)) {
			t.Errorf("write2file%d of the server: %v", n, err)
		}
	}
}

// TestPinsAreTakenOver closes and opens the folder: the links of the run before still hold what was purged meanwhile.
func TestPinsAreTakenOver(t *testing.T) {
	p := newPinning(t, 0)
	p.follow(decode.Position{})
	if _, err := pin.New(context.Background(), pin.Options{FS: vfs.OS{}, Dir: p.own}); err == nil || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("a second one: %v", err)
	}
	if err := p.pins.Close(); err != nil {
		t.Fatal(err)
	}
	p.purge(6)
	p.open(0)
	p.follow(decode.Position{Segment: 4})
	if got := p.links(); got != "4 5 6 7 8 9" {
		t.Errorf("links %s", got)
	}
	if size, holes := p.readAll(decode.Position{Segment: 4}); size != p.size(4, 9) || holes != nil {
		t.Errorf("got %d bytes, want %d; %v", size, p.size(4, 9), holes)
	}
}

// TestPinsOfAnotherHistory makes a segment anew under the same number: the link follows, as the reader has to.
func TestPinsOfAnotherHistory(t *testing.T) {
	p := newPinning(t, 0)
	p.follow(decode.Position{})
	path := filepath.Join(p.dir, binlogtest.SegmentName(9))
	if err := errors.Join(os.Remove(path), os.WriteFile(path+".new", []byte("new"), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
	p.follow(decode.Position{})
	if b, err := os.ReadFile(filepath.Join(p.own, "log_db0", binlogtest.SegmentName(9))); err != nil || string(b) != "new" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestPinLimit lets go of the oldest segments that the server has purged, loudly, and of no others.
func TestPinLimit(t *testing.T) {
	p := newPinning(t, 0)
	p.follow(decode.Position{})
	p.pins.Close()
	p.purge(5)
	one := p.size(5, 5)
	p.open(2*one + one/2)
	p.follow(decode.Position{})
	if got := p.links(); got != "4 5 6 7 8 9" {
		t.Errorf("links %s", got)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if text := strings.Join(p.warned, "\n"); strings.Count(text, "over the limit") != 4 || !strings.Contains(text, "write2file3 is let go") {
		t.Errorf("warned: %s", text)
	}
	size, holes := p.readAll(decode.Position{Segment: 1})
	if size != p.size(4, 9) || len(holes) != 1 {
		t.Errorf("got %d bytes, want %d; %v", size, p.size(4, 9), holes)
	}
}

func TestPinErrors(t *testing.T) {
	p := newPinning(t, 0)
	file := filepath.Join(p.own, "log_db0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.pins.Follow(p.log, decode.Position{}, 0); err == nil {
		t.Error("a file in place of the folder was taken")
	}
	if _, err := pin.New(context.Background(), pin.Options{FS: vfs.OS{}, Dir: filepath.Join(file, "x")}); err == nil {
		t.Error("a folder below a file was taken")
	}
}

// TestPinsInStatus: what only links hold is still to be read, and the server has purged it all the same.
func TestPinsInStatus(t *testing.T) {
	p := newPinning(t, 0)
	tail, err := follow.Open(t.Context(), []string{p.dir}, follow.Options{
		Start: func(_ context.Context, l *binlog.Log, _ bool) (decode.Position, error) {
			return l.Start(), p.pins.Follow(l, l.Start(), 0)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tail.Close() })
	before, err := tail.Status()
	if err != nil {
		t.Fatal(err)
	}
	p.purge(4)
	after, err := tail.Status()
	if err != nil {
		t.Fatal(err)
	}
	bytes, segments := before[0].Behind(decode.Position{})
	if b, n := after[0].Behind(decode.Position{}); b != bytes || n != segments || after[0].Oldest != 5 {
		t.Errorf("behind by %d bytes and %d segments, oldest %d; want %d, %d and 5", b, n, after[0].Oldest, bytes, segments)
	}
}
