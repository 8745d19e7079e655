// Package headcache keeps the bytes at the head of an event that are mostly the same from one change to the next,
// so that an encoder copies them instead of writing them again.
package headcache

import (
	"slices"

	"pikabin/decode"
)

// Cache has an entry for the place of a change and one for each command. An entry is compared by value before use,
// so that the output depends on the change alone. It holds on to no memory of a change but for strings, which
// never change. The zero value is ready.
type Cache struct {
	log     decode.Log
	segment uint32
	place   Text

	commands [longCommand + 1]command

	scratch []byte
}

// command is the bytes of the fields from term to cmd. All but the time are often the same
// for a whole log, and the time is for a second.
type command struct {
	name     string
	time     int64
	term     uint32
	serverID uint32
	has      decode.Fields
	op       decode.Op
	typ      decode.Type
	Text
}

func (r *command) is(c *decode.Change) bool {
	return r.time == c.Time && r.term == c.Term && r.serverID == c.ServerID && r.has == c.Has &&
		r.op == c.Op && r.typ == c.Type && r.n != 0 && r.name == c.Cmd
}

// Render appends a part of an event to dst.
type Render func(dst []byte, c *decode.Change) []byte

// Room is how much free capacity Text.Put wants.
const Room = shortLen

// shortLen is the length up to which bytes are copied whole, whatever their length: a copy of
// fixed size is a few instructions.
const shortLen = 96

// Text are bytes that an encoder keeps ready. n is 0 before the first use.
type Text struct {
	n     int
	short [shortLen]byte
	long  []byte
}

// Put appends the bytes to dst, which has at least Room of free capacity. After longer bytes it leaves margin.
func (r *Text) Put(dst []byte, margin int) []byte {
	if r.n > shortLen {
		return slices.Grow(append(dst, r.long...), margin)
	}
	n := len(dst)
	*(*[shortLen]byte)(dst[n : n+shortLen]) = r.short
	return dst[:n+r.n]
}

func (r *Text) keep(b []byte) {
	r.n = len(b)
	if r.n > shortLen {
		r.long = append(r.long[:0], b...)
		return
	}
	copy(r.short[:], b)
}

// Place are the bytes that depend on the log and the segment. An encoder asks with the same f always.
func (h *Cache) Place(c *decode.Change, f Render) *Text {
	if h.place.n == 0 || h.segment != c.Segment || h.log != *c.Log {
		h.log, h.segment = *c.Log, c.Segment
		h.fill(&h.place, c, f)
	}
	return &h.place
}

// Command are the bytes that depend on term, server id, time, op, type and cmd.
func (h *Cache) Command(c *decode.Change, f Render) *Text {
	r := &h.commands[commandSlot(c)]
	if !r.is(c) {
		r.time, r.term, r.serverID, r.has = c.Time, c.Term, c.ServerID, c.Has
		r.op, r.typ, r.name = c.Op, c.Type, c.Cmd
		h.fill(&r.Text, c, f)
	}
	return &r.Text
}

func (h *Cache) fill(r *Text, c *decode.Change, f Render) {
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
