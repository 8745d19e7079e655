package traffic

import (
	"bytes"

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
	commands names
	prefixes frequent.Items
	keys     frequent.Items
	largest  largest
	spans    spans
	flushes  flushes
}

func newTotals(r *rules) *totals {
	return &totals{
		rules: r, time: timeline{step: r.step, counts: map[int64]*Count{}}, largest: largest{most: r.top},
		keys: frequent.Items{Keep: keysKept}, prefixes: frequent.Items{Keep: prefixesKept},
	}
}

// take reckons the events of a list of digests, all of one log.
func (t *totals) take(log uint32, list []byte) {
	t.makeRoom(log)
	var d digest
	for len(list) > 0 {
		d, list = next(list)
		t.event(log, d)
	}
}

func (t *totals) makeRoom(log uint32) {
	for int(log) >= len(t.logs) {
		t.logs = append(t.logs, Count{})
	}
}

func (t *totals) event(log uint32, d digest) {
	size := d.number(atBytes)
	t.all.add(1, size)
	t.logs[log].add(1, size)
	t.ops[d[atOp]].add(1, size)
	t.types[d[atType]].add(1, size)
	if name := d.name(); len(name) > 0 {
		t.commands.of(name).add(1, size)
	}
	t.timeOf(d, size)
	if d.has(hasKey) {
		d.ofLog(log)
		t.keys.AddHashed(d.hash()+uint64(log), d.logKey(), 1, size)
		t.prefixes.Add(t.rules.prefix(d.key()), 1, size)
	}
	if t.largest.wants(d, log) {
		e := d.event(log)
		t.largest.add(&e)
	}
	if d.has(hasDeadline) {
		t.spans.add(d)
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
	t.span(second, second)
}

// span notes that there are events of two times, and of none before the first or after the last.
func (t *totals) span(first, last int64) {
	if !t.timed {
		t.first, t.last, t.timed = first, last, true
	}
	t.first, t.last = min(t.first, first), max(t.last, last)
}

// prefix is what keys are grouped by: the text up to the first delimiter, with it; nothing where there is none.
func (r *rules) prefix(key []byte) []byte {
	if i := bytes.Index(key, r.delimiter); i >= 0 {
		return key[:i+len(r.delimiter)]
	}
	return nil
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
	t.prefixes.Merge(&u.prefixes)
	t.keys.Merge(&u.keys)
	t.largest.merge(&u.largest)
	t.spans.merge(&u.spans)
	t.flushes.merge(&u.flushes)
}
