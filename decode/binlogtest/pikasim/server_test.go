//go:build unix

package pikasim_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/binlogtest/scan"
)

var generations = []decode.Generation{decode.G0, decode.G1, decode.G2, decode.G3, decode.G4, decode.G5}

// region is the smallest that is allowed on every platform.
const region = 256 << 10

func nameOf(g decode.Generation) string { return "G" + strconv.Itoa(int(g-decode.G0)) }

func open(t *testing.T, dir string, opts pikasim.Options) *pikasim.Server {
	t.Helper()
	if opts.Region == 0 {
		opts.Region = region
	}
	s, err := pikasim.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// line is a record in a few characters, as a reader sees it or as the journal has it.
func line(segment uint32, offset, end int64, commands [][][]byte) string {
	sum := crc32.NewIEEE()
	for _, argv := range commands {
		for _, arg := range argv {
			_, _ = sum.Write(arg)
		}
	}
	return fmt.Sprintf("%d:%d-%d %08x", segment, offset, end, sum.Sum32())
}

func linesOf(records []binlogtest.Want) []string {
	list := []string{}
	for _, r := range records {
		list = append(list, line(r.Segment, r.Offset, r.End, r.Commands))
	}
	return list
}

// read gives the lines of a folder. Gaps are passed over, and damage is a line too.
func read(t *testing.T, dir string, g decode.Generation) []string {
	t.Helper()
	list := []string{}
	err := scan.Folder(t, dir, g, func(c *decode.Chunk, rec *decode.Record, commands [][][]byte) {
		list = append(list, line(c.Segment, rec.Offset, rec.End, commands))
	})
	if err != nil {
		list = append(list, err.Error())
	}
	return list
}

// compare holds the folder against the journal.
func compare(t *testing.T, what string, s *pikasim.Server, g decode.Generation) {
	t.Helper()
	if diff := cmp.Diff(linesOf(s.OnDisk()), read(t, s.Dir(), g)); diff != "" {
		t.Errorf("%s: records (-journal +read):\n%s", what, diff)
	}
}

// value is of a size that grows with n, up to several blocks.
func value(n int) string { return strings.Repeat(string(rune('a'+n%26)), n*n*n*5) }

func TestBytesAreThoseOfTheWriter(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log_db0")
			start := decode.Position{Segment: 2, Offset: 200_000}
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g, SegmentSize: 300_000, Origin: 3})
			s := open(t, dir, pikasim.Options{Generation: g, SegmentSize: 300_000, Origin: 3})
			put := func() {
				for n := range 40 {
					w.Command("SET", fmt.Sprint("key", n), value(n))
					must(t, s.Command("SET", fmt.Sprint("key", n), value(n)))
				}
			}
			put()
			w.Record([]byte("any"))
			must(t, s.Record([]byte("any")))
			w.FullSync(start)
			must(t, s.FullSync(start))
			put()
			must(t, s.Close())
			for _, f := range w.Segments() {
				got, err := os.ReadFile(filepath.Join(dir, binlogtest.SegmentName(f.Number)))
				if err != nil || !bytes.Equal(got, f.Bytes) {
					t.Errorf("write2file%d has %d bytes, the writer's %d (%v)", f.Number, len(got), len(f.Bytes), err)
				}
			}
			got, err := os.ReadFile(filepath.Join(dir, "manifest"))
			if err != nil || !bytes.Equal(got, w.Manifest()) {
				t.Errorf("manifest is % x (%v), the writer's % x", got[:24], err, w.Manifest()[:24])
			}
			if diff := cmp.Diff(commandsOf(w.Records()), s.OnDisk(), cmp.Comparer(bytes.Equal)); diff != "" {
				t.Errorf("records (-writer +server):\n%s", diff)
			}
		})
	}
}

func commandsOf(records []binlogtest.Want) []binlogtest.Want {
	var list []binlogtest.Want
	for _, r := range records {
		if r.Kind == binlogtest.KindCommand || r.Kind == binlogtest.KindRaw {
			list = append(list, r)
		}
	}
	return list
}

// TestReadableAtEveryStep reads the folder after each step of puts, rotations, purges, a restart and a full sync.
func TestReadableAtEveryStep(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log_db0")
			var s *pikasim.Server
			mixed := 0
			seen := map[string]bool{}
			s = open(t, dir, pikasim.Options{Generation: g, SegmentSize: 70_000, Step: func(step string) {
				if s == nil {
					return
				}
				seen[step] = true
				if mixture(s) {
					mixed++
					return
				}
				compare(t, step, s, g)
			}})
			for n := range 26 {
				must(t, s.Command("SET", fmt.Sprint("key", n), value(n)))
			}
			must(t, s.Purge(2))
			s.Kill()
			must(t, s.Restart())
			must(t, s.Command("SET", "last", value(25)))
			must(t, s.Close())
			compare(t, "at the end", s, g)
			want := []string{"header", "payload", "region", "create", "cut", "close", "delete", "manifest-offset", "manifest-number"}
			for _, step := range want {
				if !seen[step] {
					t.Errorf("there was no step %s", step)
				}
			}
			if mixed == 0 {
				t.Error("the manifest was never a mixture")
			}
		})
	}
}

// mixture says that the manifest is between its two stores.
func mixture(s *pikasim.Server) bool {
	records := s.OnDisk()
	at := s.Position()
	if len(records) == 0 || at.Offset == 0 && at.Segment > records[len(records)-1].Segment {
		return false
	}
	last := records[len(records)-1]
	return at.Segment != last.Segment || at.Offset != last.End
}

// TestKillAtEveryStep kills a server at each step of a rotation with a put of several fragments. Committed is what was
// journaled before the store of the manifest, and nothing else.
func TestKillAtEveryStep(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			root := t.TempDir()
			for nth := 1; ; nth++ {
				count := -1000
				var s *pikasim.Server
				var step string
				dir := filepath.Join(root, strconv.Itoa(nth))
				s = open(t, dir, pikasim.Options{Generation: g, SegmentSize: 100, Step: func(name string) {
					if count++; count == nth {
						step = name
						s.Kill()
					}
				}})
				must(t, s.Command("SET", "k", value(10)))
				count = 0
				err := s.Command("SET", "k", value(33))
				if err == nil {
					if nth < 10 {
						t.Errorf("a rotation and a put have %d steps", nth)
					}
					return
				}
				if !errors.Is(err, pikasim.ErrKilled) {
					t.Fatalf("at %s: %v", step, err)
				}
				torn := mixture(s)
				if !torn {
					compare(t, "killed at "+step, s, g)
				}
				must(t, s.Restart())
				if breaks := breaksOf(s); torn != (len(breaks) == 1) {
					t.Errorf("killed at %s: breaks are %v", step, breaks)
				}
				if torn {
					continue
				}
				must(t, s.Command("SET", "k", "over the torn tail"))
				compare(t, "restarted after "+step, s, g)
			}
		})
	}
}

func breaksOf(s *pikasim.Server) []string {
	list := []string{}
	for _, e := range s.Journal() {
		if e.Break != "" {
			list = append(list, fmt.Sprintf("%s %v to %v", e.Break, e.From, e.To))
		}
	}
	return list
}
