package page

import (
	"time"

	"pikabin/decode/units"
	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/report"
)

// The measures of a chart, in the units of its view box.
const (
	chartWidth  = 960
	chartHeight = 160
	mostColumns = 240
	ticks       = 5
)

// chart is a timeline of bars.
type chart struct {
	Title, Most   string
	Width, Height int
	Bars          []bar
	Marks         []mark // flushes
	Ticks         []tick
}

// bar is one column. Text is shown when somebody points at it.
type bar struct {
	X, Y, Width, Height float64
	Text                string
}

// mark is a line across the chart.
type mark struct {
	X    float64
	Text string
}

// tick is a time below the chart.
type tick struct {
	X    float64
	Text string
}

// charts are the timelines of events and of bytes.
func (m *maker) charts() []chart {
	line, ok := report.NewLine(m.s, mostColumns)
	if !ok {
		return nil
	}
	step := report.Length(line.Step)
	return []chart{
		m.chart(&line, "Events in steps of "+step, func(c traffic.Count) int64 { return c.Events }, units.FormatCount),
		m.chart(&line, "Bytes of the log in steps of "+step, func(c traffic.Count) int64 { return c.Bytes }, units.FormatSize),
	}
}

func (m *maker) chart(line *report.Line, title string, of func(traffic.Count) int64, text func(int64) string) chart {
	c := chart{Title: title, Width: chartWidth, Height: chartHeight}
	most := int64(1)
	for _, count := range line.Counts {
		most = max(most, of(count))
	}
	c.Most = text(most)
	width := float64(chartWidth) / float64(len(line.Counts))
	for i, count := range line.Counts {
		height := float64(chartHeight) * float64(of(count)) / float64(most)
		if of(count) > 0 {
			height = max(height, 1)
		}
		c.Bars = append(c.Bars, bar{
			X: float64(i) * width, Y: chartHeight - height, Width: max(width-min(width/4, 1), 0.5), Height: height,
			Text: m.clock(line.From+int64(i)*line.Step) + ": " + text(of(count)),
		})
	}
	m.mark(&c, line)
	m.tick(&c, line)
	return c
}

// mark shows where flushes were.
func (m *maker) mark(c *chart, line *report.Line) {
	all := line.Step * int64(len(line.Counts))
	for _, e := range m.s.Flushes.Last {
		if e.TS == nil || *e.TS < line.From || *e.TS >= line.From+all {
			continue
		}
		x := float64(*e.TS-line.From) / float64(all) * chartWidth
		c.Marks = append(c.Marks, mark{x, m.clock(*e.TS) + ": " + units.Visible(e.Cmd) + " at " + report.Place(&e)})
	}
}

// tick writes times below the chart: of the day, and the date where that changes.
func (m *maker) tick(c *chart, line *report.Line) {
	all := line.Step * int64(len(line.Counts))
	before := ""
	for i := range int64(ticks) {
		at := time.Unix(line.From+all*i/ticks, 0).In(m.zone)
		day, text := at.Format("2006-01-02"), at.Format("15:04:05")
		if day != before {
			text = day + " " + text
		}
		before = day
		c.Ticks = append(c.Ticks, tick{float64(i) * chartWidth / ticks, text})
	}
}
