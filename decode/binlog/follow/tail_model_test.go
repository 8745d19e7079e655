//go:build unix

package follow_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/binlogtest/sample"
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
	seen   []int        // the length of the journal when an item was read
	alone  map[int]bool // items after which a segment comes that has none before it
}

func newModel(t *testing.T, g decode.Generation, seed uint64) *model {
	t.Helper()
	m := &model{t: t, rand: rand.New(rand.NewPCG(seed, 7)), alone: map[int]bool{}}
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
		m.log = append(m.log, "killed after "+name)
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
	for i := len(m.seen); i < len(m.reader.got); i++ {
		m.seen = append(m.seen, len(m.server.Journal()))
		if hole := m.reader.got[i].hole; hole != nil {
			_, _, to := hole.Hole()
			_, err := os.Stat(filepath.Join(m.server.Dir(), binlogtest.SegmentName(to.Segment-1)))
			m.alone[i] = err != nil
		}
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
	m.t.Logf("eager %d, segments of %d\n%s\njournal:%s\nread:%s\nnotes: %v", m.eager, m.options.SegmentSize, strings.Join(m.log, "\n"), b.String(), g.String(), m.reader.oddities)
}

// TestTailModel is the main proof: whatever server and reader do in turns, what is read was committed, in its order, and
// what of it is not read is in exactly one range that is named missing or lies in a history that was replaced.
func TestTailModel(t *testing.T) {
	runs := sample.Count(*modelRuns, 5)
	for _, g := range generations {
		for seed := *modelFirst; seed < *modelFirst+runs; seed++ {
			t.Run(fmt.Sprintf("%s-%d", nameOf(g), seed), func(t *testing.T) {
				t.Parallel()
				runModel(t, g, seed)
			})
		}
	}
}

func runModel(t *testing.T, g decode.Generation, seed uint64) {
	t.Helper()
	m := newModel(t, g, seed)
	defer m.report()
	for range 60 {
		m.do()
	}
	m.finish()
	m.check()
}

// TestTailModelHardSeeds runs the seeds that found what the reader, or the model, had wrong.
func TestTailModelHardSeeds(t *testing.T) {
	for _, hard := range []struct {
		situation string
		g         decode.Generation
		seeds     []uint64
	}{
		{"filler of one piece looks like the padding of a client, and up to 3.2 the ids go on over a full sync", decode.G3, []uint64{497, 1187, 1319, 1355, 1847}},
		{"and one that has lost a single record leaves room for the number of such a padding: nobody can tell", decode.G3, []uint64{293, 40547}},
		{"resumed when the manifest names a segment without a record: a full sync to its beginning, and not a rotation", decode.G5, []uint64{50308, 50362}},
		{"the same", decode.G2, []uint64{50221}},
		{"the same", decode.G3, []uint64{1425}},
		{"and the place that was read up to is past it, so that the history begins there", decode.G3, []uint64{40501}},
		{"replaced once more between the opening of the tail and its first look", decode.G2, []uint64{625}},
		{"the same", decode.G4, []uint64{1336}},
		{"the same", decode.G5, []uint64{1336}},
		{"a mixture of two positions names zeros past a whole record that was not committed, in a segment with filler", decode.G2, []uint64{50220}},
		{"up to 3.2 the ids of an older history may be those of the present one by chance", decode.G3, []uint64{585}},
		{"the segment that a plan enters is another one than when it was made", decode.G3, []uint64{435, 942}},
		{"a segment that was unlinked, whose successor names an end that is none and an id that is not there", decode.G3, []uint64{970}},
		{"the same, and it names nothing: the id tells that it continues", decode.G5, []uint64{55, 327, 501}},
		{"a full sync has replaced the segment that is read, and it was unlinked before a look: what is held tells nothing of what comes", decode.G4, []uint64{1525}},
		{"the same", decode.G5, []uint64{1525}},
		{"the same file is written anew while the next one is entered", decode.G1, []uint64{603}},
		{"convert reads a segment that an older history has left between: before 2.3 nothing tells", decode.G0, []uint64{50510}},
		{"the same", decode.G1, []uint64{50510}},
		{"convert reads again the segments that older histories have left: each begins another one, as it did before", decode.G4, []uint64{1187, 1577}},
		{"the same", decode.G5, []uint64{1187, 1577}},
	} {
		for _, seed := range hard.seeds {
			t.Run(fmt.Sprintf("%s-%d", nameOf(hard.g), seed), func(t *testing.T) {
				t.Parallel()
				t.Log(hard.situation)
				runModel(t, hard.g, seed)
			})
		}
	}
}
