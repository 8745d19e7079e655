package compare_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/readback/compare"
	"pikabin/encode/readback/held"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// world is two logs, and their events as a format writes them.
type world struct {
	dir    string
	format formats.Format
	events [][]byte // with their framing, log by log
	first  int      // how many are of the first log
}

// newWorld writes logs of commands of one event and of several.
func newWorld(t *testing.T, format formats.Format) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), format: format}
	for db := range 2 {
		log := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 4 << 10})
		for i := range 8 {
			log.Command("SET", fmt.Sprintf("key%d", i), fmt.Sprintf("value-%06d", i))
			if i%4 == 3 {
				log.Command("DEL", "value-a", "value-b", "value-c")
				log.Command("HSET", "hash", "field", "value-h")
			}
		}
		if err := log.WriteDir(filepath.Join(w.dir, fmt.Sprintf("log_db%d", db))); err != nil {
			t.Fatal(err)
		}
	}
	plain := format
	plain.File, plain.Seal, plain.Codecs = nil, nil, nil
	to, _, err := sinktest.Convert(t, w.dir, 1<<16, encode.Options{Format: plain})
	if err != nil {
		t.Fatal(err)
	}
	for rest := to.Bytes(); len(rest) > 0; {
		n := length(t, format.Name, rest)
		w.events, rest = append(w.events, rest[:n:n]), rest[n:]
	}
	w.first = len(w.events) / 2
	return w
}

// length is that of the first event with its framing.
func length(t *testing.T, format string, data []byte) int {
	t.Helper()
	switch format {
	case "jsonl":
		return bytes.IndexByte(data, '\n') + 1
	case "avro":
		return 4 + int(binary.LittleEndian.Uint32(data))
	}
	size, n := binary.Uvarint(data)
	return n + int(size)
}

// file writes a file of events.
func (w *world) file(t *testing.T, events [][]byte) string {
	t.Helper()
	data := bytes.Join(events, nil)
	switch {
	case w.format.Seal != nil:
		s, err := w.format.Seal(formats.SealOptions{Codec: "none"})
		var file bytes.Buffer
		if err = errors.Join(err, s.Seal(t.Context(), bytes.NewReader(data), &file)); err != nil {
			t.Fatal(err)
		}
		data = file.Bytes()
	case w.format.File != nil:
		f, err := w.format.File("none", 1)
		if err != nil {
			t.Fatal(err)
		}
		data = f.AppendFrame(f.AppendHead(nil), data)
	}
	path := filepath.Join(t.TempDir(), "events"+w.format.Ext)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compare compares the logs with a file of events.
func (w *world) compare(t *testing.T, events [][]byte, o compare.Options) *compare.Report {
	t.Helper()
	h, _, err := held.Open(t.Context(), w.file(t, events), w.format.Name)
	if err != nil {
		t.Fatal(err)
	}
	logs := sinktest.Find(t, w.dir)
	for _, l := range logs {
		o.Logs = append(o.Logs, l.ID())
	}
	c := compare.New(h, o)
	as, _ := formats.Lookup(h.Format.As)
	_, err = encode.Run(t.Context(), sinktest.SourceOf(t, logs, 1<<16), sink.Opened{Sink: c, Traits: sink.Traits{Messages: true}}, encode.Options{Format: as})
	if err = errors.Join(err, c.Finish(t.Context())); err != nil {
		t.Fatal(err)
	}
	return &c.Report
}

// damage is one that is done to the events at a place, and what is to be said of it.
type damage struct {
	name string
	do   func(events [][]byte, i int) [][]byte
	want compare.Kind
	text string
}

var damages = []damage{
	{"removed", func(e [][]byte, i int) [][]byte { return slices.Delete(e, i, i+1) }, compare.Missing, ""},
	{"doubled", func(e [][]byte, i int) [][]byte { return slices.Insert(e, i, e[i]) }, compare.Repeated, "it comes again"},
	{"changed", func(e [][]byte, i int) [][]byte {
		e[i] = bytes.Replace(e[i], []byte("value-"), []byte("valUe-"), 1)
		return e
	}, compare.Different, "in the log and"},
	{"swapped", func(e [][]byte, i int) [][]byte {
		e[i], e[i+1] = e[i+1], e[i]
		return e
	}, compare.Disordered, "after later ones"},
	{"moved to the end of its log", func(e [][]byte, i int) [][]byte {
		return append(slices.Delete(slices.Clone(e[:len(e)/2]), i, i+1), append([][]byte{e[i]}, e[len(e)/2:]...)...)
	}, compare.Disordered, "after later ones"},
}

// TestDamages does each damage at each place, in each format: it is found, named, and everything else is equal.
func TestDamages(t *testing.T) {
	for _, name := range []string{"avro", "jsonl", "parquet", "protobuf"} {
		format, _ := formats.Lookup(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, format)
			n := int64(len(w.events))
			if r := w.compare(t, w.events, compare.Options{}); r.Differences() > 0 || r.Equal != n {
				t.Fatalf("without damage: %v, %v", r, r.First)
			}
			for _, d := range damages {
				for i := range w.first - 1 {
					r := w.compare(t, d.do(slices.Clone(w.events), i), compare.Options{})
					if r.Differences() != 1 || r.Counts[d.want] != 1 || !strings.Contains(r.First[0].Text, d.text) || r.First[0].Log != "db0" {
						t.Fatalf("%s %d: %v: %v", d.name, i, r, r.First)
					}
				}
			}
		})
	}
}

// TestForeign finds an event that the log does not have at each place. Where it is after later ones by its own position, these are out of order.
func TestForeign(t *testing.T) {
	format, _ := formats.Lookup("jsonl")
	w := newWorld(t, format)
	for i := range len(w.events) + 1 {
		for _, foreign := range []string{
			`{"db":"db0","segment":0,"offset":1,"end":2,"op":"set"}`, `{"db":"db7","segment":0,"offset":0,"end":2,"op":"set"}`,
			`{"db":"db0","segment":99,"offset":1,"end":2,"op":"set"}`,
		} {
			r := w.compare(t, slices.Insert(slices.Clone(w.events), i, []byte(foreign+"\n")), compare.Options{})
			if r.Counts[compare.Foreign]+r.Counts[compare.Disordered] == 0 || r.Counts[compare.Missing] > 0 {
				t.Fatalf("%s at %d: %v: %v", foreign, i, r, r.First)
			}
		}
	}
}

// TestInterleaved compares a file in which the events of the logs lie in turn, as tail writes them.
func TestInterleaved(t *testing.T) {
	for _, name := range []string{"avro", "jsonl"} {
		format, _ := formats.Lookup(name)
		w := newWorld(t, format)
		var mixed [][]byte
		for i := range w.first {
			mixed = append(mixed, w.events[i], w.events[w.first+i])
		}
		if r := w.compare(t, mixed, compare.Options{}); r.Differences() > 0 || r.Equal != int64(len(mixed)) {
			t.Fatalf("%v: %v", r, r.First)
		}
		for i := range mixed {
			r := w.compare(t, slices.Delete(slices.Clone(mixed), i, i+1), compare.Options{})
			if log := fmt.Sprintf("db%d", i%2); r.Differences() != 1 || r.Counts[compare.Missing] != 1 || r.First[0].Log != log {
				t.Fatalf("without event %d: %v: %v", i, r, r.First)
			}
		}
	}
}

// TestRepeats lets events come again as they were, and only so.
func TestRepeats(t *testing.T) {
	format, _ := formats.Lookup("jsonl")
	w := newWorld(t, format)
	again := slices.Insert(slices.Clone(w.events), 9, w.events[3:9]...)
	if r := w.compare(t, again, compare.Options{Repeats: true}); r.Differences() > 0 || r.Allowed != 6 {
		t.Errorf("%v: %v", r, r.First)
	}
	again[10] = bytes.Replace(again[10], []byte("value-"), []byte("valUe-"), 1)
	if r := w.compare(t, again, compare.Options{Repeats: true}); r.Differences() != 1 || r.Counts[compare.Repeated] != 1 {
		t.Errorf("%v: %v", r, r.First)
	}
}

// TestRange passes over what is outside of it.
func TestRange(t *testing.T) {
	format, _ := formats.Lookup("jsonl")
	w := newWorld(t, format)
	logs := sinktest.Find(t, w.dir)[:1]
	from, until := decode.Position{Segment: 0, Offset: 300}, decode.Position{Segment: 0, Offset: 900}
	h, _, err := held.Open(t.Context(), w.file(t, w.events[:w.first]), "")
	if err != nil {
		t.Fatal(err)
	}
	c := compare.New(h, compare.Options{Logs: []*decode.Log{logs[0].ID()}, Ranges: map[*decode.Log]compare.Range{logs[0].ID(): {From: &from, Until: &until}}})
	if err := c.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if inside := c.Differences(); inside == 0 || c.Outside == 0 || inside+c.Outside != int64(w.first) {
		t.Errorf("%v", &c.Report)
	}
}
