package jsonl

import (
	"github.com/segmentio/asm/base64"

	"pikabin/decode"
)

// large is the size of a record from which its event is measured before it is written. A buffer of hundreds of megabytes that grew by a quarter each time
// would be copied again and again, and be there twice.
const large = 1 << 20

// sizeOf is hardly more than what the line of c takes, and what writing it needs after its end.
func (e *Encoder) sizeOf(c *decode.Change) int {
	n := 4*margin + escapeRoom(escapeBlock)
	for _, v := range [...][]byte{c.Key, c.Value, c.EntryID, c.Delta} {
		n += e.sizeOfValue(v)
	}
	return n + e.SizeOfElements(&c.Elements) + e.sizeOfArgs(c.ShownArgs(e.opts.Args))
}

// SizeOfElements is hardly more than what AppendElements appends.
func (e *Encoder) SizeOfElements(elements *decode.Elements) int {
	n := len(`[]`)
	for i := range elements.Len() {
		el := elements.At(i)
		n += len(`{},`) + e.sizeOfField(&nameField, el.Field) + e.sizeOfField(&nameValue, el.Value) + e.sizeOfField(&nameScore, el.Score)
	}
	return n
}

func (e *Encoder) sizeOfField(name *fieldName, v []byte) int {
	if v == nil {
		return 0
	}
	return len(name.base64) + e.sizeOfValue(v) + len(`"`)
}

// sizeOfValue is the length of a value between its quotes.
func (e *Encoder) sizeOfValue(v []byte) int {
	if e.opts.Base64 || !validUTF8(v) {
		return base64.StdEncoding.EncodedLen(len(v))
	}
	return escapedLen(v)
}

// sizeOfArgs is the length of a list, all of which is in base64 if one argument has to be.
func (e *Encoder) sizeOfArgs(args [][]byte) int {
	text, binary := 0, 0
	valid := !e.opts.Base64
	for _, arg := range args {
		valid = valid && validUTF8(arg)
		text += escapedLen(arg) + len(`"",`)
		binary += base64.StdEncoding.EncodedLen(len(arg)) + len(`"",`)
	}
	if valid {
		return text
	}
	return binary
}

// escapedLen is the length of v inside a JSON string.
func escapedLen(v []byte) int {
	n := len(v)
	for _, b := range v {
		n += int(escapeGrowth[b])
	}
	return n
}

// escapeGrowth is by how much each byte becomes longer.
var escapeGrowth = newEscapeGrowth()

func newEscapeGrowth() (t [256]uint8) {
	for b := range t {
		t[b] = uint8(len(appendEscapedByte(nil, byte(b))) - 1)
	}
	return t
}
