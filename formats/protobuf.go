package formats

import (
	"slices"
	"strings"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/proto"
)

//go:generate go -C ../scripts/protogen run . ../.. proto/change.proto

func init() {
	register(Format{
		Name:        "protobuf",
		Doc:         "pikabin.v1.Change messages, each with its length before it as a varint",
		Ext:         ".pb",
		ContentType: "application/protobuf",
		Schema:      proto.Source,
		New:         newProtobuf,
	})
}

// The tags of the fields of proto/change.proto: the field's number and its wire type, as a varint.
const (
	varintField = 0
	bytesField  = 2

	tagDB        = 1<<3 | bytesField
	tagSlot      = 2<<3 | varintField
	tagSegment   = 3<<3 | varintField
	tagOffset    = 4<<3 | varintField
	tagEnd       = 5<<3 | varintField
	tagPart      = 6<<3 | varintField
	tagParts     = 7<<3 | varintField
	tagLogicID   = 8<<3 | varintField
	tagTerm      = 9<<3 | varintField
	tagServerID  = 10<<3 | varintField
	tagTS        = 11<<3 | varintField
	tagOp        = 12<<3 | varintField
	tagType      = 13<<3 | varintField
	tagCmd       = 14<<3 | bytesField
	tagKey       = 15<<3 | bytesField
	tagValue     = 16<<3 | bytesField
	tagElements  = 17<<3 | bytesField
	tagEntryID   = 18<<3 | bytesField
	tagDelta     = 19<<3 | bytesField
	tagExpireAt  = 20<<3 | varintField
	tagPrecision = 21<<3 | varintField
	tagEffect    = 22<<3 | varintField
	tagArgs      = 23<<3 | bytesField
	tagScope     = 24<<3 | bytesField
	tagFrom      = 25<<3 | bytesField
	tagTo        = 26<<3 | bytesField
	tagReason    = 27<<3 | bytesField

	tagElementField = 1<<3 | bytesField
	tagElementValue = 2<<3 | bytesField
	tagElementScore = 3<<3 | bytesField
)

// protobufMargin is more than all fields of fixed size take, and than the last store runs over.
const protobufMargin = 256

// protobuf writes the wire format by hand: the size first, so that the length is known before the
// message and nothing is moved, then the fields in the order of their numbers.
type protobuf struct {
	headCache
	opts Options
}

func newProtobuf(opts Options) Encoder { return &protobuf{opts: opts} }

// AppendChange implements Encoder.
func (e *protobuf) AppendChange(dst []byte, c *decode.Change) []byte {
	if c.Op >= decode.OpGap {
		return e.appendRange(dst, c)
	}
	m := protobufMessage{
		Change:  c,
		place:   e.placeOf(c, appendProtoPlace),
		command: e.commandOf(c, appendProtoCommand),
		args:    shownArgs(c, e.opts),
	}
	if c.Has&(decode.HasTerm|decode.HasServerID) != 0 {
		m.server = e.serverOf(c, appendProtoServer)
	}
	if c.Has&decode.HasTime != 0 {
		m.time = e.timeOf(c, appendProtoTime)
	}
	size := m.size()
	dst = slices.Grow(dst, size+protobufMargin)
	return m.append(putVarint(dst, uint64(size)))
}

// protobufMessage is a change with the parts of its message that are ready.
type protobufMessage struct {
	*decode.Change
	place, server, time, command *rendered
	args                         [][]byte
}

// size is the length of the message.
func (m *protobufMessage) size() int {
	n := m.place.n + m.command.n + uintFieldLen(tagOffset, uint64(m.Offset)) + uintFieldLen(tagEnd, uint64(m.End))
	if m.Parts > 0 {
		n += uintFieldLen(tagPart, uint64(m.Part)) + uintFieldLen(tagParts, uint64(m.Parts))
	}
	if m.Has&decode.HasLogicID != 0 {
		n += optionalLen(tagLogicID, m.LogicID)
	}
	if m.server != nil {
		n += m.server.n
	}
	if m.time != nil {
		n += m.time.n
	}
	n += bytesFieldLen(tagKey, m.Key) + bytesFieldLen(tagValue, m.Value)
	for i := range m.Elements {
		n += lenPrefixedLen(tagElements, elementLen(&m.Elements[i]))
	}
	n += bytesFieldLen(tagEntryID, m.EntryID) + bytesFieldLen(tagDelta, m.Delta)
	if m.Has&decode.HasExpireAt != 0 {
		n += optionalLen(tagExpireAt, uint64(m.ExpireAt))
	}
	n += uintFieldLen(tagPrecision, uint64(m.Precision)) + uintFieldLen(tagEffect, uint64(m.Effect))
	for _, arg := range m.args {
		n += lenPrefixedLen(tagArgs, len(arg))
	}
	if m.Scope != "" {
		n += lenPrefixedLen(tagScope, len(validText(m.Scope)))
	}
	return n
}

// append appends the fields to dst, which has room for size and protobufMargin.
func (m *protobufMessage) append(dst []byte) []byte {
	dst = m.appendHead(dst)
	dst = putBytesField(dst, tagKey, m.Key)
	dst = putBytesField(dst, tagValue, m.Value)
	for i := range m.Elements {
		dst = putElement(dst, &m.Elements[i])
	}
	dst = putBytesField(dst, tagEntryID, m.EntryID)
	dst = putBytesField(dst, tagDelta, m.Delta)
	if m.Has&decode.HasExpireAt != 0 {
		dst = putOptional(dst, tagExpireAt, uint64(m.ExpireAt))
	}
	dst = putUintField(dst, tagPrecision, uint64(m.Precision))
	dst = putUintField(dst, tagEffect, uint64(m.Effect))
	for _, arg := range m.args {
		dst = append(putOptional(dst, tagArgs, uint64(len(arg))), arg...)
	}
	if m.Scope != "" {
		dst = putStringField(dst, tagScope, m.Scope)
	}
	return dst
}

// appendHead appends all that stands before the key.
func (m *protobufMessage) appendHead(dst []byte) []byte {
	dst = m.place.put(dst, protobufMargin)
	dst = putUintField(dst, tagOffset, uint64(m.Offset))
	dst = putUintField(dst, tagEnd, uint64(m.End))
	if m.Parts > 0 {
		dst = putUintField(dst, tagPart, uint64(m.Part))
		dst = putUintField(dst, tagParts, uint64(m.Parts))
	}
	if m.Has&decode.HasLogicID != 0 {
		dst = putOptional(dst, tagLogicID, m.LogicID)
	}
	if m.server != nil {
		dst = m.server.put(dst, protobufMargin)
	}
	if m.time != nil {
		dst = m.time.put(dst, protobufMargin)
	}
	return m.command.put(dst, protobufMargin)
}

func elementLen(el *decode.Element) int {
	return bytesFieldLen(tagElementField, el.Field) + bytesFieldLen(tagElementValue, el.Value) + bytesFieldLen(tagElementScore, el.Score)
}

func putElement(dst []byte, el *decode.Element) []byte {
	dst = putOptional(dst, tagElements, uint64(elementLen(el)))
	dst = putBytesField(dst, tagElementField, el.Field)
	dst = putBytesField(dst, tagElementValue, el.Value)
	return putBytesField(dst, tagElementScore, el.Score)
}

// appendRange appends the whole message, length included, of an event that is not a command. It
// is rare, so that it may move its bytes once.
func (e *protobuf) appendRange(dst []byte, c *decode.Change) []byte {
	place := e.placeOf(c, appendProtoPlace)
	m := slices.Grow(e.scratch[:0], place.n+protobufMargin)
	m = place.put(m, protobufMargin)
	m = putUintField(m, tagOffset, uint64(c.Offset))
	m = putUintField(m, tagOp, protoOp(c.Op))
	var text [64]byte
	m = putBytesField(m, tagFrom, c.From.AppendText(text[:0]))
	m = putBytesField(m, tagTo, c.To.AppendText(text[:0]))
	m = putStringField(m, tagReason, c.Reason)
	e.scratch = m
	dst = slices.Grow(dst, len(m)+protobufMargin)
	return append(putVarint(dst, uint64(len(m))), m...)
}

func appendProtoPlace(dst []byte, c *decode.Change) []byte {
	dst = putStringField(slices.Grow(dst, protobufMargin), tagDB, c.Log.DB)
	dst = slices.Grow(dst, protobufMargin)
	if c.Log.Slot >= 0 {
		dst = putOptional(dst, tagSlot, uint64(c.Log.Slot))
	}
	return putUintField(dst, tagSegment, uint64(c.Segment))
}

func appendProtoServer(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, protobufMargin)
	if c.Has&decode.HasTerm != 0 {
		dst = putOptional(dst, tagTerm, uint64(c.Term))
	}
	if c.Has&decode.HasServerID != 0 {
		dst = putOptional(dst, tagServerID, uint64(c.ServerID))
	}
	return dst
}

func appendProtoTime(dst []byte, c *decode.Change) []byte {
	return putOptional(slices.Grow(dst, protobufMargin), tagTS, uint64(c.Time))
}

func appendProtoCommand(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, protobufMargin)
	dst = putUintField(dst, tagOp, protoOp(c.Op))
	dst = putUintField(dst, tagType, uint64(c.Type))
	return putStringField(dst, tagCmd, c.Cmd)
}

// protoOp is the number of op in the schema, which has an unspecified one before the others.
func protoOp(op decode.Op) uint64 { return uint64(op) + 1 }

// validText is s as a protobuf string may be: names of folders need not be UTF-8.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}
