// Package protobuf writes an event as a pikabin.v1.Change message.
package protobuf

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/formats/headcache"
	"pikabin/formats/varint"
)

//go:generate go -C ../../scripts/protogen run . ../.. proto/change.proto

// Options choose how an event is written.
type Options struct {
	Args bool // all arguments in args, also those that other fields hold
	Bare bool // without the length before the message
}

// The tags of the fields of proto/change.proto as they are in the stream, the first byte lowest: the
// field's number and its wire type as a varint, which has two bytes from field 16 on.
const (
	varintField = 0
	bytesField  = 2
	twoBytes    = 0x80 | 1<<8 // the varint continues, and the number's fifth bit is there

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
	tagValue     = (16-16)<<3 | bytesField | twoBytes //nolint:gocritic,staticcheck // field 16, like the others
	tagElements  = (17-16)<<3 | bytesField | twoBytes
	tagEntryID   = (18-16)<<3 | bytesField | twoBytes
	tagDelta     = (19-16)<<3 | bytesField | twoBytes
	tagExpireAt  = (20-16)<<3 | varintField | twoBytes
	tagPrecision = (21-16)<<3 | varintField | twoBytes
	tagEffect    = (22-16)<<3 | varintField | twoBytes
	tagArgs      = (23-16)<<3 | bytesField | twoBytes
	tagScope     = (24-16)<<3 | bytesField | twoBytes
	tagFrom      = (25-16)<<3 | bytesField | twoBytes
	tagTo        = (26-16)<<3 | bytesField | twoBytes
	tagReason    = (27-16)<<3 | bytesField | twoBytes
	tagEpoch     = (28-16)<<3 | varintField | twoBytes

	tagElementField = 1<<3 | bytesField
	tagElementValue = 2<<3 | bytesField
	tagElementScore = 3<<3 | bytesField
)

// fixed is what all tags, lengths and numbers of a message take at most, but for its lists.
const fixed = 160

// margin is more than the fixed fields take, and than the last store runs over.
const margin = 256

// Encoder writes the wire format by hand, the fields in the order of their numbers. The length comes
// before the message, and is known after it: a bound says how many bytes the length will have, nearly
// always rightly, which is cheaper than to go through all the fields twice.
type Encoder struct {
	heads headcache.Cache
	opts  Options
}

// New makes an encoder.
func New(opts Options) *Encoder { return &Encoder{opts: opts} }

// AppendChange appends the message of c with its length. See formats.Encoder.
func (e *Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	args := c.ShownArgs(e.opts.Args)
	bound := boundOf(c, args)
	dst = slices.Grow(dst, bound+margin)
	start, gap := len(dst), varint.Len(uint64(bound))
	if e.opts.Bare {
		gap = 0
	}
	dst = dst[:start+gap]
	if c.Op >= decode.OpGap {
		dst = e.appendRange(dst, c)
	} else {
		dst = e.appendFields(dst, c, args)
	}
	if e.opts.Bare {
		return dst
	}
	return putLength(dst, start, gap)
}

// boundOf is at least the length of c's message. A name that is not valid UTF-8 grows to
// three times its length at most.
func boundOf(c *decode.Change, args [][]byte) int {
	n := fixed + 3*(len(c.Log.DB)+len(c.Cmd)+len(c.Scope)+len(c.Reason)) +
		len(c.Key) + len(c.Value) + len(c.EntryID) + len(c.Delta)
	for i := range c.Elements.Len() {
		el := c.Elements.At(i)
		n += lenPrefixedLen(tagElements, elementLen(&el))
	}
	for _, arg := range args {
		n += lenPrefixedLen(tagArgs, len(arg))
	}
	return n
}

// putLength writes the length of what starts gap bytes after start, and closes up if it is shorter
// than the gap.
func putLength(dst []byte, start, gap int) []byte {
	size := len(dst) - start - gap
	n := binary.PutUvarint(dst[start:], uint64(size))
	if n < gap {
		dst = dst[:start+n+copy(dst[start+n:], dst[start+gap:])]
	}
	return dst
}

// appendFields appends the fields of a command to dst, which has room for all of them.
func (e *Encoder) appendFields(dst []byte, c *decode.Change, args [][]byte) []byte {
	dst = e.heads.Place(c, appendPlace).Put(dst, margin)
	dst = putUintField(dst, tagOffset, uint64(c.Offset))
	dst = putUintField(dst, tagEnd, uint64(c.End))
	if c.Parts > 0 {
		dst = putUintField(dst, tagPart, uint64(c.Part))
		dst = putUintField(dst, tagParts, uint64(c.Parts))
	}
	if c.Has&decode.HasLogicID != 0 {
		dst = putOptional(dst, tagLogicID, c.LogicID)
	}
	dst = e.heads.Command(c, appendCommand).Put(dst, margin)
	dst = putBytesField(dst, tagKey, c.Key)
	dst = putBytesField(dst, tagValue, c.Value)
	for i := range c.Elements.Len() {
		el := c.Elements.At(i)
		dst = putElement(dst, &el)
	}
	dst = putBytesField(dst, tagEntryID, c.EntryID)
	dst = putBytesField(dst, tagDelta, c.Delta)
	if c.Has&decode.HasExpireAt != 0 {
		dst = putOptional(dst, tagExpireAt, uint64(c.ExpireAt))
	}
	dst = putUintField(dst, tagPrecision, uint64(c.Precision))
	dst = putUintField(dst, tagEffect, uint64(c.Effect))
	for _, arg := range args {
		dst = append(putOptional(dst, tagArgs, uint64(len(arg))), arg...)
	}
	if c.Scope != "" {
		dst = putStringField(dst, tagScope, c.Scope)
	}
	return putUintField(dst, tagEpoch, uint64(c.Epoch))
}

// appendRange appends the fields of an event that is not a command.
func (e *Encoder) appendRange(dst []byte, c *decode.Change) []byte {
	dst = e.heads.Place(c, appendPlace).Put(dst, margin)
	dst = putUintField(dst, tagOffset, uint64(c.Offset))
	dst = putUintField(dst, tagOp, opNumber(c.Op))
	var text [64]byte
	dst = putBytesField(dst, tagFrom, c.From.AppendText(text[:0]))
	dst = putBytesField(dst, tagTo, c.To.AppendText(text[:0]))
	dst = putStringField(dst, tagReason, c.Reason)
	return putUintField(dst, tagEpoch, uint64(c.Epoch))
}

func elementLen(el *decode.Element) int {
	return bytesFieldLen(tagElementField, el.Field) + bytesFieldLen(tagElementValue, el.Value) +
		bytesFieldLen(tagElementScore, el.Score)
}

func putElement(dst []byte, el *decode.Element) []byte {
	dst = putOptional(dst, tagElements, uint64(elementLen(el)))
	dst = putBytesField(dst, tagElementField, el.Field)
	dst = putBytesField(dst, tagElementValue, el.Value)
	return putBytesField(dst, tagElementScore, el.Score)
}

func appendPlace(dst []byte, c *decode.Change) []byte {
	dst = putStringField(slices.Grow(dst, margin), tagDB, c.Log.DB)
	dst = slices.Grow(dst, margin)
	if c.Log.Slot >= 0 {
		dst = putOptional(dst, tagSlot, uint64(c.Log.Slot))
	}
	return putUintField(dst, tagSegment, uint64(c.Segment))
}

// appendCommand appends the fields from term to cmd.
func appendCommand(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, margin)
	if c.Has&decode.HasTerm != 0 {
		dst = putOptional(dst, tagTerm, uint64(c.Term))
	}
	if c.Has&decode.HasServerID != 0 {
		dst = putOptional(dst, tagServerID, uint64(c.ServerID))
	}
	if c.Has&decode.HasTime != 0 {
		dst = putOptional(dst, tagTS, uint64(c.Time))
	}
	dst = putUintField(dst, tagOp, opNumber(c.Op))
	dst = putUintField(dst, tagType, uint64(c.Type))
	return putStringField(dst, tagCmd, c.Cmd)
}

// opNumber is the number of op in the schema, which has an unspecified one before the others.
func opNumber(op decode.Op) uint64 { return uint64(op) + 1 }

// validText is s as a protobuf string may be: names of folders need not be UTF-8.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}
