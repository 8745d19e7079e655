package encode

import (
	"fmt"
	"hash/maphash"
	"strings"

	"pikabin/decode"
	"pikabin/formats"
)

// doubts are what the reader of a format cannot do as the server did. The workers collect them, and the joiner tells each kind once with
// its first position, and at the end how many there were.
type doubts struct {
	kinds   []doubt
	touches []touch
}

// doubt is one kind: a command, and why it cannot be done.
type doubt struct {
	cmd, why string
	log      *decode.Log
	at       decode.Position
	count    int64
}

// touch is what a change does to the type of a name.
type touch struct {
	name    uint64 // a hash of DB and key; 0 for all names
	kind    uint8  // one bit for each type that Redis knows, 0: the name is free again
	replace bool   // whatever was there goes
}

// reset makes room for those of another batch.
func (d *doubts) reset() { d.kinds, d.touches = d.kinds[:0], d.touches[:0] }

// add takes note of a change.
func (d *doubts) add(of formats.Doubter, c *decode.Change) {
	if why := of.Doubt(c); why != "" {
		d.count(doubt{cmd: c.Cmd, why: why, log: c.Log, at: decode.Position{Segment: c.Segment, Offset: c.Offset}, count: 1})
	}
	if t, ok := touchOf(c); ok {
		d.touches = append(d.touches, t)
	}
}

// count adds to the doubts of a kind, and reports whether it is a new one.
func (d *doubts) count(more doubt) bool {
	for i := range d.kinds {
		if kind := &d.kinds[i]; kind.cmd == more.cmd && kind.why == more.why {
			kind.count += more.count
			return false
		}
	}
	d.kinds = append(d.kinds, more)
	return true
}

var nameSeed = maphash.MakeSeed()

// touchOf is false for a change that leaves the types of all names alone, or does not say which it changes.
func touchOf(c *decode.Change) (touch, bool) {
	switch {
	case c.Op == decode.OpFlush && len(c.Args) == 0:
		return touch{}, true
	case c.Key == nil:
		return touch{}, false
	}
	t := touch{name: maphash.Bytes(nameSeed, c.Key) ^ maphash.String(nameSeed, c.Log.DB) | 1}
	switch c.Op {
	case decode.OpDelete:
		return t, c.Type == decode.TypeNone
	case decode.OpSet, decode.OpUpdate, decode.OpStore:
		t.kind = kindOf(c.Type)
		// Before 4.0 each type has names of its own; which version it is only older records tell.
		t.replace = c.Op == decode.OpSet && c.Has&decode.HasLogicID != 0 && c.Has&decode.HasServerID == 0
		return t, t.kind != 0
	default:
		return touch{}, false
	}
}

// kindOf is the bit of a type. Bitmaps and HyperLogLogs are strings, and geo sets are sorted sets.
func kindOf(t decode.Type) uint8 {
	switch t {
	case decode.TypeString, decode.TypeBitmap, decode.TypeHLL:
		return 1
	case decode.TypeZset, decode.TypeGeo:
		return 2
	case decode.TypeHash, decode.TypeList, decode.TypeSet, decode.TypeStream:
		return 4 << (t - decode.TypeHash)
	default:
		return 0
	}
}

// maxNames bounds the names whose types are remembered: some 100 MB.
const maxNames = 4 << 20

// several marks a name that has been counted.
const several = 1 << 7

// types remembers which types each name has, as far as it is known.
type types struct {
	names   map[uint64]uint8
	several int64
}

func (t *types) take(touches []touch) {
	for _, touch := range touches {
		was, known := t.names[touch.name]
		switch {
		case touch.name == 0:
			clear(t.names)
		case touch.kind == 0:
			delete(t.names, touch.name)
		case touch.replace:
			t.keep(touch.name, was&several|touch.kind, known)
		case was&^several&^touch.kind != 0 && was&several == 0:
			t.several++
			t.names[touch.name] = was | touch.kind | several
		default:
			t.keep(touch.name, was|touch.kind, known)
		}
	}
}

func (t *types) keep(name uint64, kinds uint8, known bool) {
	if !known && len(t.names) >= maxNames {
		return
	}
	if t.names == nil {
		t.names = map[uint64]uint8{}
	}
	t.names[name] = kinds
}

// teller tells the user of the doubts of a run.
type teller struct {
	warn  func(string)
	all   doubts
	types types
}

func (t *teller) take(d *doubts) {
	for _, kind := range d.kinds {
		if t.all.count(kind) {
			t.warn(fmt.Sprintf("%s: %v: %s: %s", kind.log, kind.at, strings.ToUpper(kind.cmd), kind.why))
		}
	}
	t.types.take(d.touches)
}

// end tells how many there were, of those that were more than the one that has been told.
func (t *teller) end() {
	for _, kind := range t.all.kinds {
		if kind.count > 1 {
			t.warn(fmt.Sprintf("%s: %d such commands: %s", strings.ToUpper(kind.cmd), kind.count, kind.why))
		}
	}
	if n := t.types.several; n > 0 {
		t.warn(fmt.Sprintf("names that were used for values of several types: %d; a Pika before 4.0 holds all of these values, Redis one a name", n))
	}
}
