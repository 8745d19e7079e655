// Package msgpack writes an event as a map of MessagePack.
package msgpack

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"pikabin/decode"
	"pikabin/formats/headcache"
)

// Encoder writes a map of the fields' names and values. Absent fields are left out.
type Encoder struct {
	heads headcache.Cache
	args  bool
}

// New makes an encoder. With args it puts all arguments into args, also those that other fields hold.
func New(args bool) *Encoder { return &Encoder{args: args} }

// margin is more than all fields but those of any length take.
const margin = 640

// mapOf16 begins a map with the number of its fields in two bytes.
const mapOf16 = 0xde

// AppendChange appends the map of c. See formats.Encoder.
func (e *Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, len(c.Key)+len(c.Value)+margin)
	start := len(dst)
	dst = append(dst, mapOf16, 0, 0)                                           // the number is known at the end
	m := fields{dst: e.heads.Place(c, appendPlace).Put(dst, margin), count: 2} // db and segment
	if c.Log.Slot >= 0 {
		m.count++
	}
	m.number("offset", true, uint64(c.Offset))
	if c.Op >= decode.OpGap {
		m.putRange(c)
	} else {
		m.putCommand(c)
		m.list("args", c.ShownArgs(e.args))
	}
	binary.BigEndian.PutUint16(m.dst[start+1:], m.count)
	return m.dst
}

// appendPlace appends the fields up to segment.
func appendPlace(dst []byte, c *decode.Change) []byte {
	m := fields{dst: dst}
	m.text("db", strings.ToValidUTF8(c.Log.DB, "\ufffd"))
	m.number("slot", c.Log.Slot >= 0, uint64(c.Log.Slot))
	m.number("segment", true, uint64(c.Segment))
	return m.dst
}

// fields are those of one map.
type fields struct {
	dst   []byte
	count uint16
}

func (m *fields) putRange(c *decode.Change) {
	m.text("op", c.Op.String())
	m.number("epoch", c.Epoch > 0, uint64(c.Epoch))
	var text [64]byte
	m.textOf("from", c.From.AppendText(text[:0]))
	m.textOf("to", c.To.AppendText(text[:0]))
	m.text("reason", c.Reason)
}

// putCommand puts all but the arguments.
func (m *fields) putCommand(c *decode.Change) {
	m.number("end", true, uint64(c.End))
	m.number("part", c.Parts > 0, uint64(c.Part))
	m.number("parts", c.Parts > 0, uint64(c.Parts))
	m.number("logic_id", c.Has&decode.HasLogicID != 0, c.LogicID)
	m.number("term", c.Has&decode.HasTerm != 0, uint64(c.Term))
	m.number("server_id", c.Has&decode.HasServerID != 0, uint64(c.ServerID))
	m.time("ts", c.Has&decode.HasTime != 0, c.Time)
	m.text("op", c.Op.String())
	m.name("type", c.Type.String())
	m.text("cmd", c.Cmd)
	m.bytes("key", c.Key)
	m.bytes("value", c.Value)
	m.elements(&c.Elements)
	m.textOf("entry_id", c.EntryID)
	m.textOf("delta", c.Delta)
	m.number("epoch", c.Epoch > 0, uint64(c.Epoch))
	m.time("expire_at_ms", c.Has&decode.HasExpireAt != 0, c.ExpireAt)
	m.name("expire_precision", c.Precision.String())
	m.text("effect", c.Effect.String())
	m.name("scope", c.Scope)
}

// begin counts a field, and puts its name.
func (m *fields) begin(name string) {
	m.count++
	m.dst = msgp.AppendString(m.dst, name)
}

func (m *fields) number(name string, has bool, v uint64) {
	if has {
		m.begin(name)
		m.dst = msgp.AppendUint64(m.dst, v)
	}
}

func (m *fields) time(name string, has bool, v int64) {
	if has {
		m.begin(name)
		m.dst = msgp.AppendInt64(m.dst, v)
	}
}

func (m *fields) text(name, v string) {
	m.begin(name)
	m.dst = msgp.AppendString(m.dst, v)
}

// name puts a text that is absent when it is empty.
func (m *fields) name(name, v string) {
	if v != "" {
		m.text(name, v)
	}
}

// textOf puts a text, of which the decoder says that it is ASCII.
func (m *fields) textOf(name string, v []byte) {
	if v != nil {
		m.begin(name)
		m.dst = msgp.AppendStringFromBytes(m.dst, v)
	}
}

func (m *fields) bytes(name string, v []byte) {
	if v != nil {
		m.begin(name)
		m.dst = msgp.AppendBytes(m.dst, v)
	}
}

func (m *fields) list(name string, items [][]byte) {
	if len(items) == 0 {
		return
	}
	m.begin(name)
	m.dst = msgp.AppendArrayHeader(m.dst, uint32(len(items)))
	for _, item := range items {
		m.dst = msgp.AppendBytes(m.dst, item)
	}
}

// elements puts a map for each element, of which three fields at most are there.
func (m *fields) elements(list *decode.Elements) {
	if list.Len() == 0 {
		return
	}
	m.begin("elements")
	m.dst = msgp.AppendArrayHeader(m.dst, uint32(list.Len()))
	for i := range list.Len() {
		el := list.At(i)
		at := len(m.dst)
		of := fields{dst: msgp.AppendMapHeader(m.dst, 0)}
		of.bytes("field", el.Field)
		of.bytes("value", el.Value)
		of.textOf("score", el.Score)
		of.dst[at] |= byte(of.count) // of a map of up to 15 fields, its first byte has the number
		m.dst = of.dst
	}
}
