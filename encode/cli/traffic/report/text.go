// Package report prints what traffic has reckoned: a text for people, JSON and CSV for programs.
package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/cli/traffic"
)

// keyShown is how many bytes of a key a line shows.
const keyShown = 48

// printer writes a summary for people.
type printer struct {
	*bytes.Buffer
	s    *traffic.Summary
	top  int
	zone *time.Location
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// Text writes a summary for people, with lists of so many lines at most, and times of a zone.
func Text(w io.Writer, s *traffic.Summary, top int, zone *time.Location) error {
	p := &printer{Buffer: &bytes.Buffer{}, s: s, top: top, zone: zone}
	p.head()
	p.timeline()
	p.groups("db", s.DBs)
	p.groups("command", s.Commands)
	p.groups("type", s.Types)
	p.groups("op", s.Ops)
	p.frequent("prefix", &s.Prefixes)
	p.frequent("key", &s.Keys)
	p.values()
	p.deadlines()
	p.flushes()
	_, err := w.Write(p.Bytes())
	return err
}

func (p *printer) clock(second int64) string {
	return units.FormatTime(second, p.zone)
}

func (p *printer) head() {
	s := p.s
	p.printf("%s events, %s", units.FormatCount(s.Events), units.FormatSize(s.Bytes))
	if s.First != nil {
		p.printf(", %s to %s", p.clock(*s.First), p.clock(*s.Last))
	}
	if !s.Complete {
		p.printf(": this is not all")
	}
	p.printf("\n")
	if s.Untimed.Events > 0 {
		p.printf("of %s events the log does not tell the time\n", units.FormatCount(s.Untimed.Events))
	}
}

func (p *printer) timeline() {
	line, ok := NewLine(p.s, lineWidth)
	if !ok {
		return
	}
	p.printf("\nevents in steps of %v from %s%s\n%s\n", Length(line.Step), p.clock(line.From), p.finer(len(line.Counts)), line.Spark())
	at, most := line.Most()
	p.printf("most: %s at %s\n", units.FormatCount(most), p.clock(at))
}

// fewColumns is how many columns of a timeline show nothing of how it went.
const fewColumns = 6

// finer says which step shows more of a short log.
func (p *printer) finer(columns int) string {
	span := *p.s.Last - *p.s.First + 1
	step, ok := traffic.StepFor(span, lineWidth)
	if columns > fewColumns || span == 1 || !ok || step >= p.s.Step {
		return ""
	}
	return fmt.Sprintf(" (--step %s shows more)", Length(step))
}

// table prints rows in columns; all but the first column of numbers are to the left.
func (p *printer) table(rows [][]string) {
	w := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "%s\n", strings.Join(row, "\t"))
	}
	w.Flush() //nolint:gosec // a buffer takes everything
}

func (p *printer) share(n int64) string { return Share(n, p.s.Events) }

// Share is a part of all in percent, for a person.
func Share(n, all int64) string {
	if all == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(all))
}

func counted(name string, c traffic.Count, share string) []string {
	return []string{name, units.FormatCount(c.Events), share, units.FormatSize(c.Bytes)}
}

func (p *printer) groups(title string, list []traffic.Named) {
	if len(list) == 0 {
		return
	}
	rows := [][]string{{title, "events", "share", "bytes"}}
	for _, n := range list[:min(len(list), p.top)] {
		rows = append(rows, counted(NameOf(n.Name), n.Count, p.share(n.Events)))
	}
	p.printf("\n")
	p.table(rows)
	p.more(len(list))
}

// NameOf is the name of a group for a person.
func NameOf(name string) string {
	if name == "" {
		return "(any or none)"
	}
	return units.Visible(name)
}

func (p *printer) more(all int) {
	if all > p.top {
		p.printf("and %d more\n", all-p.top)
	}
}

func (p *printer) frequent(title string, f *traffic.Frequent) {
	if len(f.Top) == 0 && f.Under == 0 {
		return
	}
	p.printf("\n")
	if !Outstanding(f) {
		p.printf("%s: %s\n", title, Bound(f))
		return
	}
	rows := [][]string{{title, "events", "share", "bytes"}}
	for _, one := range f.Top {
		rows = append(rows, counted(FrequencyName(&one), one.Count, p.share(one.Events)))
	}
	p.table(rows)
	if f.Under > 0 {
		p.printf("%s\n", Bound(f))
	}
}

// Outstanding tells whether what is listed came more often than what is not can have come.
func Outstanding(f *traffic.Frequent) bool {
	return f.Under == 0 || len(f.Top) > 0 && f.Top[0].Events > f.Under
}

// fewer says what makes counts exact.
const fewer = "; fewer keys are counted exactly, as with --key 'user:*'"

// Bound says how exact counts are.
func Bound(f *traffic.Frequent) string {
	switch {
	case f.Under == 0:
		return "all counts are exact"
	case !Outstanding(f):
		return fmt.Sprintf("too many to count each, and none came more than %s times%s", units.FormatCount(f.Under+most(f)), fewer)
	}
	return fmt.Sprintf("too many to count each: a count is at most %s too low%s", units.FormatCount(f.Under), fewer)
}

// most is the largest count.
func most(f *traffic.Frequent) int64 {
	if len(f.Top) == 0 {
		return 0
	}
	return f.Top[0].Events
}

// FrequencyName is a key or a prefix for a person.
func FrequencyName(f *traffic.Frequency) string {
	switch {
	case f.DB != "":
		return units.Visible(f.DB) + " " + Key(f.Text, f.B64)
	case f.Text == "" && f.B64 == "":
		return "(without)"
	}
	return Key(f.Text, f.B64)
}

// Key shows the beginning of a key safely.
func Key(text, b64 string) string {
	if b64 != "" {
		if raw, err := base64.StdEncoding.DecodeString(b64); err == nil {
			text = string(raw)
		}
	}
	cut := string(units.CutText([]byte(text), keyShown))
	if quoted := strconv.Quote(cut); cut == "" || quoted != `"`+cut+`"` || strings.Contains(cut, " ") {
		cut, text = quoted, quoted+text[len(cut):]
	}
	if len(cut) < len(text) {
		cut += "…"
	}
	return cut
}

func (p *printer) values() {
	if len(p.s.Values) == 0 {
		return
	}
	rows := [][]string{{"largest values", "bytes", "command", "key"}}
	for _, e := range p.s.Values {
		rows = append(rows, []string{Place(&e), units.FormatSize(e.Bytes), units.Visible(e.Cmd), Key(e.Key, e.KeyB64)})
	}
	p.printf("\n")
	p.table(rows)
}

// Place is where an event is, as inspect takes it.
func Place(e *traffic.Event) string {
	return fmt.Sprintf("%s %d:%d", units.Visible(e.DB), e.Segment, e.Offset)
}

func (p *printer) deadlines() {
	d := &p.s.Deadlines
	if d.Given+d.Taken == 0 {
		return
	}
	p.printf("\n%s\n", DeadlinesText(d))
	if len(d.Spans) == 0 {
		return
	}
	rows := [][]string{{"time to live", "events"}}
	for _, span := range d.Spans {
		rows = append(rows, []string{SpanName(span), units.FormatCount(span.Events)})
	}
	p.table(rows)
}

// DeadlinesText says how many deadlines there are.
func DeadlinesText(d *traffic.Deadlines) string {
	text := fmt.Sprintf("deadlines: %s given; %s events leave a key without one, whether it had one or not", units.FormatCount(d.Given), units.FormatCount(d.Taken))
	if d.Shortest != nil {
		text += fmt.Sprintf("; lives from %s to %s", life(*d.Shortest), life(*d.Longest))
	}
	if d.Unknown > 0 {
		text += fmt.Sprintf("; of %s the log does not tell when they were given", units.FormatCount(d.Unknown))
	}
	return text
}

// life is a time to live for a person.
func life(ms int64) string {
	if ms <= 0 {
		return "none"
	}
	if ms < 1000 {
		return strconv.FormatInt(ms, 10) + "ms"
	}
	return Length(ms / 1000)
}

// SpanName names a group of deadlines.
func SpanName(s traffic.Span) string {
	switch s.Below {
	case 0:
		return "a year or more"
	case 1:
		return "none: it had passed"
	}
	return "below " + Length(s.Below/1000)
}

func (p *printer) flushes() {
	f := &p.s.Flushes
	if f.Events == 0 {
		return
	}
	list := f.Last[max(len(f.Last)-p.top, 0):]
	p.printf("\nflushes: %s\n", units.FormatCount(f.Events))
	if int64(len(list)) < f.Events {
		p.printf("the last ones:\n")
	}
	var rows [][]string
	for _, e := range list {
		rows = append(rows, []string{p.when(e.TS), Place(&e), units.Visible(e.Cmd), Flushed(&e)})
	}
	p.table(rows)
}

func (p *printer) when(second *int64) string {
	if second == nil {
		return "-"
	}
	return p.clock(*second)
}

// Flushed says what a flush has deleted.
func Flushed(e *traffic.Event) string {
	switch {
	case e.Scope != "":
		return "every DB"
	case e.Type != "":
		return "keys of type " + e.Type
	}
	return "the DB"
}
