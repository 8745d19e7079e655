// Package readback reads events back from what an output holds. It is the opposite direction of package formats: bytes to events.
//
// Two events are compared by their messages first, which is quick: the same event has the same bytes. Only where these differ are the
// fields read, which name what is another one. The messages of JSON lines are the lines. Those of all other formats are of
// pikabin.v1.Change, which the rows of Avro, CSV, MessagePack and Parquet are turned into: whatever such a row can say that an event cannot is an error.
package readback

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"pikabin/decode"
)

// File is what holds events: a file or an object.
type File interface {
	io.Reader
	io.ReaderAt
	Size() int64
}

// Messages are events one after the other.
type Messages interface {
	// Next gives the next message, which is good until the next call, or io.EOF. An *EventError is of one event only. After any other
	// error the rest cannot be read.
	Next(ctx context.Context) ([]byte, error)

	// Close lets go of what was made for reading. The file stays open.
	Close()
}

// EventError is something in the place of an event that is none. What comes after it can be read.
type EventError struct{ Err error }

// Error says what is wrong with it.
func (e *EventError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *EventError) Unwrap() error { return e.Err }

// Broken are messages of which none can be read.
func Broken(why error) Messages { return broken{why} }

type broken struct{ err error }

func (b broken) Next(context.Context) ([]byte, error) { return nil, b.err }

func (broken) Close() {}

// Format is a row of the table.
type Format struct {
	Name string // as in package formats
	As   string // name of the format whose messages the events are compared as

	// File reads a file, compressed or not. noDB is the DB of its events, for files that leave it out.
	File func(f File, noDB string) (Messages, error)

	// Value gives the message of a value of Kafka, good as long as the value. told: something beside the value tells its schema, so that the value
	// itself does not. nil: there are no such values that can be read.
	Value func(value []byte, told bool) ([]byte, error)

	// Fields reads a message.
	Fields func(message []byte) (Fields, error)

	// Place reads of a message where its event is.
	Place func(message []byte) (Place, error)
}

// table has the formats whose events say where in the log they are.
var table = []Format{
	{Name: "avro", As: "protobuf", File: avroFile, Value: avroValue, Fields: messageFields, Place: messagePlace},
	{Name: "csv", As: "protobuf", File: csvFile, Fields: messageFields, Place: messagePlace},
	{Name: "jsonl", As: "jsonl", File: lineFile, Value: messageValue, Fields: lineFields, Place: linePlace},
	{Name: "msgpack", As: "protobuf", File: msgpackFile, Fields: messageFields, Place: messagePlace},
	{Name: "parquet", As: "protobuf", File: parquetFile, Fields: messageFields, Place: messagePlace},
	{Name: "protobuf", As: "protobuf", File: delimitedFile, Value: messageValue, Fields: messageFields, Place: messagePlace},
}

// Lookup finds a format by name.
func Lookup(name string) (*Format, error) {
	var names []string
	for i := range table {
		if table[i].Name == name {
			return &table[i], nil
		}
		names = append(names, table[i].Name)
	}
	return nil, fmt.Errorf("events of format %q cannot be compared, since they do not say where in the log they are: it can be done with %s", name, strings.Join(names, ", "))
}

// Key is the place of an event in its log. Places are in the order in which events are delivered.
type Key struct {
	Epoch   uint32
	At      decode.Position
	Command bool // false: a range of the log, whose event comes before that of the record at the same position
	Part    uint32
}

// Compare orders keys.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Epoch, o.Epoch), cmp.Compare(k.At.Segment, o.At.Segment), cmp.Compare(k.At.Offset, o.At.Offset),
		cmp.Compare(ordinal(k.Command), ordinal(o.Command)), cmp.Compare(k.Part, o.Part))
}

func ordinal(b bool) int {
	if b {
		return 1
	}
	return 0
}

// String is the place for people: "12:4096", with the part and the epoch where there are several.
func (k Key) String() string {
	text := k.At.String()
	if k.Part > 0 {
		text += fmt.Sprintf(" part %d", k.Part)
	}
	if k.Epoch > 0 {
		text += fmt.Sprintf(" epoch %d", k.Epoch)
	}
	return text
}
