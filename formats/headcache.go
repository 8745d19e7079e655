package formats

import (
	"slices"

	"pikabin/decode"
)

// headCache keeps the bytes of what is usually the same from one change to the next. Each entry is
// compared by value before use, so that the output depends on the change alone. It holds on to no
// memory of a change but for strings, which never change.
type headCache struct {
	log     decode.Log
	segment uint32
	place   rendered

	commands [longCommand + 1]renderedCommand

	scratch []byte
}

// renderedCommand is the bytes of the fields from term to cmd. All but the time are often the same
// for a whole log, and the time is for a second.
type renderedCommand struct {
	name     string
	time     int64
	term     uint32
	serverID uint32
	has      decode.Fields
	op       decode.Op
	typ      decode.Type
	rendered
}

func (r *renderedCommand) is(c *decode.Change) bool {
	return r.time == c.Time && r.term == c.Term && r.serverID == c.ServerID && r.has == c.Has &&
		r.op == c.Op && r.typ == c.Type && r.n != 0 && r.name == c.Cmd
}

// render appends a part of an event to dst.
type render func(dst []byte, c *decode.Change) []byte

// renderedShort is the length up to which bytes are copied whole, whatever their length: a copy of
// fixed size is a few instructions.
const renderedShort = 96

// rendered are bytes that an encoder keeps ready. n is 0 before the first use.
type rendered struct {
	n     int
	short [renderedShort]byte
	long  []byte
}

// put appends the bytes to dst, which has room for renderedShort. Behind longer ones it leaves margin.
func (r *rendered) put(dst []byte, margin int) []byte {
	if r.n > renderedShort {
		return slices.Grow(append(dst, r.long...), margin)
	}
	n := len(dst)
	*(*[renderedShort]byte)(dst[n : n+renderedShort]) = r.short
	return dst[:n+r.n]
}

func (r *rendered) keep(b []byte) {
	r.n = len(b)
	if r.n > renderedShort {
		r.long = append(r.long[:0], b...)
		return
	}
	copy(r.short[:], b)
}

// placeOf are the bytes that depend on the log and the segment. An encoder asks with the same f always.
func (h *headCache) placeOf(c *decode.Change, f render) *rendered {
	if h.place.n == 0 || h.segment != c.Segment || h.log != *c.Log {
		h.log, h.segment = *c.Log, c.Segment
		h.fill(&h.place, c, f)
	}
	return &h.place
}

// commandOf are the bytes that depend on term, server id, time, op, type and cmd.
func (h *headCache) commandOf(c *decode.Change, f render) *rendered {
	r := &h.commands[commandSlot(c)]
	if !r.is(c) {
		r.time, r.term, r.serverID, r.has = c.Time, c.Term, c.ServerID, c.Has
		r.op, r.typ, r.name = c.Op, c.Type, c.Cmd
		h.fill(&r.rendered, c, f)
	}
	return &r.rendered
}

func (h *headCache) fill(r *rendered, c *decode.Change, f render) {
	h.scratch = f(h.scratch[:0], c)
	r.keep(h.scratch)
}

// longCommand is the entry for names that no known command has. They share one, so that a log full of
// them takes no more memory than the longest.
const longCommand = 16

// commandSlot is the one entry where a command may be. Few logs have so many different ones that two
// of them drive each other out.
func commandSlot(c *decode.Change) uint {
	n := uint(len(c.Cmd))
	if n-1 >= 32 {
		return longCommand
	}
	return (n + uint(c.Op)*5 + uint(c.Cmd[0])*3) % longCommand
}
