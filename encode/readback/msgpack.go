package readback

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"
)

// named are events as maps of MessagePack.
type named struct {
	*unpacked
	in      *msgp.Reader
	message []byte
}

// longest is more bytes, or items of a list, than any value has.
const longest = 1 << 30

func msgpackFile(f File, _ string) (Messages, error) {
	u, err := unpack(f)
	if err != nil {
		return nil, err
	}
	limit := int64(longest)
	if _, plain := u.Reader.(*io.SectionReader); plain {
		limit = max(1, min(limit, f.Size())) // a length of damage takes no more memory than the file
	}
	in := msgp.NewReaderSize(u, ahead(f))
	in.SetMaxElements(uint32(limit))
	in.SetMaxStringLength(uint64(limit))
	in.SetMaxRecursionDepth(maxDepth)
	return &named{unpacked: u, in: in}, nil
}

// maxDepth is how deep the maps of an event are, and one more.
const maxDepth = 4

// Next implements Messages.
func (m *named) Next(context.Context) ([]byte, error) {
	if _, err := m.in.R.Peek(1); err != nil {
		return nil, err
	}
	count, err := m.in.ReadMapHeader()
	var r row
	var wrong error
	for ; count > 0 && err == nil; count-- {
		var name string
		var v any
		if name, err = m.in.ReadString(); err == nil {
			v, err = m.in.ReadIntf()
		}
		if err == nil {
			wrong = errors.Join(wrong, r.set(name, v))
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("the last event is cut short: %w", io.ErrUnexpectedEOF)
	case err != nil:
		return nil, fmt.Errorf("it is no MessagePack: %w", err)
	case wrong != nil:
		return nil, r.refused(wrong)
	}
	m.message, err = r.appendMessage(m.message[:0])
	return m.message, err
}
