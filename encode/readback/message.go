package readback

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"pikabin/proto"
)

// delimited are messages, each with its length before it.
type delimited struct {
	*unpacked
	in      *bufio.Reader
	message []byte
}

func delimitedFile(f File, _ string) (Messages, error) {
	u, err := unpack(f)
	if err != nil {
		return nil, err
	}
	return &delimited{unpacked: u, in: bufio.NewReaderSize(u, ahead(f))}, nil
}

// Next implements Messages.
func (d *delimited) Next(context.Context) ([]byte, error) {
	size, err := binary.ReadUvarint(d.in)
	if err != nil {
		return nil, err
	}
	d.message = d.message[:0]
	for size > 0 { // in steps, since the length may be of a damaged file
		step, start := int(min(size, readAhead)), len(d.message)
		d.message = slices.Grow(d.message, step)[:start+step]
		if _, err := io.ReadFull(d.in, d.message[start:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("the last message is cut short: %w", err)
		}
		size -= uint64(step)
	}
	return d.message, nil
}

// messageFields reads a message of pikabin.v1.Change.
func messageFields(message []byte) (Fields, error) {
	c := &proto.Change{}
	if err := protobuf.Unmarshal(message, c); err != nil {
		return nil, fmt.Errorf("it is not a pikabin.v1.Change message: %w", err)
	}
	fields := reflected(c.ProtoReflect())
	if fields["from"] == nil && fields["effect"] == nil {
		fields["effect"] = "exact"
	}
	return fields, nil
}

func reflected(m protoreflect.Message) Fields {
	fields := Fields{}
	if rest := m.GetUnknown(); len(rest) > 0 {
		fields["unknown"] = string(rest)
	}
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if d.IsList() {
			var list []any
			for i := range v.List().Len() {
				list = append(list, scalar(d, v.List().Get(i)))
			}
			fields[string(d.Name())] = list
			return true
		}
		fields[string(d.Name())] = scalar(d, v)
		return true
	})
	return fields
}

func scalar(d protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch d.Kind() {
	case protoreflect.EnumKind:
		return enumName(d.Enum(), v.Enum())
	case protoreflect.MessageKind:
		return reflected(v.Message())
	case protoreflect.BytesKind:
		return string(v.Bytes())
	case protoreflect.StringKind:
		return v.String()
	case protoreflect.Int64Kind:
		return v.Int()
	default:
		return int64(v.Uint())
	}
}

// enumName is a value's name without that of its enum, in lower case as all formats have it.
func enumName(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	d := e.Values().ByNumber(n)
	if d == nil {
		return fmt.Sprintf("unknown (%d)", n)
	}
	return strings.ToLower(strings.TrimPrefix(string(d.Name()), prefixOf(e)))
}

// prefixOf begins the names of an enum's values: "EXPIRE_PRECISION_" those of ExpirePrecision.
func prefixOf(e protoreflect.EnumDescriptor) string {
	first, _ := strings.CutSuffix(string(e.Values().Get(0).Name()), "UNSPECIFIED")
	first, _ = strings.CutSuffix(first, "EXACT")
	return first
}
