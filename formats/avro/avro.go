// Package avro writes an event as a record of the schema in schema.avsc, and files of such records.
package avro

import (
	_ "embed"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/formats/headcache"
	"pikabin/formats/varint"
)

// Schema is the Avro schema of a record.
//
//go:embed schema.avsc
var Schema string

// fingerprint is what begins a message of Avro's single-object encoding: its mark, and the CRC-64-AVRO of the schema's canonical
// form, lowest byte first.
const fingerprint = "\xc3\x01\x9f\x2d\xe8\x9f\x41\x58\x51\xdb"

// Options choose how an event is written.
type Options struct {
	Args bool // all arguments in args, also those that other fields hold
	Bare bool // in the single-object encoding: after its mark and the schema's fingerprint
	Told bool // where it is bare: without these, since somebody else tells the schema
}

// fixed is what all numbers, branches of unions and ends of lists of a record take at most, with its names and the mark.
const fixed = 320

// margin is more than the fixed fields take, and than the last store runs over.
const margin = 384

// Encoder writes the binary encoding by hand, the fields in the order of the schema.
type Encoder struct {
	heads headcache.Cache
	opts  Options
}

// New makes an encoder.
func New(opts Options) *Encoder { return &Encoder{opts: opts} }

// lengthSize is what the length before a record takes. It is fixed, since it is known after the record, and no file has it: blocks are
// made of the records alone.
const lengthSize = 4

// AppendChange appends the record of c, after its length, by which Blocks tells it from the next one. See formats.Encoder.
func (e *Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	args := c.ShownArgs(e.opts.Args)
	room := boundOf(c, args) + margin
	dst = slices.Grow(dst, room)
	if e.opts.Bare {
		if !e.opts.Told {
			dst = append(dst, fingerprint...)
		}
		return e.appendRecord(dst, c, args, room)
	}
	start := len(dst)
	dst = e.appendRecord(dst[:start+lengthSize], c, args, room)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-lengthSize))
	return dst
}

// appendRecord appends the record of c to dst, which has room for all of it but long names.
func (e *Encoder) appendRecord(dst []byte, c *decode.Change, args [][]byte, room int) []byte {
	dst = e.heads.Place(c, appendPlace).Put(dst, room)
	dst = varint.Put(dst, varint.ZigZag(c.Offset))
	if c.Op >= decode.OpGap {
		return appendRange(dst, c)
	}
	dst = putLong(dst, c.End)
	dst = putOptionalLong(dst, c.Parts > 0, int64(c.Part))
	dst = putOptionalLong(dst, c.Parts > 0, int64(c.Parts))
	dst = putOptionalLong(dst, c.Has&decode.HasLogicID != 0, int64(c.LogicID))
	dst = e.heads.Command(c, appendCommand).Put(dst, room)
	return appendContent(dst, c, args)
}

// boundOf is at least the length of what of c's record is no name.
func boundOf(c *decode.Change, args [][]byte) int {
	n := fixed + len(c.Key) + len(c.Value) + len(c.EntryID) + len(c.Delta) + len(c.Scope)
	for i := range c.Elements.Len() {
		el := c.Elements.At(i)
		n += elementBound(&el)
	}
	for _, arg := range args {
		n += lengthBound(arg) + len(arg)
	}
	return n
}

// maxLength is what a branch of a union and a length take at most, shortLength with what is no longer than that of one byte tells.
const (
	maxLength   = 11
	shortLength = 2
)

// lengthBound is at least what the branch and the length of v take. A set may have millions of short members.
func lengthBound(v []byte) int {
	if len(v) < 64 {
		return shortLength
	}
	return maxLength
}

func elementBound(el *decode.Element) int {
	return lengthBound(el.Field) + len(el.Field) + lengthBound(el.Value) + len(el.Value) + lengthBound(el.Score) + len(el.Score)
}

// appendContent appends the fields from key on to dst, which has room for all of them.
func appendContent(dst []byte, c *decode.Change, args [][]byte) []byte {
	dst = putBytes(dst, c.Key)
	dst = putBytes(dst, c.Value)
	dst = putElements(dst, &c.Elements)
	dst = putBytes(dst, c.EntryID)
	dst = putBytes(dst, c.Delta)
	dst = putOptionalLong(dst, c.Epoch > 0, int64(c.Epoch))
	dst = putOptionalLong(dst, c.Has&decode.HasExpireAt != 0, c.ExpireAt)
	dst = append(dst, precisions[c.Precision]...)
	dst = append(dst, effects[c.Effect]...)
	dst = putArgs(dst, args)
	dst = putString(dst, c.Scope)
	return append(dst, null, null, null) // from, to, reason
}

// precisions and effects are the values of those fields.
var (
	precisions = [...]string{"\x00", "\x02\x02s", "\x02\x04ms", "\x02\x0ederived"}
	effects    = [...]string{"\x02\x0aexact", "\x02\x10relative", "\x02\x0eunknown"}
)

// How many fields are null in an event that is not a command.
const (
	nulls            = "\x00\x00\x00\x00\x00\x00\x00"
	nullsBeforeOp    = 7 // end, part, parts, logic_id, term, server_id, ts
	nullsBeforeEpoch = 7 // type, cmd, key, value, elements, entry_id, delta
	nullsAfterEpoch  = 5 // expire_at_ms, expire_precision, effect, args, scope
)

// appendRange appends the fields after offset of an event that is not a command.
func appendRange(dst []byte, c *decode.Change) []byte {
	dst = append(dst, nulls[:nullsBeforeOp]...)
	dst = appendText(dst, c.Op.String())
	dst = append(dst, nulls[:nullsBeforeEpoch]...)
	dst = putOptionalLong(dst, c.Epoch > 0, int64(c.Epoch))
	dst = append(dst, nulls[:nullsAfterEpoch]...)
	var text [64]byte
	dst = putBytes(dst, c.From.AppendText(text[:0]))
	dst = putBytes(dst, c.To.AppendText(text[:0]))
	return appendText(append(dst, present), c.Reason)
}

// appendPlace appends the fields up to segment.
func appendPlace(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(appendText(dst, c.Log.DB), margin)
	dst = putOptionalLong(dst, c.Log.Slot >= 0, int64(c.Log.Slot))
	return varint.Put(dst, varint.ZigZag(int64(c.Segment)))
}

// appendCommand appends the fields from term to cmd.
func appendCommand(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, margin)
	dst = putOptionalLong(dst, c.Has&decode.HasTerm != 0, int64(c.Term))
	dst = putOptionalLong(dst, c.Has&decode.HasServerID != 0, int64(c.ServerID))
	dst = putOptionalLong(dst, c.Has&decode.HasTime != 0, c.Time)
	dst = appendText(dst, c.Op.String())
	dst = putString(dst, c.Type.String())
	return appendText(append(dst, present), c.Cmd)
}

// appendText appends a string, as valid UTF-8: names of folders need not be.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	dst = slices.Grow(dst, len(s)+margin)
	return append(varint.Put(dst, varint.ZigZag(int64(len(s)))), s...)
}
