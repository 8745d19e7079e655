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
	"strconv"
	"strings"
	"unicode/utf8"
)

// lines are JSON lines.
type lines struct {
	*unpacked
	in   *bufio.Reader
	line []byte
}

func lineFile(f File, _ string) (Messages, error) {
	u, err := unpack(f)
	if err != nil {
		return nil, err
	}
	return &lines{unpacked: u, in: bufio.NewReaderSize(u, ahead(f))}, nil
}

// Next implements Messages. A last line without its end is cut short.
func (l *lines) Next(context.Context) ([]byte, error) {
	l.line = l.line[:0]
	for {
		piece, err := l.in.ReadSlice('\n')
		switch {
		case err == nil && len(l.line) == 0:
			return piece[:len(piece)-1], nil
		case err == nil:
			l.line = append(l.line, piece[:len(piece)-1]...)
			return l.line, nil
		case errors.Is(err, bufio.ErrBufferFull):
			l.line = append(l.line, piece...)
			continue
		case err == io.EOF && len(l.line)+len(piece) > 0:
			return nil, fmt.Errorf("the last line is cut short: %w", io.ErrUnexpectedEOF)
		}
		return nil, err
	}
}

// lineFields reads a line.
func lineFields(line []byte) (Fields, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the line is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, fmt.Errorf("the line is not a JSON object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the line is more than a JSON object")
	}
	return objectFields(object)
}

// objectFields gives bytes that have two names the first of them.
func objectFields(object map[string]any) (Fields, error) {
	fields := Fields{}
	for name, v := range object {
		plain, isBase64 := strings.CutSuffix(name, "_b64")
		if fields[plain] != nil {
			return nil, fmt.Errorf("it has both %s and %s_b64", plain, plain)
		}
		var err error
		if fields[plain], err = fieldValue(v, isBase64); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if fields["from"] == nil && fields["effect"] == nil { // which is left out
		fields["effect"] = "exact"
	}
	return fields, nil
}

func fieldValue(v any, isBase64 bool) (any, error) {
	switch v := v.(type) {
	case string:
		if !isBase64 {
			return v, nil
		}
		b, err := base64.StdEncoding.DecodeString(v)
		return string(b), err
	case json.Number:
		return wholeNumber(v.String())
	case []any:
		return listValue(v, isBase64)
	case map[string]any:
		fields, err := objectFields(v)
		delete(fields, "effect") // an element has none
		return fields, err
	}
	return nil, fmt.Errorf("%v is no value of an event", v)
}

func listValue(list []any, isBase64 bool) (any, error) {
	values := make([]any, len(list))
	for i, v := range list {
		var err error
		if values[i], err = fieldValue(v, isBase64); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// wholeNumber is a number of 64 bits, as a signed one.
func wholeNumber(digits string) (any, error) {
	if u, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return int64(u), nil
	}
	return strconv.ParseInt(digits, 10, 64)
}
