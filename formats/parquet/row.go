package parquet

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"pikabin/decode"
	"pikabin/proto"
)

// row is a message of pikabin.v1.Change as the columns take it. Its bytes are those of the message.
type row struct {
	has      uint32 // a bit for each column that has a value, but for those of lists
	numbers  [columnCount]int64
	texts    [columnCount][]byte
	elements []element
	args     [][]byte
	op       proto.Op
}

// element is an element of a row, in the order of its columns. A part that is nil is absent.
type element [3][]byte

// errMessage is a message that is not as the schema says.
var errMessage = errors.New("not a pikabin.v1.Change message")

// read fills the row, whatever it held before.
func (r *row) read(message []byte) error {
	r.has, r.op, r.elements, r.args = 0, 0, r.elements[:0], r.args[:0]
	r.setNumber(columnSegment, 0)
	r.setNumber(columnOffset, 0)
	for len(message) > 0 {
		tag, n := varint(message)
		if n < 0 {
			return unreadable(n)
		}
		message = message[n:]
		field, typ := protowire.DecodeTag(tag)
		if field < protowire.MinValidNumber {
			return unreadable(broken)
		}
		if n = r.field(field, typ, message); n < 0 {
			return unreadable(n)
		}
		message = message[n:]
	}
	return r.complete()
}

func unreadable(n int) error { return fmt.Errorf("%w: %w", errMessage, protowire.ParseError(n)) }

// broken is what functions of protowire return for a message that ends inside a field.
const broken = -1

// field takes the value of a field from the head of a message and returns its length, as functions of protowire do.
func (r *row) field(field protowire.Number, typ protowire.Type, message []byte) int {
	switch typ {
	case protowire.VarintType:
		v, n := varint(message)
		if n > 0 {
			r.number(field, int64(v))
		}
		return n
	case protowire.BytesType:
		v, n := varint(message)
		if n < 0 {
			return n
		}
		if v > uint64(len(message)-n) || !r.text(field, message[n:n+int(v)]) {
			return broken
		}
		return n + int(v)
	default: // of a later schema
		return protowire.ConsumeFieldValue(field, typ, message)
	}
}

// varint is protowire.ConsumeVarint, quicker for the many that are a byte.
func varint(b []byte) (uint64, int) {
	if len(b) == 0 || b[0] >= 1<<7 {
		return protowire.ConsumeVarint(b)
	}
	return uint64(b[0]), 1
}

// The numbers of those fields of the schema that are more than a value of a column.
const (
	fieldTS        = 11
	fieldOp        = 12
	fieldType      = 13
	fieldElements  = 17
	fieldPrecision = 21
	fieldEffect    = 22
	fieldArgs      = 23
)

// numberColumns and textColumns are the columns of all other fields, by their numbers. A row does not tell of fields that it does not know.
var (
	numberColumns = [...]int{
		2: columnSlot, 3: columnSegment, 4: columnOffset, 5: columnEnd, 6: columnPart, 7: columnParts, 8: columnLogicID, 9: columnTerm,
		10: columnServerID, fieldTS: columnTS, 20: columnExpireAt, 28: columnEpoch,
	}
	textColumns = [...]int{
		1: columnDB, 14: columnCmd, 15: columnKey, 16: columnValue, 18: columnEntryID, 19: columnDelta, 24: columnScope, 25: columnFrom,
		26: columnTo, 27: columnReason,
	}
)

// micro is how many microseconds a second has. A time that has too many of them for 64 bits is in ts alone.
const micro = 1e6

// number sets a field that is a number.
func (r *row) number(field protowire.Number, v int64) {
	switch field {
	case fieldOp:
		r.op = proto.Op(v)
	case fieldType:
		r.setName(columnType, types, v)
	case fieldPrecision:
		r.setName(columnPrecision, precisions, v)
	case fieldEffect:
		r.setName(columnEffect, effects, v)
	case fieldTS:
		r.setNumber(columnTS, v)
		if v == v*micro/micro {
			r.setNumber(columnTime, v*micro)
		}
	default:
		if int(field) < len(numberColumns) && numberColumns[field] != 0 {
			r.setNumber(numberColumns[field], v)
		}
	}
}

// text sets a field that is bytes, and reports whether it could be read.
func (r *row) text(field protowire.Number, v []byte) bool {
	switch field {
	case fieldElements:
		return r.element(v)
	case fieldArgs:
		r.args = append(r.args, v)
	default:
		if int(field) < len(textColumns) && textColumns[field] != 0 {
			r.setText(textColumns[field], v)
		}
	}
	return true
}

// element takes an element, whose fields have the numbers of its parts, from 1.
func (r *row) element(message []byte) bool {
	var el element
	for len(message) > 0 {
		field, typ, n := protowire.ConsumeTag(message)
		if n < 0 || typ != protowire.BytesType {
			return false
		}
		v, m := protowire.ConsumeBytes(message[n:])
		if m < 0 {
			return false
		}
		message = message[n+m:]
		if int(field) <= len(el) {
			el[field-1] = v
		}
	}
	r.elements = append(r.elements, el)
	return true
}

func (r *row) setNumber(column int, v int64) {
	r.has |= 1 << column
	r.numbers[column] = v
}

func (r *row) setText(column int, v []byte) {
	r.has |= 1 << column
	r.texts[column] = v
}

// setName sets the name of an enum's value. The unspecified one, and those that are not known, have none.
func (r *row) setName(column int, names [][]byte, v int64) {
	if v > 0 && v < int64(len(names)) {
		r.setText(column, names[v])
	}
}

func (r *row) lacks(column int) bool { return r.has&(1<<column) == 0 }

// complete gives the values that a message leaves out since they are the default.
func (r *row) complete() error {
	if r.op <= 0 || int(r.op) >= len(ops) {
		return fmt.Errorf("%w: it has the op %d", errMessage, r.op)
	}
	r.setText(columnOp, ops[r.op])
	if r.lacks(columnDB) {
		r.setText(columnDB, nil)
	}
	if r.op >= proto.Op_OP_GAP {
		if r.lacks(columnReason) {
			r.setText(columnReason, nil)
		}
		return nil
	}
	if r.lacks(columnEnd) {
		r.setNumber(columnEnd, 0)
	}
	if !r.lacks(columnParts) && r.lacks(columnPart) {
		r.setNumber(columnPart, 0)
	}
	if r.lacks(columnCmd) {
		r.setText(columnCmd, nil)
	}
	if r.lacks(columnEffect) {
		r.setText(columnEffect, effects[proto.Effect_EFFECT_EXACT])
	}
	return nil
}

// The names of the enums' values, by their numbers.
var (
	ops        = names(proto.Op_name, "OP_")
	types      = names(proto.Type_name, "TYPE_")
	precisions = names(proto.ExpirePrecision_name, "EXPIRE_PRECISION_")
	effects    = names(proto.Effect_name, "EFFECT_")
)

func names(enum map[int32]string, prefix string) [][]byte {
	list := make([][]byte, len(enum))
	for n, name := range enum {
		list[n] = []byte(strings.ToLower(strings.TrimPrefix(name, prefix)))
	}
	return list
}

// position is where the record of the row begins.
func (r *row) position() decode.Position {
	return decode.Position{Segment: uint32(r.numbers[columnSegment]), Offset: r.numbers[columnOffset]}
}

// after is the place after the row's record, or after its range.
func (r *row) after() (decode.Position, error) {
	if !r.lacks(columnTo) {
		return decode.ParsePosition(string(r.texts[columnTo]))
	}
	end := int64(0)
	if !r.lacks(columnEnd) {
		end = r.numbers[columnEnd]
	}
	return decode.Position{Segment: uint32(r.numbers[columnSegment]), Offset: end}, nil
}

// epoch is that of the row.
func (r *row) epoch() int64 {
	if r.lacks(columnEpoch) {
		return 0
	}
	return r.numbers[columnEpoch]
}
