//go:build unix

package follow_test

import (
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
)

// where is a record in the journal.
type where struct {
	index, history int
	entry          pikasim.Entry
}

func (w where) position() decode.Position {
	return decode.Position{Segment: w.entry.Record.Segment, Offset: w.entry.Record.Offset}
}

// segment is the one that a record is in, or that a break begins.
func (w where) segment() uint32 {
	if w.entry.Break != "" {
		return w.entry.To.Segment
	}
	return w.entry.Record.Segment
}

// check holds what was read against the journal.
func (m *model) check() {
	m.t.Helper()
	c := &checker{m: m, byPayload: map[string]where{}, journal: m.server.Journal()}
	history := 0
	for i, e := range c.journal {
		if e.Break != "" {
			history++
		}
		w := where{i, history, e}
		c.list = append(c.list, w)
		if e.Break == "" {
			c.byPayload[string(e.Record.Payload)] = w
		}
	}
	for i, item := range m.reader.got {
		c.item(i, item)
	}
	c.last()
}

type checker struct {
	m         *model
	journal   []pikasim.Entry
	list      []where
	byPayload map[string]where

	start decode.Position // of the epoch
	since int             // length of the journal when it began
	told  int             // how much of the journal is before what was told of
	prev  *where
	holes []decode.Hole // of the epoch
	hole  bool          // there is one after prev
}

func (c *checker) item(i int, it item) {
	c.m.t.Helper()
	if it.Hole != "" {
		if rewritten, ok := it.hole.(decode.Rewritten); ok {
			_, _, c.start = rewritten.Hole()
			c.replaced(i, it)
			c.since, c.prev, c.holes = c.m.seen[i], nil, nil
			return
		}
		c.holes, c.hole = append(c.holes, it.hole), true
		return
	}
	w, ok := c.byPayload[it.Payload]
	switch {
	case !ok:
		c.m.t.Errorf("item %d, %v: was never committed", i, it)
		return
	case w.position() != decode.Position{Segment: it.Segment, Offset: it.Offset}:
		c.m.t.Errorf("item %d, %v: was committed at %v", i, it, w.position())
	case c.covers(w) > 0:
		c.m.t.Errorf("item %d, %v: is named missing", i, it)
	case c.prev != nil && !c.prev.position().Before(w.position()):
		c.m.t.Errorf("item %d, %v: comes after %v", i, it, c.prev.position())
	}
	c.between(i, it, w)
	c.prev, c.hole = &w, false
}

// replaced wants another history where one is told of. Up to 2.3 nothing tells it from a server that was killed after a rotation, and up to 3.2 nothing
// does when the segment before has been purged.
func (c *checker) replaced(i int, it item) {
	c.m.t.Helper()
	if g := c.m.options.Generation; g < decode.G3 || g == decode.G3 && c.m.alone[i] {
		return
	}
	seen := min(c.m.seen[i]+1, len(c.list))
	if n := c.comesTo(i, it); n > 0 {
		c.told = max(c.told, n)
		return
	}
	n := slices.IndexFunc(c.list[min(c.told, seen):seen], func(e where) bool { return e.entry.Break != "" })
	if n < 0 {
		c.m.t.Errorf("item %d, %v: no history was replaced", i, it)
	}
	c.told = min(c.told+n+1, c.m.seen[i]) // one that is being made may be told of twice
	if !c.m.cron {
		c.told = c.m.seen[i]
	}
}

// comesTo is the length of the journal after the break that a segment begins with, where convert comes to it from a record of another history: it
// reads the segments that older histories have left after the present one, and may have read them before. 0: it does not.
func (c *checker) comesTo(i int, it item) int {
	_, _, to := it.hole.Hole()
	list := slices.DeleteFunc(slices.Clone(c.list[:c.m.seen[i]]), func(e where) bool { return e.segment() != to.Segment })
	if !c.m.cron || c.prev == nil || len(list) == 0 {
		return 0
	}
	history := list[len(list)-1].history
	begin := c.list[slices.IndexFunc(c.list, func(e where) bool { return e.history == history })]
	if history == c.prev.history || begin.entry.Break == "" || begin.entry.Break == pikasim.BreakTruncate || begin.segment() != to.Segment {
		return 0
	}
	return begin.index + 1
}

// between wants all that the present history has between two records that were read to be named missing, once.
func (c *checker) between(i int, it item, w where) {
	c.m.t.Helper()
	from := 0
	if c.prev != nil {
		from = c.prev.index + 1
		if c.prev.index > w.index && (c.hole || c.m.cron) {
			return // a full sync leaves segments of older histories between, and convert goes by their numbers
		}
		if c.prev.index > w.index {
			c.m.t.Errorf("item %d, %v: of an older history than the one before", i, it)
			return
		}
	}
	for _, e := range c.list[from:w.index] {
		switch {
		case e.entry.Break != "":
			if c.hole {
				return // and positions mean nothing over it
			}
			if c.prev != nil && e.index >= c.since && !c.harmless(e) && !c.likePadding(e) {
				c.m.t.Errorf("item %d, %v: nothing tells of the %s after %v", i, it, e.entry.Break, c.prev.position())
			}
		case c.undone(e, w) || c.deleted(i, e) || e.position().Before(c.start) || e.index < c.since && e.history != w.history:
		case c.covers(e) != 1:
			c.m.t.Errorf("item %d, %v: %v before it is missing and named %d times", i, it, e.position(), c.covers(e))
			return
		}
	}
}

// harmless is a truncation to a place that was not read yet. A break of which the segment is purged is known as a hole.
func (c *checker) harmless(e where) bool {
	r := c.prev.entry.Record
	if slices.ContainsFunc(c.list[e.index:], func(b where) bool {
		return b.entry.Break == pikasim.BreakTruncate && b.entry.To.Segment < e.entry.To.Segment
	}) {
		return true // and of what came of it nothing is left
	}
	return e.entry.Break == pikasim.BreakTruncate && !e.entry.To.Before(decode.Position{Segment: r.Segment, Offset: r.End})
}

// likePadding is a full sync of 3.0 to 3.2 that has lost a single record and left filler of one piece, in the first block: so does the padding
// that a client sends, down to the last byte. The numbers go on over it, and the padding has taken that of the record.
func (c *checker) likePadding(e where) bool {
	items := c.m.options.Generation == decode.G3 && c.m.options.Filling != binlogtest.FillBlank
	return items && e.entry.Break == pikasim.BreakFullSync && e.entry.To.Offset <= decode.BlockSize && e.index == c.prev.index+2
}

// undone reports whether a break between two records took the first of them away.
func (c *checker) undone(e, w where) bool {
	return slices.ContainsFunc(c.list[e.index:w.index], func(b where) bool {
		if b.entry.Break == pikasim.BreakTruncate {
			return b.entry.To.Before(decode.Position{Segment: e.entry.Record.Segment, Offset: e.entry.Record.End})
		}
		return b.entry.Break != ""
	})
}

// deleted reports whether a full sync had taken the segment of a record when the epoch began, or was about to; or, for convert, when an item was
// read: it goes by the numbers of the segments, and before 2.3 nothing tells that one of them was left over by an older history.
func (c *checker) deleted(i int, e where) bool {
	until := min(c.since+1, len(c.list))
	if c.m.cron {
		until = c.m.seen[i]
	}
	return e.index < until && slices.ContainsFunc(c.list[e.index:until], func(b where) bool {
		replaced := b.entry.Break == pikasim.BreakFullSync || b.entry.Break == pikasim.BreakLostManifest
		return replaced && (b.entry.To.Segment == e.entry.Record.Segment || e.entry.Record.Segment == 0)
	})
}

func (c *checker) covers(w where) (n int) {
	for _, hole := range c.holes {
		_, from, to := hole.Hole()
		if !w.position().Before(from) && w.position().Before(to) {
			n++
		}
	}
	return n
}

// last wants everything of the last history to have been read.
func (c *checker) last() {
	c.m.t.Helper()
	end := c.list[len(c.list)-1]
	if c.prev == nil || c.prev.index != end.index {
		c.m.t.Errorf("the last record %v was not read", end.position())
	}
}
