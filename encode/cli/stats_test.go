package cli_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/encode/cli"
	"pikabin/encode/cli/traffic"
)

// TestStatsCounts compares the report of every fixture with a plain count over the lines that convert is known to write.
func TestStatsCounts(t *testing.T) {
	eachFolder(t, func(t *testing.T, f binlogtest.Fixture, from string) {
		t.Helper()
		want := plainCount{groups: map[string]map[string]traffic.Count{"all": {"": {}}}, values: map[string]int64{}}
		for line := range bytes.Lines(unpacked(t, binlogtest.Testdata(t, "golden", f.Name+"-"+filepath.Base(from)+".jsonl.zst"))) {
			want.line(t, line)
		}
		for _, workers := range []string{"1", "5"} {
			want.compare(t, statsOf(t, "--workers", workers, "--top", "1000", "--step", "7s", from))
		}
	})
}

// TestStatsOverTheNetwork: the report of a server's logs is that of its files.
func TestStatsOverTheNetwork(t *testing.T) {
	networkCases(t, func(t *testing.T, version, dir string, dbs []pikamaster.DB) {
		t.Helper()
		_, address := serve(t, pikamaster.Options{Version: version, DBs: dbs}, "")
		for _, db := range dbs {
			want, have := statsOf(t, dir, "--db", db.Name), statsOf(t, address, "--db", db.Name)
			if d := diff.Diff(want, have); d != "" {
				t.Errorf("%s (-files +server):\n%s", db.Name, d)
			}
		}
	})
}

// statsOf gives a report as programs read it.
func statsOf(t *testing.T, args ...string) *traffic.Summary {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run(append([]string{"stats", "-q", "--json"}, args...), &stdout, &stderr, ""); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var s traffic.Summary
	d := json.NewDecoder(&stdout)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// eventLine is an event as convert writes it.
type eventLine struct {
	DB            string
	Slot          *int
	Offset, End   int64
	Part, Parts   int64
	TS            *int64
	Op, Type, Cmd string
	Key, Value    *text
	KeyB64        *text `json:"key_b64"`
	ValueB64      *text `json:"value_b64"`
	Elements      []elementLine
	Expire        *int64 `json:"expire_at_ms"`
}

type elementLine struct {
	Field, Value *text
	FieldB64     *text `json:"field_b64"`
	ValueB64     *text `json:"value_b64"`
}

// text is a string of JSON, which may be in base64.
type text string

// bytesOf gives the bytes of a field that has two names; nil if it has neither.
func bytesOf(t *testing.T, plain, packed *text) []byte {
	t.Helper()
	switch {
	case plain != nil:
		return []byte(*plain)
	case packed != nil:
		b, err := base64.StdEncoding.DecodeString(string(*packed))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return nil
}

// plainCount is a count in maps of all that there is.
type plainCount struct {
	groups  map[string]map[string]traffic.Count // by what, and name
	values  map[string]int64                    // the largest of each key
	given   []int64                             // lives in milliseconds
	taken   int64
	flushes int64
}

func (p *plainCount) add(by, name string, size int64) {
	if p.groups[by] == nil {
		p.groups[by] = map[string]traffic.Count{}
	}
	c := p.groups[by][name]
	p.groups[by][name] = traffic.Count{Events: c.Events + 1, Bytes: c.Bytes + size}
}

func (p *plainCount) line(t *testing.T, line []byte) {
	t.Helper()
	e := readLine(t, line)
	size, db := e.End-e.Offset, e.DB
	if e.Parts > 1 {
		size = size*(e.Part+1)/e.Parts - size*e.Part/e.Parts
	}
	if e.Slot != nil {
		db = fmt.Sprintf("%s/%d", db, *e.Slot)
	}
	p.add("all", "", size)
	p.add("db", db, size)
	p.add("op", e.Op, size)
	p.add("type", e.Type, size)
	p.add("command", e.Cmd, size)
	if e.TS != nil {
		p.add("time", strconv.FormatInt(*e.TS-*e.TS%7, 10), size)
	}
	value := int64(len(bytesOf(t, e.Value, e.ValueB64)))
	for _, el := range e.Elements {
		value += int64(len(bytesOf(t, el.Field, el.FieldB64)) + len(bytesOf(t, el.Value, el.ValueB64)))
	}
	key := bytesOf(t, e.Key, e.KeyB64)
	if key != nil {
		p.add("key", db+" "+string(key), size)
		before, _, found := strings.Cut(string(key), ":")
		if found {
			before += ":"
		} else {
			before = ""
		}
		p.add("prefix", before, size)
	}
	if value > 0 {
		p.values[db+" "+string(key)] = max(p.values[db+" "+string(key)], value)
	}
	p.deadline(e)
	if e.Op == "flush" {
		p.flushes++
	}
}

func (p *plainCount) deadline(e *eventLine) {
	switch {
	case e.Expire == nil:
	case *e.Expire == 0:
		p.taken++
	case e.TS != nil:
		life := *e.Expire - *e.TS*1000
		if *e.Expire < 0 && life > 0 {
			life = math.MinInt64 // there is no such number
		}
		p.given = append(p.given, life)
	}
}

func readLine(t *testing.T, line []byte) *eventLine {
	t.Helper()
	var e eventLine
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

// compare holds a report against the count.
func (p *plainCount) compare(t *testing.T, s *traffic.Summary) {
	t.Helper()
	got := map[string]map[string]traffic.Count{}
	note := func(by, name string, c traffic.Count) {
		if got[by] == nil {
			got[by] = map[string]traffic.Count{}
		}
		got[by][name] = c
	}
	note("all", "", s.Count)
	for _, step := range s.Timeline {
		note("time", strconv.FormatInt(step.TS, 10), step.Count)
	}
	for by, list := range map[string][]traffic.Named{"db": s.DBs, "op": s.Ops, "type": s.Types, "command": s.Commands} {
		for _, n := range list {
			note(by, n.Name, n.Count)
		}
	}
	for _, f := range s.Prefixes.Top {
		note("prefix", frequentText(t, &f), f.Count)
	}
	for _, f := range s.Keys.Top {
		note("key", f.DB+" "+frequentText(t, &f), f.Count)
	}
	if d := diff.Diff(p.groups, got); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
	p.compareLists(t, s)
}

func frequentText(t *testing.T, f *traffic.Frequency) string {
	t.Helper()
	if f.B64 == "" {
		return f.Text
	}
	b64 := text(f.B64)
	return string(bytesOf(t, nil, &b64))
}

func (p *plainCount) compareLists(t *testing.T, s *traffic.Summary) {
	t.Helper()
	var sizes, got []int64
	for _, size := range p.values {
		sizes = append(sizes, size)
	}
	slices.SortFunc(sizes, func(a, b int64) int { return cmp.Compare(b, a) })
	for _, e := range s.Values {
		got = append(got, e.Bytes)
	}
	if d := diff.Diff(sizes, got); d != "" {
		t.Errorf("values (-want +got):\n%s", d)
	}
	d := s.Deadlines
	if want := int64(len(p.given)); want != d.Given-d.Unknown || p.taken != d.Taken || p.flushes != s.Flushes.Events {
		t.Errorf("deadlines %+v, flushes %d; want %d given, %d taken, %d flushes", d, s.Flushes.Events, want, p.taken, p.flushes)
	}
	if len(p.given) > 0 && (*d.Shortest != slices.Min(p.given) || *d.Longest != slices.Max(p.given)) {
		t.Errorf("lives from %d to %d, want %d to %d", *d.Shortest, *d.Longest, slices.Min(p.given), slices.Max(p.given))
	}
	for _, span := range d.Spans {
		n := int64(0)
		for _, life := range p.given {
			if cmp.Or(span.From, math.MinInt64) <= life && (life < span.Below || span.Below == 0) {
				n++
			}
		}
		if n != span.Events {
			t.Errorf("%d lives below %d ms, want %d", span.Events, span.Below, n)
		}
	}
}
