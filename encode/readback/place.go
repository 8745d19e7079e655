package readback

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"pikabin/decode"
	"pikabin/proto"
)

// Place is where an event is: in which log, and where in it. It is what Fields say, and read much faster.
type Place struct {
	Log decode.Log
	Key Key
}

// errNoPlace says of a message that it is none of an event.
var errNoPlace = errors.New("it is no event: it has no op, segment and offset")

// linePlace reads the place of a line.
func linePlace(line []byte) (p Place, err error) {
	var head struct {
		DB      string  `json:"db"`
		Slot    *int    `json:"slot"`
		Segment *uint32 `json:"segment"`
		Offset  *int64  `json:"offset"`
		Part    uint32  `json:"part"`
		Epoch   uint32  `json:"epoch"`
		Op      string  `json:"op"`
		From    *string `json:"from"`
	}
	if !utf8.Valid(line) {
		return p, errors.New("the line is not UTF-8")
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return p, fmt.Errorf("the line is no event: %w", err)
	}
	if head.Op == "" || head.Segment == nil || head.Offset == nil || *head.Offset < 0 {
		return p, errNoPlace
	}
	p.Log = decode.Log{DB: head.DB, Slot: -1}
	if head.Slot != nil {
		p.Log.Slot = *head.Slot
	}
	p.Key = Key{Epoch: head.Epoch, At: decode.Position{Segment: *head.Segment, Offset: *head.Offset}, Part: head.Part, Command: head.From == nil}
	return p, nil
}

// The fields of a message that tell its place.
var (
	numberDB, numberSlot                     = fieldNumber("db"), fieldNumber("slot")
	numberSegment, numberOffset, numberPart  = fieldNumber("segment"), fieldNumber("offset"), fieldNumber("part")
	numberEpoch, numberOp, numberOfRangeFrom = fieldNumber("epoch"), fieldNumber("op"), fieldNumber("from")
)

func fieldNumber(name string) protowire.Number {
	return (*proto.Change)(nil).ProtoReflect().Descriptor().Fields().ByTextName(name).Number()
}

// messagePlace reads the place of a pikabin.v1.Change message.
func messagePlace(message []byte) (p Place, err error) {
	p.Log.Slot, p.Key.Command = -1, true
	hasOp := false
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return p, fmt.Errorf("it is not a pikabin.v1.Change message: %w", protowire.ParseError(n))
		}
		message = message[n:]
		size := protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return p, fmt.Errorf("it is not a pikabin.v1.Change message: %w", protowire.ParseError(size))
		}
		hasOp = hasOp || number == numberOp
		p.take(number, kind, message[:size])
		message = message[size:]
	}
	if !hasOp || p.Key.At.Offset < 0 {
		return p, errNoPlace
	}
	return p, nil
}

// take takes what a field tells of the place.
func (p *Place) take(number protowire.Number, kind protowire.Type, value []byte) {
	switch {
	case kind == protowire.VarintType:
		v, _ := protowire.ConsumeVarint(value)
		p.takeNumber(number, v)
	case number == numberDB:
		text, _ := protowire.ConsumeBytes(value)
		p.Log.DB = string(text)
	case number == numberOfRangeFrom:
		p.Key.Command = false
	}
}

func (p *Place) takeNumber(number protowire.Number, v uint64) {
	switch number { //nolint:exhaustive // the field numbers of the event
	case numberSlot:
		p.Log.Slot = int(v)
	case numberSegment:
		p.Key.At.Segment = uint32(v)
	case numberOffset:
		p.Key.At.Offset = int64(v)
	case numberPart:
		p.Key.Part = uint32(v)
	case numberEpoch:
		p.Key.Epoch = uint32(v)
	}
}
