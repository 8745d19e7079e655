package wire

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"pikabin/decode"
)

// Item is one record, or a ping of the server: a payload of no bytes.
type Item struct {
	DB      string
	Slot    uint32
	End     decode.Position // of the record; 0:0 of a ping
	Term    uint32
	Index   uint64
	Size    int64 // of the payload
	Session int32
	Whole   bool // all of it has come: to read it takes no time
}

// IsPing tells a sign of life from a record.
func (it *Item) IsPing() bool { return it.Size == 0 && it.End == decode.Position{} }

// The fields of an item, in the order in which every server sends them.
const (
	fieldSlot = iota + 1
	fieldEnd
	fieldPayload
	fieldSession
)

// maxDB is how long the name of a DB may be.
const maxDB = 255

// within reads a part of so many bytes.
func (f *frame) within(n int64, read func() error) error {
	after := f.left - n
	f.left = n
	for f.left > 0 {
		if err := read(); err != nil {
			return err
		}
	}
	f.left = after
	return nil
}

// nextItem gives the next item to the handler.
func (f *frame) nextItem(h Handler) error {
	n, err := f.length()
	if err != nil {
		return err
	}
	f.item = Item{}
	seen := 0
	err = f.within(n, func() error { return f.itemField(h, &seen) })
	switch {
	case err != nil:
		return err
	case seen&(1<<fieldSlot) == 0 || seen&(1<<fieldEnd) == 0 || seen&(1<<fieldSession) == 0:
		return bad("an item without its DB, position or session")
	}
	if seen&(1<<fieldPayload) == 0 {
		if err := h.Payload(&f.item, nothing{}); err != nil {
			return err
		}
	}
	return h.Item(&f.item)
}

// itemField reads one field of an item. What the payload is of has to come before it.
func (f *frame) itemField(h Handler, seen *int) error {
	number, kind, err := f.tag()
	if err != nil {
		return err
	}
	if number > fieldSession {
		return f.skip(kind)
	}
	if *seen&(1<<number) != 0 {
		return bad("field %d of an item twice", number)
	}
	*seen |= 1 << number
	if number == fieldSession && kind == protowire.VarintType {
		v, err := f.varint()
		f.item.Session = int32(v)
		return err
	}
	if kind != protowire.BytesType || number == fieldSession {
		return bad("field %d of an item is of type %d", number, kind)
	}
	n, err := f.length()
	switch {
	case err != nil:
		return err
	case number == fieldSlot:
		return f.within(n, f.slotField)
	case number == fieldEnd:
		return f.within(n, f.endField)
	case *seen&(1<<fieldSlot) == 0 || *seen&(1<<fieldEnd) == 0:
		return bad("a payload before its position")
	}
	return f.payload(h, n)
}

// payload hands the payload on as it comes.
func (f *frame) payload(h Handler, n int64) error {
	f.item.Size = n
	f.left -= n
	f.body = payload{frame: f, left: n}
	if err := h.Payload(&f.item, &f.body); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, &f.body)
	return err
}

// payload reads what is left of a payload.
type payload struct {
	frame *frame
	left  int64
}

func (p *payload) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.frame.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, whole(err)
}

// nothing is a payload that is not there.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// slotField reads a field of a slot.
func (f *frame) slotField() error {
	number, kind, err := f.tag()
	switch {
	case err != nil:
		return err
	case number == 1 && kind == protowire.BytesType:
		return f.dbField()
	case number == 2 && kind == protowire.VarintType:
		v, err := f.varint()
		f.item.Slot = uint32(v)
		return err
	}
	return f.skip(kind)
}

// dbField reads the name of a DB. It is nearly always that of the item before.
func (f *frame) dbField() error {
	n, err := f.length()
	if err == nil && n > maxDB {
		err = bad("a DB with a name of %d bytes", n)
	}
	if err != nil {
		return err
	}
	f.left -= n
	name := f.name[:n]
	if err := f.read(name); err != nil {
		return err
	}
	if f.db != string(name) {
		f.db, f.slot = string(name), f.slot[:0]
	}
	f.item.DB = f.db
	return nil
}

// endField reads a field of the position at which a record ends.
func (f *frame) endField() error {
	number, kind, err := f.tag()
	if err != nil {
		return err
	}
	if number > 4 || kind != protowire.VarintType {
		return f.skip(kind)
	}
	v, err := f.varint()
	switch int(number) {
	case 1:
		f.item.End.Segment = uint32(v)
	case 2:
		if f.item.End.Offset = int64(v); err == nil && v > math.MaxInt64 {
			err = bad("a record that ends at %d", v)
		}
	case 3:
		f.item.Term = uint32(v)
	case 4:
		f.item.Index = v
	}
	return err
}
