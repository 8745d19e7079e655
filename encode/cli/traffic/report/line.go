package report

import (
	"cmp"
	"strconv"
	"strings"

	"pikabin/encode/cli/traffic"
)

// lineWidth is how many columns a timeline has at most on a page of text.
const lineWidth = 72

// Line is a timeline with a bounded number of columns.
type Line struct {
	From   int64 // unix seconds at which the first column begins
	Step   int64 // seconds of a column
	Counts []traffic.Count
}

// NewLine puts steps together until there are at most so many. ok is false if there are none.
func NewLine(s *traffic.Summary, columns int) (l Line, ok bool) {
	if len(s.Timeline) == 0 {
		return l, false
	}
	first, last := s.Timeline[0].TS, s.Timeline[len(s.Timeline)-1].TS
	steps := (last-first)/s.Step + 1
	per := (steps + int64(columns) - 1) / int64(columns)
	l = Line{From: first, Step: per * s.Step, Counts: make([]traffic.Count, (steps+per-1)/per)}
	for _, step := range s.Timeline {
		c := &l.Counts[(step.TS-first)/l.Step]
		c.Events += step.Events
		c.Bytes += step.Bytes
	}
	return l, true
}

// Most is the column with most events, and when it begins.
func (l *Line) Most() (at, events int64) {
	for i, c := range l.Counts {
		if c.Events > events {
			at, events = l.From+int64(i)*l.Step, c.Events
		}
	}
	return at, events
}

// bars are the heights of a sparkline.
var bars = []rune("▁▂▃▄▅▆▇█")

// Spark draws the events. A column without any is empty.
func (l *Line) Spark() string {
	_, most := l.Most()
	var b strings.Builder
	for _, c := range l.Counts {
		if c.Events == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(bars[(c.Events*int64(len(bars))-1)/most])
	}
	return strings.TrimRight(b.String(), " ")
}

// Length is a number of seconds for a person, in the units that flags have, the two largest ones.
func Length(seconds int64) string {
	var parts []string
	for _, unit := range []struct {
		name    string
		seconds int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := seconds / unit.seconds; n > 0 && len(parts) < 2 {
			parts = append(parts, strconv.FormatInt(n, 10)+unit.name)
		}
		seconds %= unit.seconds
	}
	return cmp.Or(strings.Join(parts, ""), "0s")
}
