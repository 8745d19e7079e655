package binlog_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlogtest"
)

// reach is what a plan says of a segment.
type reach struct {
	Segment     uint32
	Limit       int64
	Final, Open bool
}

func reaches(t *testing.T, l *binlog.Log) (list []reach, failures []error) {
	t.Helper()
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer p.Close()
	for {
		c, err := p.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return list, failures
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		c.Release()
		if c.Missing != nil {
			failures = append(failures, c.Missing)
			continue
		}
		r := reach{c.Segment, c.Limit, c.Final, c.Open}
		if len(list) == 0 || list[len(list)-1] != r {
			list = append(list, r)
		}
	}
}

// twoSegments writes a log whose first segment has the given bytes after its end.
func twoSegments(t *testing.T, o binlogtest.Options, big int, tail []byte) (dir string, end int64) {
	t.Helper()
	w := binlogtest.NewWriter(o)
	w.Command("SET", "a", "1")
	w.Command("SET", "b", strings.Repeat("x", big))
	end = w.Position().Offset
	if tail != nil {
		w.Tail(tail)
	}
	w.Rotate()
	w.Command("SET", "c", "3")
	dir = t.TempDir()
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	return dir, end
}

func TestTrueEnd(t *testing.T) {
	stale := bytes.Repeat([]byte("*3\r\n$3\r\nSET\r\n"), 20000)
	for name, c := range map[string]struct {
		generation decode.Generation
		big        int
		tail       []byte
		known      bool
	}{
		"cut to size":       {generation: decode.G5, known: true},
		"zeros after":       {generation: decode.G5, tail: make([]byte, 100000), known: true},
		"stale bytes after": {generation: decode.G5, tail: stale, known: true},
		"stale bytes after a record of 40 blocks": {generation: decode.G4, big: 40 * decode.BlockSize, tail: stale, known: true},
		"zeros after, 3.0":                        {generation: decode.G3, tail: make([]byte, 100000), known: true},
		"zeros after, 2.3":                        {generation: decode.G2, tail: make([]byte, 100000), known: true},
		"no positions in 2.2":                     {generation: decode.G1},
		"no positions in 2.0":                     {generation: decode.G0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, end := twoSegments(t, binlogtest.Options{Generation: c.generation}, c.big, c.tail)
			got, failures := reaches(t, findOne(t, dir))
			if failures != nil {
				t.Error(failures)
			}
			if want := (reach{Limit: end, Final: c.known}); got[0] != want {
				t.Errorf("first segment: %+v, want %+v", got[0], want)
			}
			if !got[1].Final {
				t.Errorf("the manifest's segment is not final: %+v", got[1])
			}
		})
	}
}

// TestDriftingReplica: the positions in a replica's records are its master's, and its own segments are longer. One of
// them is a record boundary by chance.
func TestDriftingReplica(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G2})
	var second int64
	for i := range 10 {
		w.Put(binlogtest.Put{
			Commands: [][]string{{"SET", "k", "v"}},
			Copied:   &binlogtest.Copied{Position: decode.Position{Offset: int64(i) * 50}},
		})
		if i == 1 {
			second = w.Position().Offset
		}
	}
	end := w.Position().Offset
	w.Rotate()
	w.Put(binlogtest.Put{
		Commands: [][]string{{"SET", "k", "v"}},
		Copied:   &binlogtest.Copied{Position: decode.Position{Offset: second}},
	})
	dir := t.TempDir()
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	got, failures := reaches(t, findOne(t, dir))
	if want := (reach{Limit: end}); got[0] != want || failures != nil {
		t.Errorf("first segment: %+v, %v, want %+v", got[0], failures, want)
	}
}

// TestTrueEndInSpiteOfDamage: no single damaged byte brings out what was never committed, nor hides what was.
func TestTrueEndInSpiteOfDamage(t *testing.T) {
	for name, c := range map[string]struct {
		generation decode.Generation
		twice      bool                     // killed once more after the rotation
		segment    uint32                   // that is damaged
		at         func(end int64) [2]int64 // the bytes of it that are damaged
	}{
		"the last record names another place":      {generation: decode.G5, at: func(end int64) [2]int64 { return [2]int64{end - 40, end - 39} }},
		"zeros before the end":                     {generation: decode.G5, at: func(end int64) [2]int64 { return [2]int64{end - 2000, end} }},
		"zeros before the end, 2.3":                {generation: decode.G2, at: func(end int64) [2]int64 { return [2]int64{end - 2000, end} }},
		"the next segment names another offset":    {generation: decode.G5, segment: 1, at: func(int64) [2]int64 { return [2]int64{8 + 23, 8 + 24} }},
		"the next segment names another segment":   {generation: decode.G3, segment: 1, at: func(int64) [2]int64 { return [2]int64{8 + 18, 8 + 19} }},
		"the header of the next segment":           {generation: decode.G4, segment: 1, at: func(int64) [2]int64 { return [2]int64{7, 8} }},
		"the content of the next segment's record": {generation: decode.G4, segment: 1, at: func(int64) [2]int64 { return [2]int64{8 + 34, 8 + 36} }},
		"two kills":      {generation: decode.G5, twice: true},
		"two kills, 3.0": {generation: decode.G3, twice: true},
		"two kills, and the next segment names something":  {generation: decode.G5, twice: true, segment: 1, at: func(int64) [2]int64 { return [2]int64{8 + 19, 8 + 20} }},
		"two kills, and the record before the last is bad": {generation: decode.G4, twice: true, at: func(int64) [2]int64 { return [2]int64{100, 101} }},
	} {
		t.Run(name, func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: c.generation})
			w.Command("SET", "a", "1")
			w.Command("SET", "b", strings.Repeat("x", 3000))
			w.Command("SET", "c", "1")
			end := w.Position().Offset
			w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "stale", strings.Repeat("s", 300)}}}, 1000)
			w.Preallocate()
			w.Rotate()
			if c.twice {
				w.Restart()
			}
			w.Command("SET", "d", "3")
			w.Command("SET", "e", "4")
			dir := t.TempDir()
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			if c.at != nil {
				flip(t, dir, c.segment, c.at(end))
			}
			got, failures := reaches(t, findOne(t, dir))
			if want := (reach{Limit: end, Final: true}); got[0] != want || failures != nil {
				t.Errorf("first segment: %+v, %v, want %+v", got[0], failures, want)
			}
		})
	}
}

// flip makes other bytes of a range, zeros of a long one.
func flip(t *testing.T, dir string, segment uint32, at [2]int64) {
	t.Helper()
	path := filepath.Join(dir, binlogtest.SegmentName(segment))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := at[0]; i < at[1]; i++ {
		data[i] ^= 0x10
	}
	if at[1]-at[0] > 100 {
		clear(data[at[0]:at[1]])
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMisplacedSegment: a copy of a segment under the number of another one is no part of the log, and is named.
func TestMisplacedSegment(t *testing.T) {
	for name, c := range map[string]struct {
		generation decode.Generation
		records    int
		twice      bool
		from, to   uint32
	}{
		"of the one before":             {generation: decode.G5, records: 3, from: 1, to: 2},
		"of the one after":              {generation: decode.G5, records: 3, from: 2, to: 1},
		"of the first one":              {generation: decode.G4, records: 3, from: 0, to: 1},
		"to the first one":              {generation: decode.G3, records: 3, from: 2, to: 0},
		"of one record":                 {generation: decode.G5, records: 1, from: 1, to: 2},
		"of one after two kills":        {generation: decode.G5, records: 3, twice: true, from: 1, to: 2},
		"of 2.3":                        {generation: decode.G2, records: 3, from: 2, to: 1},
		"to the one that is written":    {generation: decode.G5, records: 3, from: 2, to: 3},
		"of one with large records":     {generation: decode.G5, records: -3, from: 1, to: 2},
		"of one record after two kills": {generation: decode.G4, records: 1, twice: true, from: 1, to: 2},
	} {
		t.Run(name, func(t *testing.T) {
			value := "v"
			if c.records < 0 {
				c.records, value = -c.records, strings.Repeat("v", 100000)
			}
			w := binlogtest.NewWriter(binlogtest.Options{Generation: c.generation})
			for i := range 4 {
				if i > 0 {
					w.Rotate()
				}
				if c.twice {
					w.Restart()
				}
				for range c.records {
					w.Command("SET", "k", value)
				}
			}
			dir := t.TempDir()
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			if err := binlogtest.WriteSegment(dir, binlogtest.Segment{Number: c.to, Bytes: w.Bytes(c.from)}); err != nil {
				t.Fatal(err)
			}
			got, failures := reaches(t, findOne(t, dir))
			var misplaced *decode.MisplacedError
			if len(failures) != 1 || !errors.As(failures[0], &misplaced) || misplaced.From != at(c.to, 0) || misplaced.Holds != c.from {
				t.Errorf("%v, want write2file%d to hold write2file%d", failures, c.to, c.from)
			}
			if len(got) != 3 {
				t.Errorf("read %+v, want the other three segments", got)
			}
		})
	}
}

// TestGapAfterCopy: where a copy was passed over, and nothing comes after it, the gap begins after the copy.
func TestGapAfterCopy(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for range 5 {
		for range 3 {
			w.Command("SET", "k", "v")
		}
		w.Rotate()
	}
	w.Command("SET", "k", "v")
	dir := t.TempDir()
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := binlogtest.WriteSegment(dir, binlogtest.Segment{Number: 4, Bytes: w.Bytes(1)}); err != nil {
		t.Fatal(err)
	}
	remove(t, dir, 5)
	_, failures := reaches(t, findOne(t, dir))
	var gap decode.Hole
	if len(failures) != 2 || !errors.As(failures[1], &gap) {
		t.Fatalf("%v, want a gap after the copy", failures)
	}
	if _, from, to := gap.Hole(); from != at(5, 0) || to != w.Position() {
		t.Errorf("the gap is from %v to %v, want 5:0 to %v", from, to, w.Position())
	}
}

func truncate(t *testing.T, dir string, segment uint32, size int64) {
	t.Helper()
	if err := os.Truncate(filepath.Join(dir, binlogtest.SegmentName(segment)), size); err != nil {
		t.Fatal(err)
	}
}

func TestCutShortByTheNextSegment(t *testing.T) {
	dir, end := twoSegments(t, binlogtest.Options{}, 200000, nil)
	truncate(t, dir, 0, 150000)
	got, failures := reaches(t, findOne(t, dir))
	if want := (reach{Limit: 150000, Final: true}); got[0] != want {
		t.Errorf("first segment: %+v, want %+v", got[0], want)
	}
	var cut *decode.CutShortError
	var hole decode.Hole
	if len(failures) != 1 || !errors.As(failures[0], &cut) || !errors.As(failures[0], &hole) {
		t.Fatalf("errors %v, want one that the segment is cut short", failures)
	}
	want := [2]decode.Position{{Offset: 150000}, {Offset: end}}
	if got := [2]decode.Position{cut.From, cut.To}; got != want {
		t.Errorf("range %v, want %v", got, want)
	}
	if _, _, to := hole.Hole(); to != at(1, 0) {
		t.Errorf("continues at %v, want 1:0", to)
	}
	if len(got) != 2 {
		t.Errorf("nothing after the cut: %+v", got)
	}
}

func TestCutShortByTheManifest(t *testing.T) {
	dir, _ := twoSegments(t, binlogtest.Options{}, 10, nil)
	truncate(t, dir, 1, 20)
	l := findOne(t, dir)
	got, failures := reaches(t, l)
	if want := (reach{Segment: 1, Limit: 20, Final: true}); len(got) != 2 || got[1] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var cut *decode.CutShortError
	if len(failures) != 1 || !errors.As(failures[0], &cut) || cut.To != l.Committed() || cut.From.Offset != 20 {
		t.Errorf("errors %v", failures)
	}
	if diff := cmp.Diff([]binlog.OddityKind{binlog.OddityManifestBeyond}, oddityKinds(l)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestNoManifest(t *testing.T) {
	dir, end := twoSegments(t, binlogtest.Options{}, 10, make([]byte, 1000))
	if err := os.Remove(filepath.Join(dir, "manifest")); err != nil {
		t.Fatal(err)
	}
	l := findOne(t, dir)
	if _, err := l.Manifest(); !errors.Is(err, folder.ErrNoManifest) {
		t.Errorf("manifest error %v", err)
	}
	got, failures := reaches(t, l)
	want := []reach{{Limit: end, Final: true}, {Segment: 1, Limit: l.Committed().Offset, Open: true}}
	if diff := cmp.Diff(want, got); diff != "" || failures != nil {
		t.Errorf("%v, (-want +got):\n%s", failures, diff)
	}
}

// TestNamedFileIsBoundByItsNeighbours: a file that is named alone still ends where the next one and the manifest say.
func TestNamedFileIsBoundByItsNeighbours(t *testing.T) {
	dir, end := twoSegments(t, binlogtest.Options{}, 10, make([]byte, 1000))
	l := findOne(t, filepath.Join(dir, "write2file0"))
	got, failures := reaches(t, l)
	if diff := cmp.Diff([]reach{{Limit: end, Final: true}}, got); diff != "" || failures != nil {
		t.Errorf("%v, (-want +got):\n%s", failures, diff)
	}
}

// TestBlankFillerBeforeTheEnd: in 2.x the filler of a full sync may end short of the position it stands for.
func TestBlankFillerBeforeTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		to    int64
		final bool
	}{
		"a filler that fits":          {to: 2*decode.BlockSize + 100, final: true},
		"a filler that is too short":  {to: 2 * decode.BlockSize},
		"one that is a little longer": {to: 2*decode.BlockSize + 5},
	} {
		t.Run(name, func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G1, Start: decode.Position{Segment: 3, Offset: c.to}})
			w.Preallocate()
			dir := t.TempDir()
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			got, failures := reaches(t, findOne(t, dir))
			if len(got) != 1 || got[0].Final != c.final || failures != nil {
				t.Errorf("%+v, %v, want final %v", got, failures, c.final)
			}
		})
	}
}
