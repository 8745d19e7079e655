package binlog_test

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
)

// place is where a record stands.
type place struct {
	Segment     uint32
	Offset, End int64
}

// findOne finds the one log of a path.
func findOne(t *testing.T, paths ...string) *binlog.Log {
	t.Helper()
	logs, err := binlog.Find(paths, binlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != 1 {
		t.Fatalf("found %d logs, want 1", len(logs))
	}
	return logs[0]
}

// readAll reads a plan to its end: the records, filler included, and the errors in between.
func readAll(t *testing.T, p *binlog.Plan) (places []place, failures []error) {
	t.Helper()
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		chunk, err := p.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return places, failures
		}
		if err != nil {
			if failures = append(failures, err); len(failures) > 20 {
				t.Fatal("errors without end:", err)
			}
			continue
		}
		if chunk.Missing != nil {
			failures = append(failures, chunk.Missing)
			continue
		}
		list, err := readChunk(chunk)
		places = append(places, list...)
		if err != nil {
			failures = append(failures, err)
		}
		chunk.Release()
	}
}

func readChunk(chunk decode.Chunk) (places []place, err error) {
	var s decode.Scanner
	var rec decode.Record
	s.Reset(chunk.Blocks, chunk.Span)
	for {
		if err := s.Next(&rec); errors.Is(err, io.EOF) {
			return places, nil
		} else if err != nil {
			return places, err
		}
		places = append(places, place{chunk.Segment, rec.Offset, rec.End})
	}
}

func all(t *testing.T, l *binlog.Log, o binlog.PlanOptions) []place {
	t.Helper()
	places, failures := readAll(t, l.Chunks(l.Start(), l.Committed(), o))
	if err := errors.Join(failures...); err != nil {
		t.Error(err)
	}
	return places
}

// wantPlaces are those of an independent reader, which lists each command of a record.
func wantPlaces(t *testing.T, f binlogtest.LogFixture) []place {
	t.Helper()
	var want []place
	for _, r := range f.Records(t) {
		p := place{r.Segment, r.Offset, r.Next}
		if len(want) == 0 || want[len(want)-1] != p {
			want = append(want, p)
		}
	}
	return want
}

// wantGeneration is what can be told: G5 looks like G4, and a log without a command like nothing.
func wantGeneration(t *testing.T, f binlogtest.LogFixture) decode.Generation {
	t.Helper()
	for _, r := range f.Records(t) {
		if r.Kind == "command" {
			return min(f.Generation, decode.G4)
		}
	}
	return decode.GenerationUnknown
}

// TestFixtures reads every real log twice: as the server left it, and with its segments as archives.
func TestFixtures(t *testing.T) {
	for _, f := range binlogtest.FixtureLogs(t) {
		t.Run(f.Name, func(t *testing.T) {
			want := wantPlaces(t, f)
			dirs := map[string]string{"plain": f.Unpack(t), "archives": f.Dir}
			for kind, dir := range dirs {
				l := findOne(t, dir)
				if diff := cmp.Diff(want, all(t, l, binlog.PlanOptions{})); diff != "" {
					t.Errorf("%s: records (-want +got):\n%s", kind, diff)
				}
				if got := l.Generation(); got != wantGeneration(t, f) {
					t.Errorf("%s: generation %v, want %v", kind, got, wantGeneration(t, f))
				}
				if len(l.Oddities()) > 0 {
					t.Errorf("%s: oddities %v", kind, l.Oddities())
				}
			}
		})
	}
}
