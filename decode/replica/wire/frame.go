package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"pikabin/decode/replica/inner"
)

// maxRest is how long a message may be without its items: an answer with 10,000 DBs has a tenth of it.
const maxRest = 4 << 20

// itemField is the number of the items in a response.
const itemField = 7

// frame is the message that is being read.
type frame struct {
	r      *bufio.Reader
	left   int64  // of the message, or of the part of it that is being read
	rest   []byte // of the message, what is no item
	item   Item
	body   payload
	whole  wholeBody
	db     string      // of the item before
	slot   []byte      // of the last one that was whole: its bytes, whose DB is db
	number uint32      // and what they say
	name   [maxDB]byte // scratch
}

// begin reads the length of the next message.
func (f *frame) begin() error {
	head, err := f.r.Peek(headSize)
	if err != nil {
		if len(head) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	f.left = int64(binary.BigEndian.Uint32(head))
	_, err = f.r.Discard(headSize)
	return err
}

// message reads a message: items to the handler, and all that is beside them into an answer.
func (f *frame) message(h Handler) (*inner.Response, error) {
	f.rest = f.rest[:0]
	for f.left > 0 {
		if some, err := f.wholeItems(h); err != nil {
			return nil, err
		} else if some {
			continue
		}
		number, kind, err := f.tag()
		switch {
		case err != nil:
			return nil, err
		case number == itemField && kind == protowire.BytesType:
			err = f.nextItem(h)
		default:
			err = f.keep(number, kind)
		}
		if err != nil {
			return nil, err
		}
	}
	m := &inner.Response{}
	if err := proto.Unmarshal(f.rest, m); err != nil {
		return nil, bad("%v", err)
	}
	if m.Type == nil {
		return nil, bad("it has no type")
	}
	return m, nil
}

// keep puts a field that is no item to the rest.
func (f *frame) keep(number protowire.Number, kind protowire.Type) error {
	f.rest = protowire.AppendTag(f.rest, number, kind)
	switch kind {
	case protowire.VarintType:
		v, err := f.varint()
		f.rest = protowire.AppendVarint(f.rest, v)
		return err
	case protowire.Fixed32Type:
		return f.copy(4)
	case protowire.Fixed64Type:
		return f.copy(8)
	case protowire.BytesType:
		n, err := f.length()
		if err != nil {
			return err
		}
		f.rest = protowire.AppendVarint(f.rest, uint64(n))
		return f.copy(n)
	case protowire.StartGroupType, protowire.EndGroupType:
	}
	return bad("field %d is of type %d", number, kind)
}

// copy puts bytes to the rest.
func (f *frame) copy(n int64) error {
	if n > f.left {
		return bad("a field runs past its message")
	}
	if int64(len(f.rest))+n > maxRest {
		return bad("more than %d bytes beside the items", int64(maxRest))
	}
	at := len(f.rest)
	f.rest = append(f.rest, make([]byte, n)...)
	f.left -= n
	return f.read(f.rest[at:])
}

// skip passes over a field.
func (f *frame) skip(kind protowire.Type) error {
	var n int64
	switch kind {
	case protowire.VarintType:
		_, err := f.varint()
		return err
	case protowire.Fixed32Type:
		n = 4
	case protowire.Fixed64Type:
		n = 8
	case protowire.BytesType:
		var err error
		if n, err = f.length(); err != nil {
			return err
		}
	case protowire.StartGroupType, protowire.EndGroupType:
		return bad("a group")
	default:
		return bad("there is no type %d of fields", kind)
	}
	if n > f.left {
		return bad("a field runs past its message")
	}
	f.left -= n
	_, err := io.CopyN(io.Discard, f.r, n)
	return whole(err)
}

// tag reads the number and the type of a field.
func (f *frame) tag() (protowire.Number, protowire.Type, error) {
	v, err := f.varint()
	if err != nil {
		return 0, 0, err
	}
	number, kind := protowire.DecodeTag(v)
	if number < protowire.MinValidNumber {
		return 0, 0, bad("there is no field %d", number)
	}
	return number, kind, nil
}

// length reads the length of a field, which does not run past what it is in.
func (f *frame) length() (int64, error) {
	v, err := f.varint()
	if err == nil && v > uint64(f.left) {
		err = bad("a field of %d bytes in %d", v, f.left)
	}
	return int64(v), err
}

// varint reads a number.
func (f *frame) varint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		if f.left == 0 {
			return 0, bad("a number runs past its message")
		}
		b, err := f.r.ReadByte()
		if err != nil {
			return 0, whole(err)
		}
		f.left--
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, bad("a number of more than 64 bits")
}

// read fills b.
func (f *frame) read(b []byte) error {
	_, err := io.ReadFull(f.r, b)
	return whole(err)
}

// whole makes an end in the middle of a message what it is.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
