//go:build unix

package follow_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
)

var (
	modelRuns  = flag.Uint64("model.runs", 30, "how many seeds of each generation TestTailModel runs")
	modelFirst = flag.Uint64("model.first", 0, "the first of them")
)

// model lets a server and a reader take turns as a seed has it, and holds what was read against what was committed.
type model struct {
	t       *testing.T
	rand    *rand.Rand
	server  *pikasim.Server
	reader  *reader
	options pikasim.Options

	eager  int  // the reader has a look after one of so many steps
	kills  bool // the server may be killed at this step
	puts   int
	cron   bool // the reader is none that stays: it runs now and then
	nolink bool // the server writes into a file without a name
	log    []string
	seen   []int // the length of the journal when an item was read
}

func newModel(t *testing.T, g decode.Generation, seed uint64) *model {
	t.Helper()
	m := &model{t: t, rand: rand.New(rand.NewPCG(seed, 7))}
	m.eager = 1 + m.rand.IntN(30)
	m.options = pikasim.Options{Generation: g, SegmentSize: 1024 << m.rand.IntN(8), Region: 256 << 10, Step: m.step}
	if g == decode.G3 && seed%2 == 0 {
		m.options.Filling = binlogtest.FillBlank
	}
	m.server = server(t, m.options)
	m.put(1 + m.rand.IntN(20))
	if m.cron = seed%3 == 2; m.cron {
		m.reader = newReader(t)
	} else {
		m.reader = tailOf(t, follow.Options{Plan: binlog.PlanOptions{ChunkSize: decode.BlockSize}}, m.server.Dir())
	}
	m.read(1)
	return m
}

// step is called after each store of the server.
func (m *model) step(name string) {
	if m.kills && name != pikasim.StepNumber && name != pikasim.StepOffset && m.rand.IntN(40) == 0 {
		m.log = append(m.log, "killed behind "+name)
		m.server.Kill()
	}
	if m.reader != nil && !m.cron && m.rand.IntN(m.eager) == 0 {
		m.read(m.rand.IntN(4))
	}
}

// read takes up to n things.
func (m *model) read(n int) {
	m.t.Helper()
	if m.cron {
		m.drain()
		return
	}
	m.reader.left = m.rand.IntN(2)
	for range n {
		if !m.reader.step() {
			break
		}
	}
	m.note()
}

// drain reads all there is.
func (m *model) drain() {
	m.t.Helper()
	if m.cron {
		m.reader.convert(m.server.Dir(), m.options.Generation)
	} else {
		m.reader.drain()
	}
	m.note()
}

func (m *model) note() {
	for len(m.seen) < len(m.reader.got) {
		m.seen = append(m.seen, len(m.server.Journal()))
	}
}

func (m *model) put(n int) {
	m.t.Helper()
	for range n {
		m.puts++
		size := m.rand.IntN(300)
		if m.rand.IntN(15) == 0 {
			size = m.rand.IntN(200_000)
		}
		err := m.server.Command("SET", fmt.Sprintf("key%06d", m.puts), strings.Repeat(fmt.Sprintf("%07d ", m.puts), size/8))
		if !m.server.Running() {
			m.restart()
			continue
		}
		must(m.t, err)
	}
}

// restart starts a server that was killed, or that runs.
func (m *model) restart() {
	m.t.Helper()
	m.kills = false
	must(m.t, m.server.Restart())
	if m.options.Generation < decode.G2 {
		m.put(1) // else a rotation could leave torn bytes after the end, and before 2.3 nothing would tell of that end
	}
}

func (m *model) do() {
	m.t.Helper()
	at := m.server.Position()
	action := m.rand.IntN(100)
	m.log = append(m.log, fmt.Sprintf("%d at %v", action, at))
	m.kills = !m.nolink && !m.cron // convert reads a whole record after the end of a segment, which was never committed
	switch {
	case action < 40:
		m.put(1 + m.rand.IntN(8))
	case action < 50:
		m.kills = false
		m.roll()
	case action < 60:
		m.kills = false
		must(m.t, m.server.Purge(1+m.rand.IntN(5)))
	case action < 64 && !m.nolink:
		m.restart()
	case action < 74:
		m.read(m.rand.IntN(10))
	case action < 80:
		m.drain()
	case action < 90:
		m.replace(at)
	case action < 92 && !m.cron:
		m.kills = false
		must(m.t, m.server.PurgeLive())
		m.nolink = true
	case action < 96 && !m.cron && !m.nolink:
		m.log = append(m.log, "resumed")
		m.reader.resume(m.server.Dir(), m.options.Generation)
		m.read(1)
	}
	m.kills = false
}

// roll rotates as a put does that finds the segment full: never an empty one, and with a record after it.
func (m *model) roll() {
	m.t.Helper()
	if m.server.Position().Offset > 0 {
		must(m.t, m.server.Rotate())
		m.nolink = false
	}
	m.put(1)
}

// replace begins another history.
func (m *model) replace(at decode.Position) {
	m.t.Helper()
	m.kills = false
	if at.Offset == 0 {
		m.put(1) // killed between a rotation and its put
	}
	offset := int64(m.rand.IntN(200_000))
	if m.rand.IntN(4) == 0 && m.options.Generation >= decode.G2 {
		offset = 0 // before 2.3 nothing would tell that another history begins there
	} else if offset%decode.BlockSize < 100 {
		offset += 100
	}
	to := decode.Position{Segment: at.Segment, Offset: offset}
	switch kind := m.rand.IntN(5); {
	case kind == 0:
		to.Segment += uint32(1 + m.rand.IntN(3))
	case kind == 1 && at.Segment > 0:
		to.Segment = uint32(m.rand.IntN(int(at.Segment)))
	case kind == 2 && !m.nolink:
		must(m.t, m.server.LoseManifest())
		must(m.t, m.server.Restart())
		m.log = append(m.log, "lost the manifest")
		return
	case kind == 3 && m.options.Generation >= decode.G4 && !m.nolink:
		if records := m.present(); len(records) > 0 {
			r := records[m.rand.IntN(len(records))]
			m.log = append(m.log, fmt.Sprintf("truncate to %d:%d", r.Segment, r.End))
			must(m.t, m.server.Truncate(decode.Position{Segment: r.Segment, Offset: r.End}))
		}
		return
	}
	m.log = append(m.log, fmt.Sprintf("full sync to %v", to))
	must(m.t, m.server.FullSync(to))
	m.nolink = false
}

// present are the records on the disk that no full sync and no lost manifest has made those of an older history.
func (m *model) present() []binlogtest.Want {
	journal := m.server.Journal()
	for i, e := range slices.Backward(journal) {
		if e.Break != "" && e.Break != pikasim.BreakTruncate {
			journal = journal[i+1:]
			break
		}
	}
	return slices.DeleteFunc(m.server.OnDisk(), func(r binlogtest.Want) bool {
		return !slices.ContainsFunc(journal, func(e pikasim.Entry) bool { return bytes.Equal(e.Record.Payload, r.Payload) })
	})
}

// finish lets the server come to rest and the reader to the end.
func (m *model) finish() {
	m.t.Helper()
	m.put(2)
	m.roll()
	m.put(2)
	m.drain()
}

// where is a record in the journal.
type where struct {
	index, history int
	entry          pikasim.Entry
}

func (w where) position() decode.Position {
	return decode.Position{Segment: w.entry.Record.Segment, Offset: w.entry.Record.Offset}
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

// report tells the whole story of a failed test.
func (m *model) report() {
	if !m.t.Failed() {
		return
	}
	m.note()
	var b strings.Builder
	for i, e := range m.server.Journal() {
		if e.Break != "" {
			fmt.Fprintf(&b, "\n%d: %s %v to %v\n", i, e.Break, e.From, e.To)
			continue
		}
		fmt.Fprintf(&b, " %d:%d", e.Record.Segment, e.Record.Offset)
	}
	var g strings.Builder
	for i, item := range m.reader.got {
		fmt.Fprintf(&g, " %v", item)
		if item.Hole != "" {
			fmt.Fprintf(&g, " (journal %d: %v)\n", m.seen[i], item.hole)
		}
	}
	m.t.Logf("eager %d, segments of %d\n%s\njournal:%s\nread:%s\nnotes: %v", m.eager, m.options.SegmentSize, strings.Join(m.log, "\n"), b.String(), g.String(), m.reader.notes)
}

type checker struct {
	m         *model
	journal   []pikasim.Entry
	list      []where
	byPayload map[string]where

	start decode.Position // of the epoch
	since int             // length of the journal when it began
	prev  *where
	holes []decode.Hole // of the epoch
	hole  bool          // there is one after prev
}

func (c *checker) item(i int, it item) {
	c.m.t.Helper()
	if it.Hole != "" {
		if rewritten, ok := it.hole.(decode.Rewritten); ok {
			_, _, c.start = rewritten.Hole()
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
		c.m.t.Errorf("item %d, %v: comes behind %v", i, it, c.prev.position())
	}
	c.between(i, it, w)
	c.prev, c.hole = &w, false
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
			if c.prev != nil && e.index >= c.since && !c.harmless(e) {
				c.m.t.Errorf("item %d, %v: nothing tells of the %s behind %v", i, it, e.entry.Break, c.prev.position())
			}
		case c.undone(e, w) || c.deleted(e) || e.position().Before(c.start) || e.index < c.since && e.history != w.history:
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

// undone reports whether a break between two records took the first of them away.
func (c *checker) undone(e, w where) bool {
	return slices.ContainsFunc(c.list[e.index:w.index], func(b where) bool {
		if b.entry.Break == pikasim.BreakTruncate {
			return b.entry.To.Before(decode.Position{Segment: e.entry.Record.Segment, Offset: e.entry.Record.End})
		}
		return b.entry.Break != ""
	})
}

// deleted reports whether a full sync had taken the segment of a record when the epoch began, or was about to.
func (c *checker) deleted(e where) bool {
	until := min(c.since+1, len(c.list))
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

// TestTailModel is the main proof: whatever server and reader do in turns, what is read was committed, in its order, and
// what of it is not read is in exactly one range that is named missing or lies in a history that was replaced.
func TestTailModel(t *testing.T) {
	runs := *modelRuns
	if testing.Short() {
		runs = min(runs, 5)
	}
	for _, g := range generations {
		for seed := *modelFirst; seed < *modelFirst+runs; seed++ {
			t.Run(fmt.Sprintf("%s-%d", nameOf(g), seed), func(t *testing.T) {
				t.Parallel()
				m := newModel(t, g, seed)
				defer m.report()
				for range 60 {
					m.do()
				}
				m.finish()
				m.check()
			})
		}
	}
}
