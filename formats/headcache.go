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

	has      decode.Fields
	term     uint32
	serverID uint32
	server   rendered

	seconds int64
	time    rendered

	commands [longCommand + 1]renderedCommand

	scratch []byte
}

// renderedCommand is the bytes of one combination of op, type and command.
type renderedCommand struct {
	name string
	op   decode.Op
	typ  decode.Type
	rendered
}

// render appends a part of an event to dst.
type render func(dst []byte, c *decode.Change) []byte

// renderedShort is the length up to which bytes are copied whole, whatever their length: a copy of
// fixed size is a few instructions.
const renderedShort = 64

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

// serverOf are the bytes that depend on the term and the server's id.
func (h *headCache) serverOf(c *decode.Change, f render) *rendered {
	has := c.Has & (decode.HasTerm | decode.HasServerID)
	if h.has != has || h.term != c.Term || h.serverID != c.ServerID {
		h.has, h.term, h.serverID = has, c.Term, c.ServerID
		h.fill(&h.server, c, f)
	}
	return &h.server
}

// timeOf are the bytes that depend on the time.
func (h *headCache) timeOf(c *decode.Change, f render) *rendered {
	if h.time.n == 0 || h.seconds != c.Time {
		h.seconds = c.Time
		h.fill(&h.time, c, f)
	}
	return &h.time
}

// commandOf are the bytes that depend on op, type and cmd.
func (h *headCache) commandOf(c *decode.Change, f render) *rendered {
	r := &h.commands[commandSlot(c)]
	if r.n == 0 || r.op != c.Op || r.typ != c.Type || r.name != c.Cmd {
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
