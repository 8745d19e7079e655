package encode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// long is a command whose record takes several blocks.
func long() binlogtest.Put {
	return binlogtest.Put{Commands: [][]string{{"SET", "long", strings.Repeat("v", 5*decode.BlockSize)}}}
}

// TestRunTails reads finished segments with something after their last record.
func TestRunTails(t *testing.T) {
	for name, tail := range map[string]func(w *binlogtest.Writer){
		"zeros":               func(w *binlogtest.Writer) { w.Preallocate() },
		"half a record":       func(w *binlogtest.Writer) { w.Torn(long(), 100_000) },
		"stale bytes":         func(w *binlogtest.Writer) { w.Tail(bytes.Repeat([]byte("stale"), 50_000)) },
		"stale bytes, zeros":  func(w *binlogtest.Writer) { w.Tail(bytes.Repeat([]byte("stale"), 50_000)); w.Preallocate() },
		"a whole record":      func(w *binlogtest.Writer) { w.Torn(long(), 1<<30) },
		"a few zeros":         func(w *binlogtest.Writer) { w.Tail(make([]byte, 3)) },
		"nothing but a block": func(w *binlogtest.Writer) { w.Fill(0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{})
			for i := range 3 {
				w.Command("SET", fmt.Sprintf("a%d", i), "v")
				w.Fill(5)
				w.Put(long())
				tail(w)
				w.Rotate()
			}
			w.Command("SET", "last", "v")
			dir := t.TempDir()
			want := sinktest.WriteLogs(t, dir, w)
			for _, how := range []way{{1, 0, 1 << 20, ""}, {8, 0, 1 << 16, ""}} {
				to, _, err := sinktest.Convert(t, dir, how.chunk, encode.Options{Workers: how.workers})
				if err != nil || !bytes.Equal(to.Bytes(), want) {
					t.Errorf("%+v: %v, %s", how, err, sinktest.FirstDifference(to.Bytes(), want))
				}
			}
		})
	}
}

// TestRunOpenLog cuts a record off at any length, in a log without a manifest: with zeros after it or not, it is half
// a record and no damage.
func TestRunOpenLog(t *testing.T) {
	for _, zeros := range []bool{false, true} {
		for _, n := range sample.Of([]int{0, 1, 7, 8, 9, 41, 42, 43, 50, 399, 404, 407, 408, 60_000, 65_000, 65_528, 65_536, 65_544, 70_000, 131_072, 200_000, 300_000}, 8) {
			t.Run(fmt.Sprintf("%d bytes, zeros %t", n, zeros), func(t *testing.T) {
				w := binlogtest.NewWriter(binlogtest.Options{})
				w.Command("SET", "a", "v")
				w.Fill(400)
				w.Torn(long(), n)
				if zeros {
					w.Preallocate()
				}
				dir := t.TempDir()
				want := sinktest.WriteLogs(t, dir, w)
				if err := os.Remove(filepath.Join(dir, "log_db0", "manifest")); err != nil {
					t.Fatal(err)
				}
				checkTorn(t, dir, w, want, n)
			})
		}
	}
}

func checkTorn(t *testing.T, dir string, w *binlogtest.Writer, want []byte, n int) {
	t.Helper()
	for _, how := range []way{{1, 0, 1 << 20, ""}, {8, 0, 1 << 16, ""}} {
		for _, skip := range []bool{false, true} {
			to, result, err := sinktest.Convert(t, dir, how.chunk, encode.Options{Workers: how.workers, SkipCorrupt: skip})
			if err != nil || !bytes.Equal(to.Bytes(), want) {
				t.Errorf("%+v: %v, %s", how, err, sinktest.FirstDifference(to.Bytes(), want))
			}
			torn := 1
			if n == 0 {
				torn = 0
			}
			if len(result.Torn) != torn || torn == 1 && result.Torn[0].At != w.Position() {
				t.Errorf("%+v: torn %v, want %d at %v", how, result.Torn, torn, w.Position())
			}
			if got := result.Committed[result.Logs[0]]; got != w.Position() {
				t.Errorf("%+v: committed %v, want %v", how, got, w.Position())
			}
		}
	}
}

// TestRunManifestAhead reads a log whose manifest names more than is there.
func TestRunManifestAhead(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "a", "v")
	good := w.Position()
	want := sinktest.WantOf("db0", w)
	w.Put(long())
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	if err := os.Truncate(filepath.Join(dir, "log_db0", "write2file0"), 100_000); err != nil {
		t.Fatal(err)
	}
	for _, chunk := range []int64{1 << 16, 1 << 20} {
		to, result, err := sinktest.Convert(t, dir, chunk, encode.Options{})
		var damage *decode.CorruptError
		if !errors.As(err, &damage) || damage.Offset != good.Offset || !bytes.Equal(to.Bytes(), want) {
			t.Errorf("got %v and %s", err, sinktest.FirstDifference(to.Bytes(), want))
		}
		if got := result.Committed[result.Logs[0]]; got != good {
			t.Errorf("committed %v, want %v", got, good)
		}
		var reported []string
		to, result, err = sinktest.Convert(t, dir, chunk, encode.Options{
			SkipCorrupt: true, Report: func(err error) { reported = append(reported, err.Error()) },
		})
		events := fmt.Sprintf("db0 corrupt 0:%d 0:%d-0:100000 ", good.Offset, good.Offset)
		if err != nil || len(reported) != 2 || result.Lost != 2 || result.Gaps != 0 || !strings.Contains(to.String(), events) ||
			strings.Count(to.String(), " corrupt ") != 2 {
			t.Errorf("got %v, reported %q, and\n%s", err, reported, to)
		}
	}
}

// TestRunHoles reads logs of which segments are missing.
func TestRunHoles(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 5 {
		w.Command("SET", fmt.Sprintf("a%d", i), "v")
		w.Fill(3)
		w.Rotate()
	}
	w.Command("SET", "last", "v")
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	remove := func(n uint32) {
		if err := os.Remove(filepath.Join(dir, "log_db0", binlogtest.SegmentName(n))); err != nil {
			t.Fatal(err)
		}
	}
	remove(2)
	remove(3)
	var before, after []byte
	end := decode.Position{}
	for _, r := range w.Records() {
		switch {
		case r.Segment < 2:
			before, end = sinktest.AppendWant(before, "db0", &r), decode.Position{Segment: r.Segment, Offset: r.End}
		case r.Segment > 3:
			after = sinktest.AppendWant(after, "db0", &r)
		}
	}

	to, result, err := sinktest.Convert(t, dir, 1<<16, encode.Options{})
	var hole decode.Hole
	if !errors.As(err, &hole) || !bytes.Equal(to.Bytes(), before) {
		t.Errorf("got %v, %s", err, sinktest.FirstDifference(to.Bytes(), before))
	}
	if got := result.Committed[result.Logs[0]]; got != end || result.Gaps != 0 {
		t.Errorf("committed %v, want %v; %d gaps skipped", got, end, result.Gaps)
	}

	var reported []error
	to, result, err = sinktest.Convert(t, dir, 1<<16, encode.Options{SkipGaps: true, Report: func(err error) { reported = append(reported, err) }})
	event := fmt.Sprintf("db0 gap 4:0 %v-4:0 %s\n", end, hole.Why())
	if want := string(before) + event + string(after); err != nil || to.String() != want {
		t.Errorf("got %v, %s", err, sinktest.FirstDifference(to.Bytes(), []byte(want)))
	}
	if got := result.Committed[result.Logs[0]]; got != w.Position() || result.Gaps != 1 || len(reported) != 1 {
		t.Errorf("committed %v, want %v; %d gaps, reported %v", got, w.Position(), result.Gaps, reported)
	}
}

// TestRunFromAHole starts at a position that is gone.
func TestRunFromAHole(t *testing.T) {
	w := binlogtest.OnePerSegment(5, "SET", "a", "v")
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	for _, n := range []uint32{0, 1, 2} {
		if err := os.Remove(filepath.Join(dir, "log_db0", binlogtest.SegmentName(n))); err != nil {
			t.Fatal(err)
		}
	}
	from := decode.Position{Segment: 1, Offset: 20}
	for _, skip := range []bool{false, true} {
		l := sinktest.Find(t, dir)[0]
		to := &sinktest.Collector{}
		result, err := encode.Run(t.Context(), sinktest.PlanOf(t, l.Chunks(from, l.Committed(), binlog.PlanOptions{})), sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), SkipGaps: skip})
		events := strings.Count(to.String(), " gap 3:0 1:20-3:0 ")
		switch {
		case !skip && (err == nil || to.Len() > 0 || result.Committed[l.ID()] != from):
			t.Errorf("got %v, %q, committed %v", err, to, result.Committed[l.ID()])
		case skip && (err != nil || events != 1 || strings.Count(to.String(), "set") != 2 || result.Committed[l.ID()] != w.Position()):
			t.Errorf("got %v, %q, committed %v", err, to, result.Committed[l.ID()])
		}
	}
}

// TestRunEmptyArchive reads a log in which an archive is an empty file, of which the codec says io.EOF: that is a segment
// that is cut short, and not the end of the log.
func TestRunEmptyArchive(t *testing.T) {
	w := binlogtest.OnePerSegment(4, "SET", "a", "v")
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	segment := filepath.Join(dir, "log_db0", "write2file1")
	if err := errors.Join(os.Remove(segment), os.WriteFile(segment+".gz", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	to, result, err := sinktest.Convert(t, dir, 0, encode.Options{})
	var damage *decode.CorruptError
	if !errors.As(err, &damage) || damage.Segment != 1 || strings.Count(to.String(), " set ") != 1 {
		t.Errorf("got %v, %q", err, to)
	}
	if got := result.Committed[result.Logs[0]]; got.Segment != 0 {
		t.Errorf("committed %v", got)
	}
	to, result, err = sinktest.Convert(t, dir, 0, encode.Options{SkipCorrupt: true})
	if err != nil || result.Lost != 1 || strings.Count(to.String(), " set ") != 3 || strings.Count(to.String(), " corrupt ") != 1 {
		t.Errorf("got %v, %d lost, %q", err, result.Lost, to)
	}
}

// eofHoleError is a hole whose cause is io.EOF.
type eofHoleError struct{ log *decode.Log }

func (eofHoleError) Error() string { return "the archive is empty" }
func (eofHoleError) Why() string   { return "the archive is empty" }
func (eofHoleError) Unwrap() error { return io.EOF }
func (h eofHoleError) Hole() (log *decode.Log, from, to decode.Position) {
	return h.log, decode.Position{}, decode.Position{Segment: 1}
}

// holeFirst is a source that begins with a hole.
type holeFirst struct {
	encode.Source
	hole decode.Hole
}

func (s *holeFirst) Next(ctx context.Context) (decode.Chunk, error) {
	if h := s.hole; h != nil {
		s.hole = nil
		return decode.Missing(h), nil
	}
	return s.Source.Next(ctx)
}

// TestRunHoleThatWrapsEOF does not take the cause of a hole for the end of the log.
func TestRunHoleThatWrapsEOF(t *testing.T) {
	dir, _, want := sinktest.SmallRecords(t, 1)
	for _, skip := range []bool{false, true} {
		logs := sinktest.Find(t, dir)
		to := &sinktest.Collector{}
		source := &holeFirst{sinktest.SourceOf(t, logs, 0), eofHoleError{logs[0].ID()}}
		_, err := encode.Run(t.Context(), source, sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines(), SkipGaps: skip})
		if (err == nil) != skip || skip && !bytes.HasSuffix(to.Bytes(), want) || !skip && to.Len() > 0 {
			t.Errorf("skip %t: got %v, %d bytes", skip, err, to.Len())
		}
	}
}
