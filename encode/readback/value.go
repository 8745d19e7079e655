package readback

import (
	"fmt"

	"github.com/twmb/avro"

	formatavro "pikabin/formats/avro"
)

// messageValue is a value that is the message.
func messageValue(value []byte, _ bool) ([]byte, error) { return value, nil }

// avroSchema is that of our values: those with other schemas are of later programs, and are refused.
var avroSchema = avro.MustParse(formatavro.Schema)

// avroValue reads a record of the single-object encoding, or one whose schema was told.
func avroValue(value []byte, told bool) ([]byte, error) {
	read := avroSchema.DecodeSingleObject
	if told {
		read = avroSchema.Decode
	}
	var r row
	rest, err := read(value, &r)
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is no Avro record of an event: %w", err)
	case len(rest) > 0:
		return nil, fmt.Errorf("there are %d bytes after the Avro record of an event", len(rest))
	}
	return r.appendMessage(nil)
}
