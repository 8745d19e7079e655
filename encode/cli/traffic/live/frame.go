// Package live shows on a terminal what traffic reckons, as it comes.
package live

import (
	"strings"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/report"
)

// Frame is one picture of the screen.
type Frame struct {
	Title   string
	Now     *traffic.Summary
	Before  *traffic.Summary // of the frame before; nil: there is none
	Took    time.Duration    // since then
	Clock   time.Time
	Message string // the last one; empty: there is none
	Width   int    // of the screen, in characters
	Height  int
}

// What stands above the groups, and how many rows of groups there are, each with a title and an empty line.
const (
	headLines   = 5
	groupRows   = 3
	groupFrames = 2
	wide        = 64 // columns for two groups beside each other
)

// Lines are the lines of the screen from its top: no more than there is room for, and none longer.
func (f *Frame) Lines() []string {
	lines := append([]string{f.ends(f.Title, "q ends")}, f.totals(), "")
	lines = append(lines, f.timeline()...)
	rows := max((f.Height-headLines-1)/groupRows-groupFrames, 1)
	s, half := f.Now, f.Width
	if f.Width >= wide {
		half = (f.Width - 2) / 2
	}
	pairs := [groupRows][2][]string{
		{f.groups("command", s.Commands, half, rows), f.groups("type", s.Types, half, rows)},
		{f.frequent("prefix", &s.Prefixes, half, rows), f.groups("db", s.DBs, half, rows)},
		{f.frequent("key", &s.Keys, half, rows), f.values(half, rows)},
	}
	for _, pair := range pairs {
		lines = append(lines, "")
		if f.Width >= wide {
			pair[0] = beside(pair[0], pair[1], half)
		}
		lines = append(lines, pair[0]...)
	}
	lines = lines[:min(len(lines), max(f.Height-1, 0))]
	for len(lines) < f.Height-1 {
		lines = append(lines, "")
	}
	lines = append(lines, units.Visible(f.Message))
	for i := range lines {
		lines[i] = cut(lines[i], f.Width)
	}
	return lines[:min(len(lines), f.Height)]
}

// ends puts one text to the left end of a line and the other to its right end.
func (f *Frame) ends(left, right string) string {
	room := f.Width - len([]rune(right)) - 1
	if room < 0 {
		return left
	}
	return pad(units.Visible(left), room) + " " + right
}

func (f *Frame) totals() string {
	s := f.Now
	text := units.FormatCount(s.Events) + " events, " + units.FormatSize(s.Bytes)
	if f.Before != nil && f.Took > 0 {
		perSecond := func(n int64) int64 { return int64(float64(n) / f.Took.Seconds()) }
		text += ", now " + units.FormatCount(perSecond(s.Events-f.Before.Events)) + " and " + units.FormatSize(perSecond(s.Bytes-f.Before.Bytes)) + " a second"
	}
	if s.Last != nil {
		text += ", the last " + report.Length(max(f.Clock.Unix()-*s.Last, 0)) + " ago"
	}
	return text
}

// timeline is the end of it, as far as there is room: the steps of now are more to the point than those of long ago.
func (f *Frame) timeline() []string {
	s := *f.Now
	if len(s.Timeline) == 0 {
		return []string{"nothing has come yet", ""}
	}
	last := s.Timeline[len(s.Timeline)-1].TS
	from := last - int64(max(f.Width, 1)-1)*s.Step
	for len(s.Timeline) > 0 && s.Timeline[0].TS < from {
		s.Timeline = s.Timeline[1:]
	}
	line, _ := report.NewLine(&s, f.Width)
	at, most := line.Most()
	clock := func(second int64) string { return time.Unix(second, 0).In(f.Clock.Location()).Format("15:04:05") }
	return []string{
		line.Spark(),
		"steps of " + report.Length(line.Step) + " from " + clock(line.From) + " to " + clock(last) + ", most " + units.FormatCount(most) + " at " + clock(at),
	}
}

// line is a name at the left of a column and numbers at its right.
func line(name, number, share string, width int) string {
	const numbers, shares = 13, 7
	right := padLeft(number, numbers) + padLeft(share, shares)
	return pad(name, width-numbers-shares) + right
}

func (f *Frame) groups(title string, list []traffic.Named, width, rows int) []string {
	lines := []string{line(title, "events", "share", width)}
	for _, n := range list[:min(len(list), rows)] {
		lines = append(lines, line(report.NameOf(n.Name), units.FormatCount(n.Events), report.Share(n.Events, f.Now.Events), width))
	}
	return filled(lines, rows)
}

func (f *Frame) frequent(title string, of *traffic.Frequent, width, rows int) []string {
	if of.Under > 0 {
		title += " (-" + units.FormatCount(of.Under) + " at most)"
	}
	lines := []string{line(title, "events", "share", width)}
	for _, one := range of.Top[:min(len(of.Top), rows)] {
		lines = append(lines, line(report.FrequencyName(&one), units.FormatCount(one.Events), report.Share(one.Events, f.Now.Events), width))
	}
	return filled(lines, rows)
}

func (f *Frame) values(width, rows int) []string {
	lines := []string{line("largest values", "", "bytes", width)}
	for _, e := range f.Now.Values[:min(len(f.Now.Values), rows)] {
		const sizes = 11
		lines = append(lines, pad(report.Key(e.Key, e.KeyB64), width-sizes)+padLeft(units.FormatSize(e.Bytes), sizes))
	}
	return filled(lines, rows)
}

// filled makes a group as long as all are.
func filled(lines []string, rows int) []string {
	for len(lines) <= rows {
		lines = append(lines, "")
	}
	return lines
}

// beside puts two groups of as many lines next to each other.
func beside(left, right []string, width int) []string {
	lines := make([]string, len(left))
	for i := range left {
		lines[i] = strings.TrimRight(pad(left[i], width)+"  "+right[i], " ")
	}
	return lines
}

// pad makes a text as wide as it is to be.
func pad(text string, width int) string {
	text = cut(text, width)
	return text + strings.Repeat(" ", max(width-len([]rune(text)), 0))
}

func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(width-len([]rune(text)), 0)) + text
}

// cut shortens a text that is too wide.
func cut(text string, width int) string {
	runes := []rune(text)
	switch {
	case len(runes) <= width:
		return text
	case width < 1:
		return ""
	}
	return string(runes[:width-1]) + "…"
}
