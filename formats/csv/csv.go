// Package csv writes an event as a line of comma-separated values, quoted as RFC 4180 says.
package csv

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/formats/digits"
	"pikabin/formats/headcache"
)

// Header is the line that a file begins with: the names of the columns.
const Header = "db,slot,segment,offset,end,part,parts,logic_id,term,server_id,ts,op,type,cmd,key,key_b64,value,value_b64," +
	"elements,entry_id,delta,epoch,expire_at_ms,expire_precision,effect,args,args_b64,scope,from,to,reason\n"

// Options choose how an event is written.
type Options struct {
	Base64 bool // every byte field in its base64 form
	Args   bool // all arguments in args, also those that other fields hold
	Bare   bool // without the line end
}

// Lists writes what has many values as JSON, which is one column.
type Lists interface {
	// AppendElements appends the list of elements.
	AppendElements(dst []byte, elements *decode.Elements) []byte

	// SizeOfElements is hardly more than what that appends.
	SizeOfElements(elements *decode.Elements) int

	// AppendTexts appends a list of strings. It is false if one is not UTF-8; then what was appended is of no use.
	AppendTexts(dst []byte, list [][]byte) ([]byte, bool)

	// AppendBase64s appends a list of strings in base64.
	AppendBase64s(dst []byte, list [][]byte) []byte
}

// margin is more than all that is between two values of any length.
const margin = 256

// Encoder writes the columns of Header. A value that is absent is nothing, and an empty one is two quotes.
type Encoder struct {
	heads headcache.Cache
	opts  Options
	lists Lists
}

// New makes an encoder. lists write bytes in base64 where opts say so.
func New(opts Options, lists Lists) *Encoder { return &Encoder{opts: opts, lists: lists} }

// AppendChange appends the line of c. See formats.Encoder.
func (e *Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	dst = e.heads.Place(c, appendPlace).Put(slices.Grow(dst, margin), margin)
	dst = digits.Put(dst, uint64(c.Offset))
	if c.Op >= decode.OpGap {
		dst = appendRange(dst, c)
	} else {
		dst = e.appendCommand(dst, c)
	}
	if e.opts.Bare {
		return dst
	}
	return append(dst, '\n')
}

// appendCommand appends what comes after the offset.
func (e *Encoder) appendCommand(dst []byte, c *decode.Change) []byte {
	dst = putNumber(dst, true, uint64(c.End))
	dst = putNumber(dst, c.Parts > 0, uint64(c.Part))
	dst = putNumber(dst, c.Parts > 0, uint64(c.Parts))
	dst = putNumber(dst, c.Has&decode.HasLogicID != 0, c.LogicID)
	dst = e.heads.Command(c, appendName).Put(dst, margin)
	dst = e.appendBytes(e.appendBytes(dst, c.Key), c.Value)
	dst = append(dst, ',')
	if c.Elements.Len() > 0 {
		if c.End-c.Offset >= large {
			dst = slices.Grow(dst, e.sizeOf(&c.Elements))
		}
		start := len(dst)
		dst = quoted(e.lists.AppendElements(dst, &c.Elements), start)
	}
	dst = appendText(appendText(dst, c.EntryID), c.Delta)
	dst = e.appendArgs(appendOutcome(dst, c), c.ShownArgs(e.opts.Args))
	return append(append(append(dst, ','), c.Scope...), ",,,"...)
}

// large is the size of a record from which its list is measured before it is written: a buffer that grows by a quarter each time is there twice.
const large = 1 << 20

// sizeOf is hardly more than what the list takes as a column, with its quotes doubled, and what appending it needs.
func (e *Encoder) sizeOf(elements *decode.Elements) int {
	n := e.lists.SizeOfElements(elements) + 8*margin
	for i := range elements.Len() {
		el := elements.At(i)
		for _, v := range [...][]byte{el.Field, el.Value, el.Score} {
			if v != nil {
				n += len(`""""`) + bytes.Count(v, quote)
			}
		}
	}
	return n
}

// appendPlace appends all that comes before the offset.
func appendPlace(dst []byte, c *decode.Change) []byte {
	start := len(dst)
	dst = quoted(append(dst, strings.ToValidUTF8(c.Log.DB, "\ufffd")...), start)
	dst = putNumber(slices.Grow(dst, margin), c.Log.Slot >= 0, uint64(c.Log.Slot))
	return append(putNumber(dst, true, uint64(c.Segment)), ',')
}

// appendName appends the columns from term to cmd.
func appendName(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, margin)
	dst = putNumber(dst, c.Has&decode.HasTerm != 0, uint64(c.Term))
	dst = putNumber(dst, c.Has&decode.HasServerID != 0, uint64(c.ServerID))
	dst = append(dst, ',')
	if c.Has&decode.HasTime != 0 {
		dst = digits.PutInt(dst, c.Time)
	}
	dst = append(append(dst, ','), c.Op.String()...)
	dst = append(append(dst, ','), c.Type.String()...)
	dst = append(dst, ',')
	return quoted(append(dst, c.Cmd...), len(dst))
}

// appendOutcome appends the columns from epoch to effect.
func appendOutcome(dst []byte, c *decode.Change) []byte {
	dst = append(putNumber(slices.Grow(dst, margin), c.Epoch > 0, uint64(c.Epoch)), ',')
	if c.Has&decode.HasExpireAt != 0 {
		dst = digits.PutInt(dst, c.ExpireAt)
	}
	dst = append(append(dst, ','), c.Precision.String()...)
	return append(append(dst, ','), c.Effect.String()...)
}

// appendRange appends what comes after the offset of an event that is not a command.
func appendRange(dst []byte, c *decode.Change) []byte {
	dst = append(append(dst, ",,,,,,,,"...), c.Op.String()...)
	dst = putNumber(append(dst, ",,,,,,,,,"...), c.Epoch > 0, uint64(c.Epoch))
	dst = c.From.AppendText(append(dst, ",,,,,,,"...))
	dst = c.To.AppendText(append(dst, ','))
	dst = append(dst, ',')
	return quoted(append(dst, c.Reason...), len(dst))
}

// putNumber appends a column with a number, for which dst has room.
func putNumber(dst []byte, has bool, v uint64) []byte {
	dst = append(dst, ',')
	if !has {
		return dst
	}
	return digits.Put(dst, v)
}

// appendBytes appends both columns of bytes, of which one at most holds something.
func (e *Encoder) appendBytes(dst, v []byte) []byte {
	if v == nil || !e.opts.Base64 && utf8.Valid(v) {
		return append(appendText(dst, v), ',')
	}
	dst = append(slices.Grow(dst, base64.StdEncoding.EncodedLen(len(v))+margin), `,,"`...)
	return append(base64.StdEncoding.AppendEncode(dst, v), '"')
}

// appendText appends a column of text, nothing for nil.
func appendText(dst, v []byte) []byte {
	dst = append(dst, ',')
	if v == nil {
		return dst
	}
	dst = slices.Grow(dst, len(v)+bytes.Count(v, quote)+margin)
	return quoted(append(dst, v...), len(dst))
}

// appendArgs appends both columns of arguments.
func (e *Encoder) appendArgs(dst []byte, args [][]byte) []byte {
	dst = append(dst, ',')
	if len(args) == 0 {
		return append(dst, ',')
	}
	start := len(dst)
	if !e.opts.Base64 {
		if dst, ok := e.lists.AppendTexts(dst, args); ok {
			return append(quoted(dst, start), ',')
		}
	}
	dst = append(dst[:start], ',')
	return quoted(e.lists.AppendBase64s(dst, args), start+1)
}

var quote = []byte{'"'}

// quoted puts what starts at start between quotes, and doubles those that are in it.
func quoted(dst []byte, start int) []byte {
	end := len(dst)
	grown := end + bytes.Count(dst[start:], quote) + 2
	dst = slices.Grow(dst, grown-end+margin)[:grown]
	dst[grown-1] = '"'
	for to := grown - 1; ; { // from the end, since what is not moved yet is before it
		at := start + bytes.LastIndexByte(dst[start:end], '"')
		to -= end - at - 1
		copy(dst[to:], dst[at+1:end])
		if at < start {
			break
		}
		to -= 2
		dst[to], dst[to+1] = '"', '"'
		end = at
	}
	dst[start] = '"'
	return dst
}
