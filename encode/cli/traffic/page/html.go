package page

import (
	"bytes"
	"fmt"
	"html"
)

// printer writes HTML. It does without html/template, which makes the linker keep every method in the program.
type printer struct{ text bytes.Buffer }

// print writes a format that is HTML. What the format takes in is text, and is escaped: no name becomes a part of the page.
func (p *printer) print(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(&p.text, format, args...)
}

func (p *printer) page(v *view) {
	p.head(v)
	p.print("<body>\n<h1>%s</h1>\n<p>What is in the log, by pikabin %s. Bytes are those of the records in the log.</p>\n", v.Sources, v.Version)
	if !v.Complete {
		p.print(`<p class="warn">This is not all: the reading ended before its end, or a part was skipped.</p>` + "\n")
	}
	p.tiles(v.Tiles)
	for i := range v.Charts {
		p.chart(&v.Charts[i])
	}
	p.print(`<div class="grid">` + "\n")
	for i := range v.Lists {
		p.list(&v.Lists[i])
	}
	p.values(v.Values)
	p.flushes(v)
	p.print("</div>\n</body>\n</html>\n")
}

// head lets the page ask nothing of anybody, and run nothing.
func (p *printer) head(v *view) {
	p.print(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>pikabin stats %s</title>
<style>
`, v.Sources)
	p.text.WriteString(style)
	p.print("</style>\n</head>\n")
}

func (p *printer) tiles(tiles []tile) {
	p.print(`<div class="tiles">`)
	for _, t := range tiles {
		p.print(`<div class="tile"><b>%s</b><span>%s</span></div>`, t.Value, t.Name)
	}
	p.print("</div>\n")
}

func (p *printer) chart(c *chart) {
	p.print(`<section class="wide">`+"\n<h2>%s</h2>\n", c.Title)
	p.print(`<svg viewBox="0 -14 %d 194" role="img" aria-label="%s, %s at most">`+"\n", c.Width, c.Title, c.Most)
	for _, y := range []int{0, c.Height} {
		p.print(`<line class="axis" x1="0" y1="%d" x2="%d" y2="%[1]d"/>`+"\n", y, c.Width)
	}
	p.print(`<text x="0" y="-4">%s</text>`+"\n", c.Most)
	for _, b := range c.Bars {
		if b.Height > 0 {
			p.print(`<rect class="bar" x="%.2f" y="%.2f" width="%.2f" height="%.2f"><title>%s</title></rect>`+"\n", b.X, b.Y, b.Width, b.Height, b.Text)
		}
	}
	for _, m := range c.Marks {
		p.print(`<line class="mark" x1="%.2f" y1="0" x2="%.2[1]f" y2="%[2]d"><title>%[3]s</title></line>`+"\n", m.X, c.Height, m.Text)
	}
	for _, t := range c.Ticks {
		p.print(`<text x="%.2f" y="%d">%s</text>`+"\n", t.X, c.Height+16, t.Text)
	}
	p.print("</svg>\n</section>\n")
}

func (p *printer) list(l *list) {
	if len(l.Rows) == 0 && l.Note == "" {
		return
	}
	p.print("<section>\n<h2>%s</h2>\n", l.Title)
	if len(l.Rows) > 0 {
		p.print("<table>\n" + `<tr><th></th><th class="n">events</th><th class="n">share</th><th class="n">bytes</th></tr>` + "\n")
		for i := range l.Rows {
			p.row(&l.Rows[i])
		}
		p.print("</table>\n")
	}
	if l.Note != "" {
		p.print("<p>%s</p>\n", l.Note)
	}
	p.print("</section>\n")
}

func (p *printer) row(r *row) {
	p.print(`<tr><td class="name" title="%s"><div><i style="width: %.2f%%"></i><span>%[1]s</span></div></td>`, r.Name, r.Width)
	p.print(`<td class="n">%s</td><td class="n">%s</td><td class="n">%s</td></tr>`+"\n", r.Events, r.Share, r.Bytes)
}

func (p *printer) values(values []eventRow) {
	if len(values) == 0 {
		return
	}
	p.print("<section>\n<h2>Largest values</h2>\n<table>\n" + `<tr><th>place</th><th>command</th><th>key</th><th class="n">bytes</th></tr>` + "\n")
	for _, e := range values {
		p.print(`<tr><td class="mono">%s</td><td>%s</td><td class="mono">%s</td><td class="n">%s</td></tr>`+"\n", e.Place, e.Command, e.Key, e.Bytes)
	}
	p.print("</table>\n<p>Of each key its largest one. pikabin inspect --from shows the record at a place.</p>\n</section>\n")
}

func (p *printer) flushes(v *view) {
	if len(v.Flushes) == 0 {
		return
	}
	p.print("<section>\n<h2>Flushes</h2>\n")
	if v.Flushed != "" {
		p.print("<p>%s</p>\n", v.Flushed)
	}
	p.print("<table>\n<tr><th>time</th><th>place</th><th>command</th><th>of</th></tr>\n")
	for _, e := range v.Flushes {
		p.print(`<tr><td>%s</td><td class="mono">%s</td><td>%s</td><td>%s</td></tr>`+"\n", e.When, e.Place, e.Command, e.Key)
	}
	p.print("</table>\n</section>\n")
}
