// Package page makes one page of HTML of what traffic has reckoned, with charts. It holds all that it needs, and asks nothing of anybody.
package page

import (
	_ "embed" // the style
	"io"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/report"
)

//go:embed page.css
var style string

// Options say how a page is made.
type Options struct {
	Sources string // that were read
	Version string // of the program
	Zone    *time.Location
}

// view is what a page shows.
type view struct {
	Options
	Complete bool
	Tiles    []tile
	Charts   []chart
	Lists    []list
	Values   []eventRow
	Flushes  []eventRow
	Flushed  string // how many there were
}

// tile is a number that stands by itself.
type tile struct{ Name, Value string }

// list is a table of groups with bars.
type list struct {
	Title, Note string
	Rows        []row
}

// row is a group. Width is that of its bar, in percent.
type row struct {
	Name                 string
	Events, Share, Bytes string
	Width                float64
}

// eventRow is an event by itself.
type eventRow struct{ When, Place, Command, Key, Bytes string }

// Write writes the page.
func Write(w io.Writer, s *traffic.Summary, o Options) error {
	m := maker{s: s, zone: o.Zone}
	v := view{Options: o, Complete: s.Complete, Tiles: m.tiles(), Charts: m.charts(), Lists: m.lists()}
	for _, e := range s.Values {
		v.Values = append(v.Values, m.event(&e))
	}
	for _, e := range s.Flushes.Last {
		v.Flushes = append(v.Flushes, m.event(&e))
	}
	if s.Flushes.Events > int64(len(s.Flushes.Last)) {
		v.Flushed = "the last " + units.FormatCount(int64(len(s.Flushes.Last))) + " of " + units.FormatCount(s.Flushes.Events)
	}
	var p printer
	p.page(&v)
	_, err := w.Write(p.text.Bytes())
	return err
}

// maker makes the parts of a page.
type maker struct {
	s    *traffic.Summary
	zone *time.Location
}

func (m *maker) clock(second int64) string {
	return units.FormatTime(second, m.zone)
}

func (m *maker) when(second *int64) string {
	if second == nil {
		return "-"
	}
	return m.clock(*second)
}

func (m *maker) tiles() []tile {
	s := m.s
	tiles := []tile{{"events", units.FormatCount(s.Events)}, {"bytes of the log", units.FormatSize(s.Bytes)}}
	if s.First != nil {
		tiles = append(tiles, tile{"from", m.clock(*s.First)}, tile{"to", m.clock(*s.Last)})
		if span := *s.Last - *s.First; span > 0 {
			tiles = append(tiles, tile{"events a second", units.FormatCount(s.Events / span)})
		}
	}
	if s.Untimed.Events > 0 {
		tiles = append(tiles, tile{"without a time", units.FormatCount(s.Untimed.Events)})
	}
	return append(tiles, tile{"flushes", units.FormatCount(s.Flushes.Events)})
}

func (m *maker) lists() []list {
	s := m.s
	lists := []list{m.groups("Commands", s.Commands), m.groups("Types", s.Types), m.groups("Ops", s.Ops), m.groups("DBs", s.DBs)}
	lists = append(lists, m.frequent("Key prefixes", &s.Prefixes), m.frequent("Hottest keys", &s.Keys))
	if len(s.Deadlines.Spans) > 0 {
		lists = append(lists, m.spans())
	}
	return lists
}

// mostRows is how many groups of one kind are listed.
const mostRows = 20

func (m *maker) groups(title string, groups []traffic.Named) list {
	l := list{Title: title}
	for i, g := range groups {
		if i == mostRows {
			l.Note = "and " + units.FormatCount(int64(len(groups)-i)) + " more"
			break
		}
		l.Rows = append(l.Rows, m.row(report.NameOf(g.Name), g.Count, groups[0].Events))
	}
	return l
}

func (m *maker) frequent(title string, f *traffic.Frequent) list {
	l := list{Title: title, Note: report.Bound(f)}
	if !report.Outstanding(f) {
		return l
	}
	for _, one := range f.Top {
		l.Rows = append(l.Rows, m.row(report.FrequencyName(&one), one.Count, f.Top[0].Events))
	}
	return l
}

func (m *maker) row(name string, c traffic.Count, most int64) row {
	return row{
		Name: name, Events: units.FormatCount(c.Events), Share: report.Share(c.Events, m.s.Events), Bytes: units.FormatSize(c.Bytes),
		Width: 100 * float64(c.Events) / float64(max(most, 1)),
	}
}

func (m *maker) spans() list {
	l := list{Title: "Time to live", Note: m.lives()}
	most := int64(0)
	for _, span := range m.s.Deadlines.Spans {
		most = max(most, span.Events)
	}
	for _, span := range m.s.Deadlines.Spans {
		r := m.row(report.SpanName(span), traffic.Count{Events: span.Events}, most)
		r.Bytes = ""
		l.Rows = append(l.Rows, r)
	}
	return l
}

func (m *maker) lives() string {
	if d := &m.s.Deadlines; d.Given+d.Taken > 0 {
		return report.DeadlinesText(d)
	}
	return ""
}

func (m *maker) event(e *traffic.Event) eventRow {
	r := eventRow{When: m.when(e.TS), Place: report.Place(e), Command: units.Visible(e.Cmd), Bytes: units.FormatSize(e.Bytes), Key: report.Flushed(e)}
	if e.Key != "" || e.KeyB64 != "" {
		r.Key = report.Key(e.Key, e.KeyB64)
	}
	return r
}
