package sinktest

import (
	"fmt"
	"hash/crc32"

	"pikabin/decode"
	"pikabin/formats"
)

// Lines is a format that says in one line what a test wants to know of a change.
func Lines() formats.Format {
	return formats.Format{Name: "lines", New: func(formats.Options) formats.Encoder { return LineEncoder{} }}
}

// LineEncoder makes a line of each change.
type LineEncoder struct{}

// AppendChange adds the line of a change.
func (LineEncoder) AppendChange(dst []byte, c *decode.Change) []byte {
	if c.Op >= decode.OpGap {
		return fmt.Appendf(dst, "%s %s %d:%d %v-%v %s\n", c.Log, c.Op, c.Segment, c.Offset, c.From, c.To, c.Reason)
	}
	return appendLine(dst, c.Log.String(), c.Segment, c.Offset, c.End, int(c.Part), int(c.Parts), c.Cmd, c.Key, c.Argv)
}

// WholeValues is a format of keys and values that allocates nothing.
func WholeValues() formats.Format {
	return formats.Format{New: func(formats.Options) formats.Encoder { return valueEncoder{} }}
}

type valueEncoder struct{}

func (valueEncoder) AppendChange(dst []byte, c *decode.Change) []byte {
	dst = append(dst, `{"a head as long as that of an event, which is to say some one hundred and fifty bytes":`...)
	return append(append(append(dst, c.Key...), c.Value...), '\n')
}

func appendLine(dst []byte, log string, segment uint32, offset, end int64, part, parts int, cmd string, key []byte, argv [][]byte) []byte {
	sum := uint32(0)
	for _, arg := range argv[1:] {
		sum = crc32.Update(sum, crc32.IEEETable, arg)
	}
	return fmt.Appendf(dst, "%s %d:%d-%d %d/%d %s %q %08x\n", log, segment, offset, end, part, parts, cmd, key, sum)
}
