package inspect

import (
	"bytes"
	"maps"
	"slices"

	"pikabin/decode"
	"pikabin/decode/frequent"
	"pikabin/decode/units"
)

const (
	largestShown  = 10
	prefixesShown = 10
	keyShown      = 128  // bytes of a key that are kept
	maxNames      = 1024 // names that are counted apart; a log can hold any number of made-up ones
	otherNames    = "(other names)"
	anyType       = "any"
)

// tally counts the records of a chunk, of a log, or of all logs.
type tally struct {
	records, bytes, commands, events            int64
	padding, filler, empty, noEffect, otherSlot int64
	first, last                                 sample
	minID, maxID                                uint64
	hasID                                       bool

	names   groups
	types   [16]counted    // by decode.Type
	largest []sample       // the largest of each key, the largest first; of equal ones the first in the log
	keys    frequent.Items // prefixes
}

// counted are the commands of one name.
type counted struct{ count, bytes int64 }

// groups counts by name.
type groups struct {
	byName map[string]*counted
	name   string // that was asked for last
	group  *counted
}

// of gives the counter of a name.
func (g *groups) of(name string) *counted {
	if g.group != nil && g.name == name {
		return g.group
	}
	if g.byName == nil {
		g.byName = map[string]*counted{}
	}
	found := g.byName[name]
	if found == nil {
		if len(g.byName) >= maxNames {
			name = otherNames
			found = g.byName[name]
		}
		if found == nil {
			found = &counted{}
			g.byName[name] = found
		}
	}
	g.name, g.group = name, found
	return found
}

// sample is one record of which more than its size is kept.
type sample struct {
	log        *decode.Log
	segment    uint32
	begin, end int64
	time       int64
	hasTime    bool
	command    string
	key        []byte // its first bytes
	keyHash    uint64 // of the whole key; 0 if there is none
}

// sameKey reports whether two records are of one key.
func (s *sample) sameKey(o *sample) bool {
	return s.keyHash != 0 && s.keyHash == o.keyHash && s.log == o.log && bytes.Equal(s.key, o.key)
}

func (s *sample) size() int64 { return s.end - s.begin }

// isOtherLog reports whether two records are of different logs and have times, which then order them.
func (s *sample) isOtherLog(o *sample) bool {
	return s.log != nil && o.log != nil && s.log != o.log && s.hasTime && o.hasTime
}

// merge adds what was counted after it in the log, or in another log.
func (t *tally) merge(u *tally) {
	t.records += u.records
	t.bytes += u.bytes
	t.commands += u.commands
	t.events += u.events
	t.padding += u.padding
	t.filler += u.filler
	t.empty += u.empty
	t.noEffect += u.noEffect
	t.otherSlot += u.otherSlot
	if t.first.log == nil || u.first.isOtherLog(&t.first) && u.first.time < t.first.time {
		t.first = u.first
	}
	if u.last.log != nil && (!t.last.isOtherLog(&u.last) || t.last.time <= u.last.time) {
		t.last = u.last
	}
	if u.hasID {
		t.ids(u.minID)
		t.ids(u.maxID)
	}
	for _, name := range sortedNames(u.names.byName) {
		g := t.names.of(name)
		g.count += u.names.byName[name].count
		g.bytes += u.names.byName[name].bytes
	}
	for i := range t.types {
		t.types[i].count += u.types[i].count
		t.types[i].bytes += u.types[i].bytes
	}
	for i := range u.largest {
		t.keepLargest(&u.largest[i])
	}
	t.keys.Merge(&u.keys)
}

func (t *tally) ids(id uint64) {
	if !t.hasID {
		t.minID, t.maxID, t.hasID = id, id, true
	}
	t.minID, t.maxID = min(t.minID, id), max(t.maxID, id)
}

// isLarge reports whether a record of that size is among the largest so far.
func (t *tally) isLarge(size int64) bool {
	return len(t.largest) < largestShown || size > t.largest[len(t.largest)-1].size()
}

// isLargest reports whether a record belongs among the largest. One that is no larger than another of its key does not.
func (t *tally) isLargest(s *sample) bool {
	return t.isLarge(s.size()) && !slices.ContainsFunc(t.largest, func(o sample) bool { return o.sameKey(s) && o.size() >= s.size() })
}

func (t *tally) keepLargest(s *sample) {
	if !t.isLargest(s) {
		return
	}
	t.largest = slices.DeleteFunc(t.largest, func(o sample) bool { return o.sameKey(s) })
	i := len(t.largest)
	for i > 0 && t.largest[i-1].size() < s.size() {
		i--
	}
	t.largest = slices.Insert(t.largest, i, *s)
	t.largest = t.largest[:min(len(t.largest), largestShown)]
}

// counting is the visitor that fills a tally for each chunk.
type counting struct {
	t      *tallied
	change decode.Change

	name    string // of the command last counted
	unknown string // the last one that is not in the table
	lower   []byte
}

// tallied is a chunk that was counted.
type tallied struct {
	found
	tally tally
}

func (c *counting) begin(t *task) { c.t = &tallied{found: found{task: *t}} }

func (c *counting) lost(l decode.Lost) { c.t.lost = append(c.t.lost, l) }

func (c *counting) finish(p decode.Coverage, failure error) *tallied {
	c.t.covered, c.t.failure = p, failure
	return c.t
}

// record counts one record. Its bytes are credited to its first command, and to the type of its first event.
func (c *counting) record(w *decode.Walker) {
	t, rec := &c.t.tally, &w.Record
	size := rec.End - rec.Offset
	t.records++
	t.bytes += size
	s := sample{log: c.t.task.Log, segment: c.t.task.Segment, begin: rec.Offset, end: rec.End}
	entries := w.Decoder.Entries()
	switch e := &entries[0]; {
	case rec.Filler:
		t.filler++
		return
	case e.Padding:
		t.padding++
		return
	case e.Empty:
		t.empty++
		return
	default:
		if e.Has&decode.HasLogicID != 0 {
			t.ids(e.LogicID)
		}
		s.time, s.hasTime = e.Time, e.Has&decode.HasTime != 0
	}
	if !s.hasTime && rec.HeaderSize == 8 {
		s.time, s.hasTime = rec.Time, true
	}
	passed := int64(w.Decoder.Passed())
	silent := c.commands(entries, size)
	key := c.events(w.Decoder, size)
	t.otherSlot += int64(w.Decoder.Passed()) - passed - silent
	s.command = c.name
	t.sample(&s, key)
}

// commands counts the commands of a record, and says how many of them change nothing.
func (c *counting) commands(entries []decode.Entry, size int64) (silent int64) {
	t := &c.t.tally
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		if len(e.Argv) == 0 {
			continue
		}
		t.commands++
		g := c.group(e.Argv[0])
		g.count++
		if i == 0 {
			g.bytes += size
		}
		if cmd := decode.LookupCommand(e.Argv[0]); cmd != nil && cmd.NoEffect {
			silent++
		}
	}
	t.noEffect += silent
	return silent
}

// group finds the counter of a command, whose name in lower case it leaves in c.name.
func (c *counting) group(name []byte) *counted {
	t := &c.t.tally
	if cmd := decode.LookupCommand(name); cmd != nil {
		c.name = cmd.Name
		return t.names.of(cmd.Name)
	}
	if c.lower = appendLower(c.lower[:0], name); string(c.lower) != c.unknown {
		c.unknown = string(c.lower)
	}
	c.name = c.unknown
	return t.names.of(c.name)
}

// events counts the events of a record, and gives the key of the first.
func (c *counting) events(d *decode.Decoder, size int64) (key []byte) {
	t := &c.t.tally
	for first := true; d.Next(&c.change); first = false {
		t.events++
		of := &t.types[c.change.Type]
		of.count++
		if first {
			of.bytes += size
			key = c.change.Key
		}
		if c.change.Key != nil {
			credit := size
			if !first {
				credit = 0
			}
			t.keys.Add(prefixOf(c.change.Key), 1, credit)
		}
	}
	return key
}

// sample keeps a record if it is the first, the last or a large one.
func (t *tally) sample(s *sample, key []byte) {
	if t.first.log == nil {
		t.first = *s
	}
	t.last = *s
	if !t.isLarge(s.size()) {
		return
	}
	if key != nil {
		s.key, s.keyHash = units.CutText(key, keyShown), frequent.Hash(key)|1
	}
	if t.isLargest(s) {
		s.key = bytes.Clone(s.key)
		t.keepLargest(s)
	}
}

func appendLower(dst, name []byte) []byte {
	for _, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		dst = append(dst, b)
	}
	return dst
}

func sortedNames(m map[string]*counted) []string { return slices.Sorted(maps.Keys(m)) }
