//go:build unix

package pikasim_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
)

func at(segment uint32, offset int64) decode.Position {
	return decode.Position{Segment: segment, Offset: offset}
}

// stat is the state of a segment's file.
func stat(t *testing.T, s *pikasim.Server, number uint32) os.FileInfo {
	t.Helper()
	info, err := os.Stat(filepath.Join(s.Dir(), binlogtest.SegmentName(number)))
	must(t, err)
	return info
}

func TestFirstRegionAfterARestart(t *testing.T) {
	const step = region / 4
	tests := []struct {
		name       string
		generation decode.Generation
		end        int64 // of the records
		killed     bool
		want       int64 // size after the next record
	}{
		{"new", decode.G5, 0, false, region},
		{"below a region", decode.G5, 100, false, region},
		{"whole region", decode.G5, region, false, 2 * region},
		{"above a region", decode.G5, region + 100, false, region + step},
		{"above the next step", decode.G5, region + step + 100, false, region + 2*step},
		{"killed, keeps what it had", decode.G5, region + 100, true, 2 * region},
		{"killed, ftruncate shortens", decode.G1, region + 100, true, region + step},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, t.TempDir(), pikasim.Options{Generation: tt.generation})
			must(t, s.FullSync(at(3, tt.end)))
			if tt.killed {
				s.Kill()
			}
			must(t, s.Restart())
			must(t, s.Command("SET", "k", "v"))
			if got := stat(t, s, 3).Size(); got != tt.want {
				t.Errorf("file has %d bytes, want %d", got, tt.want)
			}
			compare(t, "after it", s, tt.generation)
		})
	}
}

// TestStaleTailSurvivesARotation kills a server in a put, and then rotates before the first put after the restart.
func TestStaleTailSurvivesARotation(t *testing.T) {
	var s *pikasim.Server
	kill := false
	s = open(t, t.TempDir(), pikasim.Options{Step: func(step string) {
		if kill && step == pikasim.StepPayload {
			s.Kill()
		}
	}})
	must(t, s.Command("SET", "k", "v"))
	kill = true
	if err := s.Command("SET", "k", value(12)); !errors.Is(err, pikasim.ErrKilled) {
		t.Fatal(err)
	}
	kill = false
	must(t, s.Restart())
	must(t, s.Rotate())
	must(t, s.Command("SET", "k", "v"))
	if got := stat(t, s, 0).Size(); got != region {
		t.Errorf("write2file0 has %d bytes, want %d", got, region)
	}
	compare(t, "after it", s, decode.G5)
}

func TestLostManifest(t *testing.T) {
	s := open(t, t.TempDir(), pikasim.Options{})
	must(t, s.Command("SET", "k", "old"))
	must(t, s.Rotate())
	must(t, s.Command("SET", "k", "stale"))
	end := s.Position()
	must(t, s.LoseManifest())
	must(t, s.Restart())
	if got := stat(t, s, 0).Size(); got != 0 {
		t.Errorf("write2file0 has %d bytes, want none", got)
	}
	must(t, s.Command("SET", "k", "new"))
	if diff := cmp.Diff([]string{fmt.Sprintf("lost-manifest %v to 0:0", end)}, breaksOf(s)); diff != "" {
		t.Errorf("breaks (-want +got):\n%s", diff)
	}
	compare(t, "after it", s, decode.G5)
	if r := s.OnDisk(); len(r) != 1 || r[0].LogicID != 1 {
		t.Errorf("records are %+v", r)
	}
}

func TestFullSyncLeavesStaleSegments(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			s := open(t, t.TempDir(), pikasim.Options{Generation: g, SegmentSize: 100_000})
			for n := range 8 {
				must(t, s.Command("SET", "k", strings.Repeat(strconv.Itoa(n), 60_000))) // two a segment
			}
			end, stale := s.Position(), stat(t, s, 2)
			must(t, s.FullSync(at(1, 90_000)))
			compare(t, "after the full sync", s, g)
			numbers, err := s.Segments()
			must(t, err)
			if diff := cmp.Diff([]uint32{1, 2, 3}, numbers); diff != "" {
				t.Errorf("segments (-want +got):\n%s", diff)
			}
			must(t, s.Command("SET", "k", value(15)))
			must(t, s.Command("SET", "k", value(16))) // into segment 2
			if now := stat(t, s, 2); !os.SameFile(stale, now) || now.Size() != region {
				t.Errorf("write2file2 has %d bytes, the same file: %v", now.Size(), os.SameFile(stale, now))
			}
			compare(t, "after the rotation", s, g)
			if diff := cmp.Diff([]string{fmt.Sprintf("full-sync %v to 1:90000", end)}, breaksOf(s)); diff != "" {
				t.Errorf("breaks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTruncate(t *testing.T) {
	s := open(t, t.TempDir(), pikasim.Options{Generation: decode.G4, SegmentSize: 100})
	for range 6 {
		must(t, s.Command("SET", "s1", "v1")) // 71 bytes, two a segment
	}
	must(t, s.Truncate(at(1, 71)))
	compare(t, "after it", s, decode.G4)
	must(t, s.Command("SET", "s1", "other"))
	compare(t, "after the next put", s, decode.G4)
	r := s.OnDisk()
	if last := r[len(r)-1]; len(r) != 4 || last.LogicID != 4 || last.Prev != at(1, 71) {
		t.Errorf("%d records, the last is %+v", len(r), last)
	}
	if diff := cmp.Diff([]string{"truncate 2:142 to 1:71"}, breaksOf(s)); diff != "" {
		t.Errorf("breaks (-want +got):\n%s", diff)
	}
}

func TestPurge(t *testing.T) {
	s := open(t, t.TempDir(), pikasim.Options{SegmentSize: 50})
	for range 6 {
		must(t, s.Command("SET", "s1", "v1"))
	}
	for name, tt := range []struct {
		purge func() error
		want  []uint32
	}{
		{func() error { return s.Purge(4) }, []uint32{2, 3, 4, 5}},
		{func() error { return s.PurgeTo(3) }, []uint32{4, 5}},
		{func() error { return s.PurgeTo(9) }, []uint32{5}},
		{func() error { return s.Purge(0) }, []uint32{5}},
	} {
		must(t, tt.purge())
		numbers, err := s.Segments()
		must(t, err)
		if diff := cmp.Diff(tt.want, numbers); diff != "" {
			t.Errorf("purge %d: segments (-want +got):\n%s", name, diff)
		}
		compare(t, "after a purge", s, decode.G5)
	}
}

func TestPurgeLive(t *testing.T) {
	s := open(t, t.TempDir(), pikasim.Options{SegmentSize: 100})
	must(t, s.Command("SET", "s1", "v1"))
	f, err := os.Open(filepath.Join(s.Dir(), binlogtest.SegmentName(0)))
	must(t, err)
	defer f.Close()
	must(t, s.PurgeLive())
	must(t, s.Command("SET", "s1", "v2"))
	b := make([]byte, 142)
	if _, err := f.ReadAt(b, 0); err != nil || !strings.HasSuffix(string(b), "v2\r\n") {
		t.Errorf("an open descriptor reads %q (%v)", b, err)
	}
	s.Kill()
	if err := s.Restart(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a start without the segment: %v", err)
	}
	if n := len(s.Journal()); n != 2 || len(s.OnDisk()) != 0 {
		t.Errorf("%d records in the journal, %d on the disk; want 2 and none", n, len(s.OnDisk()))
	}
}

// TestStamp has placeholders in the first fragment, over the ends of blocks and of regions, and far before the last region.
func TestStamp(t *testing.T) {
	before := time.Now().UnixNano()
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			s := open(t, t.TempDir(), pikasim.Options{Generation: g, Stamp: true})
			for n := range 64 { // one a block, four a region
				left := int(decode.BlockSize - s.Position().Offset%decode.BlockSize)
				head := strings.Repeat("x", left-20-n/4*5)
				must(t, s.Command("SET", "k", head+pikasim.Placeholder+strings.Repeat("tail", 50)))
			}
			must(t, s.Command("SET", "k", pikasim.Placeholder+strings.Repeat("x", 2*region)))
			compare(t, "at the end", s, g)
			for _, r := range s.OnDisk() {
				v := strings.Trim(string(r.Argv()[2]), "xtail")
				if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < before {
					t.Fatalf("value at %d has the stamp %q", r.Offset, v)
				}
			}
		})
	}
}
