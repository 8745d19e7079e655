package jsonl

import (
	"slices"
	"unicode/utf8"

	"github.com/segmentio/asm/base64"
	fastutf8 "github.com/segmentio/asm/utf8"

	"pikabin/decode"
)

// fieldName is a field's name with the opening quote of its value, in both of its forms. The comma is
// there because only db, which is none of these, can be first in an object.
type fieldName struct {
	plain  [16]byte // copied whole, which is quicker than by length
	n      int
	base64 string
}

var (
	nameKey     = newFieldName("key")
	nameValue   = newFieldName("value")
	nameField   = newFieldName("field")
	nameScore   = newFieldName("score")
	nameEntryID = newFieldName("entry_id")
	nameDelta   = newFieldName("delta")
)

func newFieldName(s string) fieldName {
	name := fieldName{base64: `,"` + s + `_b64":"`}
	name.n = copy(name.plain[:], `,"`+s+`":"`)
	return name
}

// put appends the name and the opening quote of a text, in the margin that is there.
func (name *fieldName) put(dst []byte) []byte {
	n := len(dst)
	*(*[16]byte)(dst[n : n+16]) = name.plain
	return dst[:n+name.n]
}

// appendBytes appends a field that may hold any bytes, under the name for text if they are valid
// UTF-8, else under the other.
func (e *Encoder) appendBytes(dst []byte, name *fieldName, v []byte) []byte {
	if !e.opts.Base64 {
		start := len(dst)
		if dst, ok := e.appendText(name.put(dst), v); ok {
			return append(dst, '"')
		}
		dst = dst[:start]
	}
	return append(appendBase64(append(dst, name.base64...), v), '"')
}

// appendASCII appends a field of which the decoder says that it is ASCII.
func (e *Encoder) appendASCII(dst []byte, name *fieldName, v []byte) []byte {
	dst, _ = e.appendText(name.put(dst), v)
	return append(dst, '"')
}

// AppendElements appends the list of elements and leaves margin after it.
func (e *Encoder) AppendElements(dst []byte, elements *decode.Elements) []byte {
	dst = append(dst, '[')
	for i := range elements.Len() {
		el := elements.At(i)
		dst = append(e.appendElement(dst, &el), ',')
	}
	dst[len(dst)-1] = ']'
	return slices.Grow(dst, margin)
}

// appendElement appends one object. The comma that each name brings is the opening brace of the first.
func (e *Encoder) appendElement(dst []byte, el *decode.Element) []byte {
	start := len(dst)
	if el.Field != nil {
		dst = e.appendBytes(dst, &nameField, el.Field)
	}
	if el.Value != nil {
		dst = e.appendBytes(dst, &nameValue, el.Value)
	}
	if el.Score != nil {
		dst = e.appendASCII(dst, &nameScore, el.Score)
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}

// appendArgs appends the list of arguments. One that is not valid UTF-8 puts all into base64, so that
// the list has one form.
func (e *Encoder) appendArgs(dst []byte, args [][]byte) []byte {
	if !e.opts.Base64 {
		start := len(dst)
		if dst, ok := e.AppendTexts(append(dst, `,"args":`...), args); ok {
			return dst
		}
		dst = dst[:start]
	}
	return e.AppendBase64s(append(dst, `,"args_b64":`...), args)
}

// AppendTexts appends a list of strings. It is false if one is not UTF-8; then what it appended is of no use. The list is not empty.
func (e *Encoder) AppendTexts(dst []byte, list [][]byte) ([]byte, bool) {
	dst = append(dst, '[')
	for _, text := range list {
		var ok bool
		if dst, ok = e.appendText(append(dst, '"'), text); !ok {
			return dst, false
		}
		dst = append(dst, `",`...)
	}
	dst[len(dst)-1] = ']'
	return dst, true
}

// AppendBase64s appends a list of strings in base64. The list is not empty.
func (*Encoder) AppendBase64s(dst []byte, list [][]byte) []byte {
	dst = append(dst, '[')
	for _, v := range list {
		dst = append(appendBase64(append(dst, '"'), v), `",`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendBase64 appends v in standard base64 and leaves margin after it.
func appendBase64(dst, v []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(v))
	dst = slices.Grow(dst, n+margin)
	start := len(dst)
	dst = dst[:start+n]
	base64.StdEncoding.Encode(dst[start:], v)
	return dst
}

// validUTF8 reports what utf8.Valid does, faster for long texts.
func validUTF8(v []byte) bool {
	if len(v) < 64 {
		return utf8.Valid(v)
	}
	return fastutf8.Valid(v)
}
