package readback

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// values are lines of comma-separated values. They are read by hand, since encoding/csv does not tell an empty value from an absent one, and takes CR out of text.
type values struct {
	*unpacked
	in      *bufio.Reader
	names   []string // of the columns
	cells   []cell   // buffer
	message []byte
}

// cell is a value of a line.
type cell struct {
	text   []byte
	quoted bool // an empty one is there, too
}

func csvFile(f File, _ string) (Messages, error) {
	u, err := unpack(f)
	if err != nil {
		return nil, err
	}
	v := &values{unpacked: u, in: bufio.NewReaderSize(u, ahead(f))}
	if err := v.read(); err != nil && err != io.EOF { //nolint:errorlint // nothing wraps it
		u.Close()
		return nil, fmt.Errorf("the line of names: %w", err)
	}
	for _, c := range v.cells {
		v.names = append(v.names, string(c.text))
	}
	return v, nil
}

// Next implements Messages.
func (v *values) Next(context.Context) ([]byte, error) {
	if err := v.read(); err != nil {
		return nil, err
	}
	var r row
	if err := v.fill(&r); err != nil {
		return nil, r.refused(err)
	}
	message, err := r.appendMessage(v.message[:0])
	if err == nil {
		v.message = message
	}
	return message, err
}

// fill gives a row the values of the line.
func (v *values) fill(r *row) error {
	if len(v.cells) != len(v.names) {
		return fmt.Errorf("the line has %d values for %d columns", len(v.cells), len(v.names))
	}
	for i, c := range v.cells {
		if len(c.text) == 0 && !c.quoted {
			continue
		}
		name, value, err := c.value(v.names[i])
		if err == nil {
			err = r.set(name, value)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", v.names[i], err)
		}
	}
	return nil
}

// value is what the cell of a column holds, and the name of its field.
func (c cell) value(column string) (name string, v any, err error) {
	name, isBase64 := strings.CutSuffix(column, "_b64")
	if v = string(c.text); name == "elements" || name == "args" {
		v = nil
		err = json.Unmarshal(c.text, &v)
	}
	if err == nil {
		v, err = unbase64(v, isBase64)
	}
	return name, v, err
}

// unbase64 gives a value of JSON with bytes where there was base64: in all of it, or in fields that say so.
func unbase64(v any, is bool) (_ any, err error) {
	switch of := v.(type) {
	case string:
		if is {
			return base64.StdEncoding.DecodeString(of)
		}
	case []any:
		for i := range of {
			if of[i], err = unbase64(of[i], is); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		fields := map[string]any{}
		for name, item := range of {
			plain, is := strings.CutSuffix(name, "_b64")
			if fields[plain] != nil {
				return nil, fmt.Errorf("it has both %s and %s_b64", plain, plain)
			}
			if fields[plain], err = unbase64(item, is); err != nil {
				return nil, err
			}
		}
		return fields, nil
	}
	return v, nil
}

// read reads the cells of a line, io.EOF after the last one.
func (v *values) read() error {
	v.cells = v.cells[:0]
	if _, err := v.in.Peek(1); err != nil {
		return err
	}
	for {
		c, end, err := v.readCell()
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the last line is cut short: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return err
		}
		v.cells = append(v.cells, c)
		if end == '\n' {
			return nil
		}
	}
}

// readCell reads a value, and the comma or line end after it.
func (v *values) readCell() (c cell, end byte, err error) {
	for {
		b, err := v.in.ReadByte()
		switch {
		case err != nil:
			return c, 0, err
		case b == '"' && len(c.text) == 0 && !c.quoted:
			c.quoted = true
			if c.text, err = v.readQuoted(); err != nil {
				return c, 0, err
			}
		case b == ',' || b == '\n':
			return c, b, nil
		case c.quoted:
			return c, 0, errors.New("there is text after the quotes of a value")
		default:
			c.text = append(c.text, b)
		}
	}
}

// readQuoted reads up to the quote that ends a value.
func (v *values) readQuoted() (text []byte, err error) {
	for {
		piece, err := v.in.ReadSlice('"')
		text = append(text, piece...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, err
		}
		next, err := v.in.Peek(1)
		if err != nil || next[0] != '"' {
			return bytes.TrimSuffix(text, []byte{'"'}), err
		}
		if _, err = v.in.Discard(1); err != nil {
			return nil, err
		}
	}
}
