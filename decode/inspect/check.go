package inspect

import (
	"pikabin/decode"
)

// oddity is something that records can be without being damaged. Each is reported once for a segment,
// with the first place and the number of them.
type oddity uint8

const (
	oddLogicID oddity = iota // not one more than that of the record before
	oddOrigin                // another server id or term than the record before
	oddClock                 // the physical header's time is far behind that of the record before
	oddTimes                 // the item's time is far from the physical header's
	oddCommand               // arguments that the command cannot have
	oddities
)

// clockSlack is how many seconds clocks may differ before it is worth a note.
const clockSlack = 3600

// sighting counts an oddity. was and is are of the first one: what it should have been and what it is.
type sighting struct {
	count   int64
	offset  int64
	was, is uint64
	name    string // of the command
}

func (s *sighting) see(offset int64, was, is uint64) {
	if s.count++; s.count == 1 {
		s.offset, s.was, s.is = offset, was, is
	}
}

// merge adds what was seen later.
func (s *sighting) merge(later *sighting) {
	if s.count == 0 {
		*s = *later
		return
	}
	s.count += later.count
}

// misplaced are records next to each other that name another position than the end of the record before them,
// by the same number of bytes.
type misplaced struct {
	offset   int64 // of the field in the first of them
	at, want decode.Position
	count    int64
}

// maxMisplaced bounds how many are told one by one for a chunk. When there are more the positions are not
// to be had by single damage.
const maxMisplaced = 64

// facts are the values of a record that its neighbours can be held against.
type facts struct {
	offset   int64
	at       decode.Position
	atFields fields
	hasAt    bool
	logicID  uint64
	hasID    bool
	origin   uint64
	hasOwner bool
	time     int64 // of the physical header, 0 for none
}

// checked is what a worker found in one chunk.
type checked struct {
	found
	flaws []int64 // offsets of lengths with leading zeros, in records that are good otherwise

	records, events int64
	filler          bool // the segment begins with what a full sync leaves

	first, last facts
	end         int64 // of the last record, -1 when a range was lost after it or there is none
	idless      int64 // records after last.logicID that have none
	cut         bool  // damage came before the first record, which so follows none
	votes       votes
	misplaced   []misplaced
	odd         [oddities]sighting
	tail        tail
}

// checker looks at the records of a chunk. It belongs to one goroutine.
type checker struct {
	p      *checked
	prev   facts
	end    int64 // of the record before, -1 when that is not known
	first  bool
	change decode.Change
}

func (c *checker) begin(t *task) {
	c.p = &checked{found: found{task: *t}}
	c.prev, c.end, c.first = facts{}, -1, true
}

// lost makes the next record one without a predecessor.
func (c *checker) lost(l decode.Lost) {
	c.p.lost = append(c.p.lost, l)
	c.p.cut = c.p.cut || c.first
	c.end = -1
	c.p.idless = 0
	c.prev.hasID, c.prev.hasOwner, c.prev.time = false, false, 0
}

func (c *checker) finish(p decode.Coverage, failure error) *checked {
	c.p.covered, c.p.failure, c.p.last, c.p.end = p, failure, c.prev, c.end
	if t := &c.p.task; t.Missing == nil && failure == nil && p.End == p.Limit {
		c.p.tail, c.p.failure = readTail(t, &p)
	}
	return c.p
}

// record checks one record against the one before, and its content for what the decoder lets pass.
func (c *checker) record(w *decode.Walker) {
	p, rec := c.p, &w.Record
	p.records++
	entries := w.Decoder.Entries()
	e := &entries[0]
	now := facts{offset: rec.Offset, time: rec.Time}
	switch {
	case rec.Filler || e.Padding && e.Argv == nil && !e.Wrapped:
		c.fill(rec)
		return
	case e.Padding && !e.Wrapped:
		p.filler = p.filler || rec.Offset == 0
	case e.Has&decode.HasLogicID != 0:
		now.logicID, now.hasID = e.LogicID, true
		now.origin, now.hasOwner = uint64(e.Term|e.ServerID), true
	case e.Has&decode.HasServerID != 0:
		now.origin, now.hasOwner = uint64(e.ServerID), true
	}
	for i := range entries {
		if entries[i].HasAt {
			c.position(rec, &entries[i], &now)
		}
	}
	if !e.Padding && !e.Empty {
		c.content(w, rec)
	}
	if d := e.Time - rec.Time; e.Has&decode.HasTime != 0 && rec.Time != 0 && (d > clockSlack || d < -clockSlack) {
		p.odd[oddTimes].see(rec.Offset, uint64(rec.Time), uint64(e.Time))
	}
	if c.first {
		p.first = now
	}
	compare(&p.odd, p.idless, &c.prev, &now)
	c.keep(&now, rec)
}

// fill passes over what a full sync leaves: ids and times start again after it.
func (c *checker) fill(rec *decode.Record) {
	c.p.filler = c.p.filler || rec.Offset == 0
	if c.first {
		c.p.first = facts{offset: rec.Offset}
	}
	c.p.idless = 0
	c.prev = facts{}
	c.end, c.first = rec.End, false
}

func (c *checker) keep(now *facts, rec *decode.Record) {
	if !now.hasID {
		now.logicID, now.hasID = c.prev.logicID, c.prev.hasID
		c.p.idless++
	} else {
		c.p.idless = 0
	}
	if !now.hasOwner {
		now.origin, now.hasOwner = c.prev.origin, c.prev.hasOwner
	}
	c.prev, c.end, c.first = *now, rec.End, false
}

// compare holds a record against the one before it. Records without an id in between took one each, at
// most: an empty record and a padding item do, filler does not.
func compare(odd *[oddities]sighting, idless int64, prev, now *facts) {
	if now.hasID && prev.hasID && now.logicID-prev.logicID-1 > uint64(idless) {
		odd[oddLogicID].see(now.offset, prev.logicID, now.logicID)
	}
	if now.hasOwner && prev.hasOwner && now.origin != prev.origin {
		odd[oddOrigin].see(now.offset, prev.origin, now.origin)
	}
	if now.time != 0 && prev.time-now.time > clockSlack {
		odd[oddClock].see(now.offset, uint64(prev.time), uint64(now.time))
	}
}

// position checks the position that an item names. The chunk's first record is left to the verifier.
func (c *checker) position(rec *decode.Record, e *decode.Entry, now *facts) {
	now.at, now.hasAt = e.At, true
	if c.end < 0 {
		if c.first {
			now.atFields = fieldsOf(rec, e)
		}
		return
	}
	want := decode.Position{Segment: c.p.task.Segment, Offset: c.end}
	if e.At.Segment == want.Segment && (e.At.Offset == want.Offset || e.At.Offset == rec.Offset) {
		c.p.votes.inChain++
		return
	}
	c.p.stray(misplaced{offset: fieldsOf(rec, e).wrong(e.At, want), at: e.At, want: want, count: 1})
}

// stray keeps a record that is out of the chain, together with its neighbours that are so in the same way.
func (p *checked) stray(m misplaced) {
	p.votes.strays++
	if n := len(p.misplaced); n > 0 {
		last := &p.misplaced[n-1]
		drift := m.at.Segment == last.at.Segment && m.at.Offset-m.want.Offset == last.at.Offset-last.want.Offset
		if drift || n == maxMisplaced {
			last.count++
			return
		}
	}
	p.misplaced = append(p.misplaced, m)
}

// content checks what the decoder takes though no server writes it, and counts the events.
func (c *checker) content(w *decode.Walker, rec *decode.Record) {
	if i := leadingZero(rec.Payload); i >= 0 {
		c.p.flaws = append(c.p.flaws, rec.At(i))
	}
	for w.Decoder.Next(&c.change) {
		c.p.events++
		if c.change.Op == decode.OpOther && len(c.change.Argv) > 0 && decode.LookupCommand(c.change.Argv[0]) != nil {
			odd := &c.p.odd[oddCommand]
			odd.see(rec.Offset, 0, 0)
			if odd.count == 1 {
				odd.name = c.change.Cmd
			}
		}
	}
}
