//go:build unix

package torture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/checkpoint"
)

// history is what the writer has committed to each DB, in order.
type history map[string][]process.Line

// readHistory reads the journal of a writer that has ended.
func readHistory(tb testing.TB, journal, log string) history {
	tb.Helper()
	lines, err := process.ReadJournal(journal, log, decode.G5)
	if err != nil {
		tb.Fatal(err)
	}
	h := history{}
	for _, l := range lines {
		if l.Break != "" {
			tb.Fatalf("%s: the writer died between two stores of its manifest, and its history broke: %+v", journal, l)
		}
		h[l.DB] = append(h[l.DB], l)
	}
	return h
}

func (h history) records() int {
	n := 0
	for _, lines := range h {
		n += len(lines)
	}
	return n
}

// index is how many records of a DB end at or before a position.
func (h history) index(db string, at decode.Position) int {
	n, _ := slices.BinarySearchFunc(h[db], at, func(l process.Line, at decode.Position) int {
		if at.Before(decode.Position{Segment: l.Segment, Offset: l.End}) {
			return 1
		}
		return -1
	})
	return n
}

// places are the indexes of a state.
func (h history) places(s *checkpoint.State) map[string]int {
	places := map[string]int{}
	for db, mark := range s.DBs {
		places[db] = h.index(db, mark.Position)
	}
	return places
}

// account compares events with the history, each with the record whose turn it is.
type account struct {
	history history
	next    map[string]int // by DB
	gaps    bool           // may be there

	records, named, lost int // events of records, gaps, and records that lie in these
}

// event is what an account looks at.
type event struct {
	DB          string
	Segment     uint32
	Offset, End int64
	Op          string
	Key, Value  string
	From, To    string
}

// take takes the next event.
func (a *account) take(text []byte) error {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("%.200q: %w", text, err)
	}
	if e.Op == "gap" && a.gaps {
		return a.takeGap(&e)
	}
	lines, at := a.history[e.DB], a.next[e.DB]
	if at >= len(lines) {
		return fmt.Errorf("%s: an event after the last record: %.200s", e.DB, text)
	}
	l := lines[at]
	got := process.Line{
		DB: e.DB, Segment: e.Segment, Offset: e.Offset, End: e.End, Seq: l.Seq, Key: e.Key, Sum: crc32.ChecksumIEEE([]byte(e.Value)),
	}
	if got != l || e.Op != "set" {
		return fmt.Errorf("%s: record %d is %s, the event is %s: %.200s", e.DB, at, l.Append(nil), got.Append(nil), text)
	}
	a.next[e.DB]++
	a.records++
	return nil
}

// takeGap passes over the records that lie in a gap. Nothing of it may have been delivered.
func (a *account) takeGap(e *event) error {
	from, err := decode.ParsePosition(e.From)
	if err != nil {
		return err
	}
	to, err := decode.ParsePosition(e.To)
	if err != nil {
		return err
	}
	at, behind := a.next[e.DB], a.history.index(e.DB, to)
	if delivered := a.history.index(e.DB, from); delivered != at || behind < at {
		return fmt.Errorf("%s: a gap from record %d to %d after record %d: %+v", e.DB, delivered, behind, at, e)
	}
	a.named++
	a.lost += behind - at
	a.next[e.DB] = behind
	return nil
}

// takeAll takes all whole lines, and says where in the stream it is wrong. torn says that the last line may be half.
func (a *account) takeAll(r io.Reader, torn bool) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		switch {
		case err == io.EOF && (len(text) == 0 || torn):
			return nil
		case err == io.EOF:
			return fmt.Errorf("line %d is torn: %.200q", n, text)
		case err != nil:
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := a.take(text); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// complete says what is missing at the end.
func (a *account) complete() error {
	for db, lines := range a.history {
		if at := a.next[db]; at != len(lines) {
			return fmt.Errorf("%s: %d of %d records are there; the next one would be %s", db, at, len(lines), lines[at].Append(nil))
		}
	}
	return nil
}

// unpack reads a file through what its name says.
func unpack(path string, r io.Reader) (io.Reader, error) {
	switch filepath.Ext(path) {
	case ".zst":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case ".gz":
		return gzip.NewReader(r)
	}
	return r, nil
}

// takeFile takes the events of a file.
func (a *account) takeFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := unpack(path, f)
	if err == io.EOF { // gzip of nothing
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	if err := a.takeAll(r, false); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// visibleParts lists what a consumer sees in folders, in the order of the text.
func visibleParts(dirs ...string) ([]string, error) {
	var parts []string
	list := func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			parts = append(parts, path)
		}
		return err
	}
	var err error
	for _, dir := range dirs {
		err = errors.Join(err, filepath.WalkDir(dir, list))
	}
	// Below the folders of --partition the order is that of the names alone.
	slices.SortStableFunc(parts, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return parts, err
}

// consumer lists folders all the time and keeps what it has seen: a part is whole at once and stays as it is.
type consumer struct {
	dirs []string
	seen map[string]sight
}

type sight struct {
	info os.FileInfo
	sum  uint32
}

// look lists the folders once.
func (c *consumer) look() error {
	parts, err := visibleParts(c.dirs...)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, path := range parts {
		if err := c.lookAt(path); err != nil {
			return err
		}
	}
	return nil
}

func (c *consumer) lookAt(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if old, ok := c.seen[path]; ok {
		if !os.SameFile(info, old.info) || info.Size() != old.info.Size() || !info.ModTime().Equal(old.info.ModTime()) {
			return fmt.Errorf("%s has changed after it was there: %v, %v", path, old.info, info)
		}
		return nil
	}
	sum, err := wholePart(path)
	if err != nil {
		return fmt.Errorf("%s is not whole when it is there: %w", path, err)
	}
	c.seen[path] = sight{info, sum}
	return nil
}

// lookAgain compares every byte with what was seen at first.
func (c *consumer) lookAgain() error {
	for path, old := range c.seen {
		sum, err := wholePart(path)
		if err != nil || sum != old.sum {
			return fmt.Errorf("%s is not what it was: %w", path, err)
		}
	}
	return nil
}

// wholePart checks that a part is of whole lines, and returns a checksum of its bytes.
func wholePart(path string) (uint32, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	r, err := unpack(path, bytes.NewReader(packed))
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(r)
	if err == nil && !bytes.HasSuffix(text, []byte("\n")) {
		err = fmt.Errorf("it ends in %.100q", text[max(len(text)-100, 0):])
	}
	return crc32.ChecksumIEEE(packed), err
}
