package cli_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pikabin/decode/binlogtest/damaged"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
)

var (
	damagedLogs = flag.Int("damaged", 60, "how many damaged logs convert, tail and verify are compared on")
	damagedTail = flag.Bool("damaged-tail", false, "compare tail as well, which waits for some seconds until it believes that a log is at rest")
	damagedFrom = flag.Uint64("damaged-from", 1, "the seed of the first of them")
)

// TestDamagedLogs reads damaged logs in all three ways. What comes out is what was written, but for what the damage has
// touched; what does not come out is named; and the three agree on it.
func TestDamagedLogs(t *testing.T) {
	for seed := *damagedFrom; seed < *damagedFrom+uint64(sample.Count(*damagedLogs, 8)); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			l := damaged.New(seed)
			dir := filepath.Join(t.TempDir(), "log")
			if err := l.Write(dir); err != nil {
				t.Fatal(err)
			}
			skip := []string{"--quiet", "--on-corrupt=skip", "--on-gap=skip", dir}
			converted := read(t, append([]string{"convert"}, skip...)...)
			checkAgainst(t, l, converted)
			if *damagedTail {
				tailed := read(t, append([]string{"tail", "--from=start", "--idle-exit=1ms", "--poll-max=1ms"}, skip...)...)
				if diff := differ(converted, tailed); diff != "" {
					t.Errorf("convert and tail: %s", diff)
				}
			}
			code, lost := verified(t, dir, l.Newest)
			if converted.Code != 0 && code == 0 {
				t.Errorf("convert ends with exit code %d, and verify with 0", converted.Code)
			}
			if corrupt := converted.corrupt(l.Newest); !slices.Equal(corrupt, lost) {
				t.Errorf("convert and verify: lost are %v and %v", corrupt, lost)
			}
			if t.Failed() {
				t.Log(strings.Join(l.History, "\n"))
			}
		})
	}
}

// outcome is what a command has read.
type outcome struct {
	Code    int
	Changes []damaged.Change
	Holes   []hole
}

// hole is an event that tells of something missing.
type hole struct{ Op, From, To string }

// differ says in what two outcomes differ, "" if in nothing.
func differ(a, b *outcome) string {
	switch {
	case a.Code != b.Code:
		return fmt.Sprintf("exit codes %d and %d, %d and %d events, holes %v and %v", a.Code, b.Code, len(a.Changes), len(b.Changes), a.Holes, b.Holes)
	case !slices.Equal(a.Holes, b.Holes):
		return fmt.Sprintf("holes %v and %v", a.Holes, b.Holes)
	case !slices.Equal(a.Changes, b.Changes):
		return fmt.Sprintf("%d and %d events", len(a.Changes), len(b.Changes))
	}
	return ""
}

// within writes the end of a segment as the beginning of the next, whatever is known of it.
func within(holes []hole, newest uint32) []hole {
	for i := range holes {
		var from, to position
		from.parse(holes[i].From)
		if to.parse(holes[i].To); to.segment > from.segment || from.segment == newest {
			holes[i].To = fmt.Sprintf("%d:end", from.segment)
		}
	}
	return holes
}

// corrupt are the ranges that are damaged.
func (o *outcome) corrupt(newest uint32) []hole {
	return within(merge(slices.DeleteFunc(slices.Clone(o.Holes), func(h hole) bool { return h.Op != "corrupt" })), newest)
}

func read(t *testing.T, args ...string) *outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o := &outcome{Code: cli.Run(args, &stdout, &stderr, "")}
	for line := range bytes.Lines(stdout.Bytes()) {
		var e struct {
			Op, From, To, Key string
			Segment           uint32
			Offset, End       int64
			Value             string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.From != "" {
			o.Holes = append(o.Holes, hole{e.Op, e.From, e.To})
			continue
		}
		o.Changes = append(o.Changes, damaged.Change{Segment: e.Segment, Offset: e.Offset, End: e.End, Key: e.Key, Value: e.Value})
	}
	return o
}

// checkAgainst compares what was read with what was written.
func checkAgainst(t *testing.T, l *damaged.Log, o *outcome) {
	t.Helper()
	if wrong := l.Check(o.Changes); wrong != "" {
		t.Error(wrong)
	}
	lost := slices.DeleteFunc(l.Lost(o.Changes), func(r damaged.Record) bool { return l.Untold(r.Segment) })
	switch {
	case len(lost) > 0 && o.Code != exit.Corrupt && len(o.Holes) == 0:
		t.Errorf("%d records are lost, exit code %d", len(lost), o.Code)
	case l.Whole() && o.Code != 0:
		t.Errorf("nothing is damaged, exit code %d, %v", o.Code, o.Holes)
	}
	for i := range lost {
		if !lost[i].Elsewhere && !slices.ContainsFunc(merge(o.Holes), func(h hole) bool { return covers(h, &lost[i]) }) {
			t.Errorf("the record at %d:%d is lost, and no range of those that are said to be lost has it: %v", lost[i].Segment, lost[i].Offset, o.Holes)
			return
		}
	}
}

func covers(h hole, r *damaged.Record) bool {
	var from, to position
	from.parse(h.From)
	to.parse(h.To)
	return !(position{r.Segment, r.Offset}).before(from) && !to.before(position{r.Segment, r.End})
}

// merge makes one of ranges that lie next to each other.
func merge(holes []hole) []hole {
	var list []hole
	for _, h := range holes {
		if n := len(list); n > 0 && list[n-1].To == h.From {
			list[n-1].To = h.To
			continue
		}
		list = append(list, h)
	}
	return list
}

type position struct {
	segment uint32
	offset  int64
}

func (p *position) parse(s string) { _, _ = fmt.Sscanf(s, "%d:%d", &p.segment, &p.offset) }

func (p position) before(q position) bool {
	return p.segment < q.segment || p.segment == q.segment && p.offset < q.offset
}

// verified is what verify says: the ranges that are lost.
func verified(t *testing.T, dir string, newest uint32) (code int, lost []hole) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run([]string{"verify", "--quiet", "--json", dir}, &stdout, &stderr, "")
	for line := range bytes.Lines(stdout.Bytes()) {
		var f struct {
			Severity string
			Segment  uint32
			Offset   int64
			From, To *int64
			What     string
		}
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		cut := strings.Contains(f.What, "is cut short") || strings.Contains(f.What, "holds the records")
		switch {
		case f.Severity != "damage":
		case cut && f.From == nil:
			lost = append(lost, hole{"corrupt", fmt.Sprintf("%d:%d", f.Segment, f.Offset), fmt.Sprintf("%d:0", f.Segment+1)})
		case cut:
			lost = append(lost, hole{"corrupt", fmt.Sprintf("%d:%d", f.Segment, *f.From), fmt.Sprintf("%d:0", f.Segment+1)})
		case f.From != nil:
			lost = append(lost, hole{"corrupt", fmt.Sprintf("%d:%d", f.Segment, *f.From), fmt.Sprintf("%d:%d", f.Segment, *f.To)})
		}
	}
	return code, within(merge(lost), newest)
}
