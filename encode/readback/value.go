package readback

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/avro"

	formatavro "pikabin/formats/avro"
)

// idSize is what is before a value that has the id of its schema: a zero byte, and the id. The message of a Protobuf schema has its number after them, which is
// one byte more for the first one.
const idSize = 5

// errNoID says of a value that it is not as a schema registry wants it.
var errNoID = errors.New("the id of a schema is not before it")

// unframed is a value without what is before it.
func unframed(value []byte, lead int, framed bool) ([]byte, error) {
	switch {
	case !framed:
		return value, nil
	case len(value) < lead || value[0] != 0 || lead > idSize && value[idSize] != 0 || binary.BigEndian.Uint32(value[1:]) == 0:
		return nil, errNoID
	}
	return value[lead:], nil
}

func lineValue(value []byte, framed bool) ([]byte, error) { return unframed(value, idSize, framed) }

func messageValue(value []byte, framed bool) ([]byte, error) {
	return unframed(value, idSize+1, framed)
}

// avroSchema is that of our values: those with other schemas are of later programs, and are refused.
var avroSchema = avro.MustParse(formatavro.Schema)

// avroValue reads a record of the single-object encoding, or one whose schema an id tells.
func avroValue(value []byte, framed bool) ([]byte, error) {
	var r row
	var rest []byte
	record, err := unframed(value, idSize, framed)
	switch {
	case err != nil:
	case framed:
		rest, err = avroSchema.Decode(record, &r)
	default:
		rest, err = avroSchema.DecodeSingleObject(record, &r)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is no Avro record of an event: %w", err)
	case len(rest) > 0:
		return nil, fmt.Errorf("there are %d bytes after the Avro record of an event", len(rest))
	}
	return r.appendMessage(nil)
}
