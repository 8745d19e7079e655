package traffic

import (
	"pikabin/decode"
	"pikabin/decode/frequent"
)

// How many keys and prefixes are kept for certain; twice as many are counted exactly as long as there are no more.
const (
	keysKept     = 1 << 12
	prefixesKept = 1 << 10
)

// rules are what a user decides of the reckoning.
type rules struct {
	step      int64 // seconds
	delimiter []byte
	top       int
}

// totals are what has been reckoned of some events, in bounded memory, whatever the number of keys. They belong to one goroutine.
type totals struct {
	rules *rules

	all, untimed Count
	first, last  int64
	timed        bool

	time     timeline
	logs     []Count // by the number of the log
	ops      [decode.OpRewritten + 1]Count
	types    [decode.TypeBitmap + 1]Count
	commands commands
	prefixes prefixes
	keys     frequent.Items
	largest  largest
	spans    spans
	flushes  flushes

	block [ahead]digest // scratch of take
}

func newTotals(r *rules) *totals {
	return &totals{
		rules: r, time: timeline{step: r.step, counts: map[int64]*Count{}}, commands: newCommands(), largest: largest{most: r.top},
		keys: frequent.Items{Keep: keysKept}, prefixes: prefixes{delimiter: r.delimiter, items: frequent.Items{Keep: prefixesKept}},
	}
}

// take reckons the events of a list of digests, all of one log.
func (t *totals) take(log uint32, list []byte) {
	t.makeRoom(log)
	var all Count
	for len(list) > 0 {
		var some []digest
		some, list = t.fetch(log, list)
		for _, d := range some {
			size := d.number(atBytes)
			all.add(1, size)
			t.event(d, size)
			t.key(log, d, size)
			t.keep(log, d)
		}
	}
	t.all.add(all.Events, all.Bytes)
	t.logs[log].add(all.Events, all.Bytes)
}

func (t *totals) makeRoom(log uint32) {
	for int(log) >= len(t.logs) {
		t.logs = append(t.logs, Count{})
	}
}

// ahead is how many digests are looked at before the first of them is reckoned, see frequent.Items.Fetch.
const ahead = 32

// fetch takes some digests off a list.
func (t *totals) fetch(log uint32, list []byte) (some []digest, rest []byte) {
	n := 0
	for ; n < ahead && len(list) > 0; n++ {
		t.block[n], list = next(list)
		t.keys.Fetch(t.block[n].keyHash(log))
	}
	return t.block[:n], list
}

// event counts an event by all but its log and its key.
func (t *totals) event(d digest, size int64) {
	t.ops[d[atOp]].add(1, size)
	t.types[d[atType]].add(1, size)
	if c := t.commands.of(d); c != nil {
		c.add(1, size)
	}
	t.timeOf(d, size)
	if d.has(hasDeadline) {
		t.spans.add(d)
	}
}

// key counts the key of an event, and its prefix.
func (t *totals) key(log uint32, d digest, size int64) {
	if !d.has(hasKey) {
		return
	}
	d.ofLog(log)
	t.keys.AddHashed(d.keyHash(log), d.logKey(), 1, size)
	t.prefixes.add(d.key(), size)
}

// keep keeps an event that is told by itself.
func (t *totals) keep(log uint32, d digest) {
	if t.largest.wants(d, log) {
		e := d.event(log)
		t.largest.add(&e)
	}
	if d[atOp] == uint8(decode.OpFlush) {
		e := d.event(log)
		t.flushes.add(&e)
	}
}

func (t *totals) timeOf(d digest, size int64) {
	if !d.has(hasTime) {
		t.untimed.add(1, size)
		return
	}
	second := d.number(atTime)
	t.time.at(second).add(1, size)
	if !t.timed || second < t.first || second > t.last {
		t.span(second, second)
	}
}

// span notes that there are events of two times, and of none before the first or after the last.
func (t *totals) span(first, last int64) {
	if !t.timed {
		t.first, t.last, t.timed = first, last, true
	}
	t.first, t.last = min(t.first, first), max(t.last, last)
}

// merge adds what others have reckoned of other events.
func (t *totals) merge(u *totals) {
	t.all.add(u.all.Events, u.all.Bytes)
	t.untimed.add(u.untimed.Events, u.untimed.Bytes)
	if u.timed {
		t.span(u.first, u.last)
	}
	t.time.merge(&u.time)
	for i, c := range u.logs {
		t.makeRoom(uint32(i))
		t.logs[i].add(c.Events, c.Bytes)
	}
	for i, c := range u.ops {
		t.ops[i].add(c.Events, c.Bytes)
	}
	for i, c := range u.types {
		t.types[i].add(c.Events, c.Bytes)
	}
	t.commands.merge(&u.commands)
	t.prefixes.merge(&u.prefixes)
	t.keys.Merge(&u.keys)
	t.largest.merge(&u.largest)
	t.spans.merge(&u.spans)
	t.flushes.merge(&u.flushes)
}
