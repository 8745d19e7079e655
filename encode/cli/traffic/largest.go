package traffic

import (
	"bytes"
	"cmp"
	"slices"
)

// event is one of which more than its size is kept.
type event struct {
	log      uint32
	segment  uint32
	offset   int64
	time     int64
	flags    uint8
	op, kind uint8
	command  string
	key      []byte
	hash     uint64
	size     int64 // of its value
}

func (d digest) event(log uint32) event {
	return event{
		log: log, segment: d.segment(), offset: d.number(atOffset), time: d.number(atTime), flags: d[atFlags], op: d[atOp], kind: d[atType],
		command: d.commandName(), key: bytes.Clone(d.key()), hash: d.hash(), size: d.number(atValue),
	}
}

// place orders events by their log and their place in it.
func (e *event) place(o *event) int {
	return cmp.Or(cmp.Compare(e.log, o.log), cmp.Compare(e.segment, o.segment), cmp.Compare(e.offset, o.offset))
}

func (e *event) sameKey(o *event) bool {
	return e.hash == o.hash && e.log == o.log && bytes.Equal(e.key, o.key)
}

// largest are the largest values, of each key its largest one, the largest first; of equal ones the first in the log.
type largest struct {
	most int // how many are kept
	list []event
}

// wants reports whether the value of an event is among them, of those that come in the order of the log.
func (l *largest) wants(d digest, log uint32) bool {
	size := d.number(atValue)
	if size <= 0 || l.most == 0 || len(l.list) == l.most && size <= l.list[l.most-1].size {
		return false
	}
	hash := d.hash()
	i := slices.IndexFunc(l.list, func(o event) bool { return o.hash == hash && o.log == log })
	return i < 0 || size > l.list[i].size
}

func (l *largest) add(e *event) {
	before := func(o *event) int { return cmp.Or(cmp.Compare(o.size, e.size), e.place(o)) }
	if i := slices.IndexFunc(l.list, func(o event) bool { return o.sameKey(e) }); i >= 0 {
		if before(&l.list[i]) >= 0 {
			return
		}
		l.list = slices.Delete(l.list, i, i+1)
	}
	at := len(l.list)
	for at > 0 && before(&l.list[at-1]) < 0 {
		at--
	}
	l.list = slices.Insert(l.list, at, *e)
	l.list = l.list[:min(len(l.list), l.most)]
}

func (l *largest) merge(other *largest) {
	for i := range other.list {
		l.add(&other.list[i])
	}
}

// flushesKept is how many flushes are told one by one.
const flushesKept = 100

// flushes are the last ones.
type flushes struct {
	count int64
	list  []event // up to twice as many as are kept
}

func (f *flushes) add(e *event) {
	f.count++
	f.list = append(f.list, *e)
	if len(f.list) == 2*flushesKept {
		f.trim()
	}
}

// trim keeps the last ones.
func (f *flushes) trim() {
	slices.SortStableFunc(f.list, func(a, b event) int { return cmp.Or(cmp.Compare(a.time, b.time), a.place(&b)) })
	f.list = slices.Delete(f.list, 0, max(len(f.list)-flushesKept, 0))
}

func (f *flushes) merge(other *flushes) {
	f.count += other.count
	f.list = append(f.list, other.list...)
	f.trim()
}
