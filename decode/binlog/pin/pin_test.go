package pin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

	disk   crashing
	mu     sync.Mutex
	warned []string
}

// crashing is a disk on which no link is made or removed any more from one step on.
type crashing struct {
	vfs.OS
	mu        sync.Mutex
	at, steps int // at: 0: never
}

var errCrashed = errors.New("crashed")

func (c *crashing) step(do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.steps++; c.at > 0 && c.steps >= c.at {
		return errCrashed
	}
	return do()
}

func (c *crashing) Link(from, to string) error {
	return c.step(func() error { return c.OS.Link(from, to) })
}

func (c *crashing) Remove(name string) error {
	return c.step(func() error { return c.OS.Remove(name) })
}

// crashAt counts the steps from here on. It gives how many there were before.
func (c *crashing) crashAt(step int) (before int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.at, c.steps = c.steps, step, 0
	return before
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
	pins, err := pin.New(context.Background(), pin.Options{FS: &p.disk, Dir: p.own, Limit: limit, Warn: func(text string) {
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
	var names, witnesses []string
	for _, e := range entries {
		name := strings.TrimSuffix(strings.TrimPrefix(e.Name(), "."), ".pin")
		if name != e.Name() {
			witnesses = append(witnesses, strings.TrimPrefix(name, "write2file"))
			continue
		}
		names = append(names, strings.TrimPrefix(name, "write2file"))
	}
	if !slices.Equal(names, witnesses) {
		p.t.Errorf("links %v, and their second names %v", names, witnesses)
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
		switch {
		case err == io.EOF:
			return size, holes
		case err != nil:
			p.t.Fatal(err)
		case chunk.Missing != nil:
			holes = append(holes, chunk.Missing)
			continue
		}
		buf := make([]byte, chunk.End-chunk.Begin)
		if _, err := chunk.Blocks.ReadAt(buf, chunk.Begin); err != nil {
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

// TestPinsOfAnotherHistory makes a segment anew under the same number, again and again: the link follows, as the reader has to, and so it does
// while the links of the log are looked after.
func TestPinsOfAnotherHistory(t *testing.T) {
	p := newPinning(t, 0)
	p.follow(decode.Position{})
	path := filepath.Join(p.dir, binlogtest.SegmentName(9))
	for n := range 50 {
		want := fmt.Sprint("new ", n)
		if err := errors.Join(os.Remove(path), os.WriteFile(path+".new", []byte(want), 0o600), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
		var scan sync.WaitGroup
		scan.Go(p.pins.Scan)
		p.follow(decode.Position{})
		scan.Wait()
		if b, err := os.ReadFile(filepath.Join(p.own, "log_db0", binlogtest.SegmentName(9))); err != nil || string(b) != want {
			t.Fatalf("%q, %v; want %q", b, err, want)
		}
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
		Start: func(_ context.Context, l *binlog.Log, _ bool) (decode.Position, decode.Hole, error) {
			return l.Start(), nil, p.pins.Follow(l, l.Start(), 0)
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
	if b, n := after[0].Behind(decode.Position{}); b != bytes || n != segments || after[0].Unpurged[0] != 5 {
		t.Errorf("%d bytes and %d segments, oldest %d; want %d, %d and 5", b, n, after[0].Unpurged[0], bytes, segments)
	}
}

// TestPinsRefuseForeignSegments finds segments in the folder that were put there in different ways, all below the position: they
// are all there afterwards.
func TestPinsRefuseForeignSegments(t *testing.T) {
	for name, put := range map[string]func(p *pinning, from, to string) error{
		"copies": func(_ *pinning, from, to string) error {
			data, err := os.ReadFile(from)
			if err != nil {
				return err
			}
			return os.WriteFile(to, data, 0o600)
		},
		"hard links":     func(_ *pinning, from, to string) error { return os.Link(from, to) },
		"symbolic links": func(_ *pinning, from, to string) error { return os.Symlink(from, to) },
		"archives":       func(_ *pinning, _, to string) error { return os.WriteFile(to+".zst", nil, 0o600) },
		"one among links": func(_ *pinning, from, to string) error {
			if strings.HasSuffix(from, "write2file3") {
				return os.WriteFile(to, nil, 0o600)
			}
			if err := os.Link(from, to); err != nil {
				return err
			}
			return os.Link(from, filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".pin"))
		},
	} {
		p := newPinning(t, 0)
		dir := filepath.Join(p.own, "log_db0")
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		for n := range uint32(5) {
			if err := put(p, filepath.Join(p.dir, binlogtest.SegmentName(n)), filepath.Join(dir, binlogtest.SegmentName(n))); err != nil {
				t.Fatal(err)
			}
		}
		before, _ := os.ReadDir(dir)
		err := p.pins.Follow(p.log, decode.Position{Segment: 9}, 3)
		after, _ := os.ReadDir(dir)
		if foreign, ok := errors.AsType[*pin.ForeignError](err); !ok || foreign == nil || len(after) != len(before) {
			t.Errorf("%s: %v, %d of %d files are left", name, err, len(after), len(before))
		}
	}
}

// TestPinsAfterACrash follows again after a crash between any two steps of linking and letting go: nothing is left over, and nothing is
// taken for foreign.
func TestPinsAfterACrash(t *testing.T) {
	for crash := 1; ; crash++ {
		p := newPinning(t, 0)
		p.follow(decode.Position{Segment: 5})
		p.disk.crashAt(crash)
		p.pins.Release(p.log.ID(), decode.Position{Segment: 7}, 3)
		_ = p.pins.Follow(p.log, decode.Position{Segment: 3}, 3) // from the place before, as after a restored state
		if err := p.pins.Close(); err != nil {
			t.Fatal(err)
		}
		if p.disk.crashAt(0) < crash {
			return
		}
		p.open(0)
		p.follow(decode.Position{Segment: 3})
		if got := p.links(); got != "3 4 5 6 7 8 9" {
			t.Errorf("crash at step %d: links %s", crash, got)
		}
	}
}
