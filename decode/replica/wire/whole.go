package wire

import (
	"bytes"
	"cmp"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tags of an item as every server sends it: each field once, in this order, but for the term and the index, which old ones do not have.
const (
	tagDB      = 1<<3 | byte(protowire.BytesType)
	tagSlot    = 2<<3 | byte(protowire.VarintType)
	tagSegment = 1<<3 | byte(protowire.VarintType)
	tagOffset  = 2<<3 | byte(protowire.VarintType)
	tagTerm    = 3<<3 | byte(protowire.VarintType)
	tagIndex   = 4<<3 | byte(protowire.VarintType)

	tagItem        = itemField<<3 | byte(protowire.BytesType)
	tagItemSlot    = fieldSlot<<3 | byte(protowire.BytesType)
	tagItemEnd     = fieldEnd<<3 | byte(protowire.BytesType)
	tagItemPayload = fieldPayload<<3 | byte(protowire.BytesType)
	tagItemSession = fieldSession<<3 | byte(protowire.VarintType)
)

// cursor reads fields that stand one after the other. What is not as expected makes it bad, and all after that zero.
type cursor struct {
	b   []byte
	bad bool
}

// number reads a number with a tag.
func (c *cursor) number(tag byte) uint64 {
	b := c.b
	if len(b) < 2 || b[0] != tag {
		c.bad, c.b = true, nil
		return 0
	}
	v := uint64(b[1])
	if v < 0x80 {
		c.b = b[2:]
		return v
	}
	return c.long(v & 0x7f)
}

// long reads the rest of a number of several bytes.
func (c *cursor) long(v uint64) uint64 {
	b := c.b
	for i, shift := 2, 7; i < len(b) && shift < 63; i, shift = i+1, shift+7 {
		if v |= uint64(b[i]&0x7f) << shift; b[i] < 0x80 {
			c.b = b[i+1:]
			return v
		}
	}
	c.bad, c.b = true, nil // no server sends numbers of 64 bits
	return 0
}

// optional is number, or zero where there is another field.
func (c *cursor) optional(tag byte) uint64 {
	if len(c.b) == 0 || c.b[0] != tag {
		return 0
	}
	return c.number(tag)
}

// bytes reads a part with a tag and a length.
func (c *cursor) bytes(tag byte) []byte {
	n := c.number(tag)
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	part := c.b[:n]
	c.b = c.b[n:]
	return part
}

// end says that all has been read, and was as expected.
func (c *cursor) end() bool { return !c.bad && len(c.b) == 0 }

// maxWhole is how long an item may be of which the rest is waited for, to be read at once.
const maxWhole = bufferSize / 4

// minCome is how much of a message is waited for, to see what comes.
const minCome = 8

// wholeItems gives items to the handler where the connection has put them, as long as they have come and are as every server sends them. some is
// false where the first one is not.
func (f *frame) wholeItems(h Handler) (some bool, err error) {
	b, err := f.come()
	all := len(b)
	for err == nil {
		c := cursor{b: b}
		item := c.bytes(tagItem)
		content, ok := f.wholeItem(item)
		if c.bad || !ok {
			break
		}
		f.whole.b = content
		if err = h.Payload(&f.item, &f.whole); err == nil {
			err = h.Item(&f.item)
		}
		b = c.b
	}
	n := all - len(b)
	f.left -= int64(n)
	_, errDiscard := f.r.Discard(n)
	return n > 0, cmp.Or(err, errDiscard)
}

// come is what has come of a message, and the rest of its first item, if that is short.
func (f *frame) come() ([]byte, error) {
	b, err := f.r.Peek(int(min(f.left, int64(max(f.r.Buffered(), minCome)))))
	if err != nil {
		return nil, whole(err)
	}
	c := cursor{b: b}
	size := c.number(tagItem)
	if head := int64(len(b) - len(c.b)); !c.bad && size > uint64(len(c.b)) && size <= maxWhole && head+int64(size) <= f.left {
		b, err = f.r.Peek(int(head) + int(size))
	}
	return b, whole(err)
}

// wholeItem reads an item that has come, if it is as every server sends it. ok is false for all others, which are read field by field.
func (f *frame) wholeItem(b []byte) (content []byte, ok bool) {
	item := cursor{b: b}
	if slot := f.slot; len(slot) > 0 && bytes.HasPrefix(b, slot) { // it is nearly always that of the item before
		item.b = b[len(slot):]
	} else if !f.newSlot(&item, b) {
		return nil, false
	}
	end := cursor{b: item.bytes(tagItemEnd)}
	content = item.bytes(tagItemPayload)
	session := item.number(tagItemSession)
	it := &f.item
	it.DB, it.Slot = f.db, f.number
	it.End.Segment = uint32(end.number(tagSegment))
	offset := end.number(tagOffset)
	it.End.Offset = int64(offset)
	it.Term, it.Index = uint32(end.optional(tagTerm)), end.optional(tagIndex)
	it.Session, it.Size, it.Whole = int32(session), int64(len(content)), true
	return content, item.end() && end.end() && offset <= math.MaxInt64
}

// newSlot reads the slot at the beginning of an item, and remembers how it looks.
func (f *frame) newSlot(item *cursor, b []byte) bool {
	slot := cursor{b: item.bytes(tagItemSlot)}
	name := slot.bytes(tagDB)
	number := slot.number(tagSlot)
	if item.bad || !slot.end() || len(name) > maxDB {
		return false
	}
	f.slot = append(f.slot[:0], b[:len(b)-len(item.b)]...)
	f.db, f.number = string(name), uint32(number)
	return true
}

// wholeBody is a payload that has come.
type wholeBody struct{ b []byte }

// Take gives its next n bytes, to be copied before anything else is read; nil: it has less.
func (w *wholeBody) Take(n int64) []byte {
	if n > int64(len(w.b)) {
		return nil
	}
	b := w.b[:n]
	w.b = w.b[n:]
	return b
}

func (w *wholeBody) Read(b []byte) (int, error) {
	n := copy(b, w.b)
	if w.b = w.b[n:]; n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
