package chain

import (
	"encoding/binary"
	"fmt"

	"pikabin/decode"
	"pikabin/decode/replica/image"
	"pikabin/decode/replica/wire"
)

// Error is a record that cannot come after the one before.
type Error struct {
	At     decode.Position // where it says that it ends
	To     decode.Position // of a Gap: where the log continues
	Gap    bool            // records are missing before it; else its place or its bytes make no sense
	Reason string
}

// Error says what is wrong.
func (e *Error) Error() string { return e.Reason }

// Expect is where an item begins that comes after a place: its position has to be what its length makes of that.
func Expect(p *Place, it *wire.Item) (begin int64, err error) {
	switch it.End.Segment {
	case p.Segment:
		begin = image.Begin(p.Offset)
	case p.Segment + 1:
	default:
		to := decode.Position{Segment: it.End.Segment}
		return 0, &Error{At: it.End, To: to, Gap: p.Before(to), Reason: fmt.Sprintf("after %v comes a record of write2file%d", p.Position, it.End.Segment)}
	}
	if end := image.End(begin, it.Size); end != it.End.Offset {
		return 0, &Error{At: it.End, Reason: fmt.Sprintf("a record of %d bytes after %v ends at %v and not at %d", it.Size, p.Position, it.End, end)}
	}
	return begin, nil
}

// named is what the header of an item says: the end of the record before, and how long the content is.
type named struct {
	before  decode.Position
	content int64
	time    uint32
	id      uint64
}

// nameOf reads the header of an item; ok is false where there is none.
func nameOf(head []byte) (n named, ok bool) {
	if len(head) < decode.ItemHeaderSize || head[0] != 1 || head[1] != 0 {
		return n, false
	}
	return named{
		before:  decode.Position{Segment: binary.LittleEndian.Uint32(head[18:]), Offset: int64(binary.LittleEndian.Uint64(head[22:]))},
		content: int64(binary.LittleEndian.Uint32(head[30:])), time: binary.LittleEndian.Uint32(head[2:]),
		id: binary.LittleEndian.Uint64(head[10:]),
	}, true
}

// Begins says that a history begins with an item: the first record that there is, which names its own place as the one before it.
func Begins(it *wire.Item, head []byte) bool {
	n, ok := nameOf(head)
	return ok && n.before == decode.Position{Segment: it.End.Segment} && n.id <= 1
}

// fits says that the content of an item is no longer than its payload, where it has a header.
func fits(it *wire.Item, head []byte) bool {
	return len(head) < decode.ItemHeaderSize || int64(binary.LittleEndian.Uint32(head[30:])) <= it.Size-decode.ItemHeaderSize
}

// Follows checks that nothing is missing between a place and an item, by what the item's header says. Within a segment its position
// is enough. extra is a range whose records no client was answered for, from there to the place.
func Follows(p *Place, it *wire.Item, head []byte, copied bool) (extra *decode.Position, err error) {
	if it.End.Segment == p.Segment && !p.Unproven && fits(it, head) {
		return nil, nil // as nearly all do
	}
	n, ok := nameOf(head)
	if ok && n.content+decode.ItemHeaderSize > it.Size {
		return nil, &Error{At: it.End, Reason: fmt.Sprintf("a record of %d bytes that ends at %v has %d bytes of content", it.Size, it.End, n.content)}
	}
	begins := decode.Position{Segment: it.End.Segment}
	switch {
	case p.Unproven && ok && n.before != p.Position && it.End.Segment == p.Segment && !copied:
		return nil, &OtherError{fmt.Sprintf("the record after it continues from %v", n.before)}
	case !ok || it.End.Segment == p.Segment:
		return nil, nil
	case n.before.Segment == p.Segment && image.Begin(n.before.Offset) == image.Begin(p.Offset), n.before == begins: // the second of a server that was started again after the rotation
		return nil, nil
	case n.before == decode.Position{} && n.time == 0, copied: // padding names nothing, and a copy what it was on the master
		return nil, nil
	case n.before.Segment == p.Segment && n.before.Before(p.Position):
		return &n.before, nil
	}
	return nil, &Error{At: it.End, To: begins, Gap: true, Reason: fmt.Sprintf("the first record of write2file%d continues from %v, and what was read ends at %v",
		begins.Segment, n.before, p.Position)}
}
