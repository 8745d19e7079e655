package sinktest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"testing"

	"pikabin/decode"
	"pikabin/formats"
)

// Lines is a format that says in one line what a test wants to know of a change.
func Lines() formats.Format {
	return formats.Format{Name: "lines", New: func(formats.Options) formats.Encoder { return LineEncoder{} }}
}

// FramedLines is Lines in files of a head and frames.
func FramedLines() formats.Format {
	f := Lines()
	f.File = func(string, int) (formats.File, error) { return lineFile{}, nil }
	return f
}

// fileHead is what a file of framed lines begins with.
const fileHead = "lines in frames\n"

type lineFile struct{}

func (lineFile) AppendHead(dst []byte) []byte { return append(dst, fileHead...) }

// AppendFrame tells before the lines how many bytes they are.
func (lineFile) AppendFrame(dst, messages []byte) []byte {
	if len(messages) == 0 {
		return dst
	}
	return append(fmt.Appendf(dst, "%d\n", len(messages)), messages...)
}

// unframe gives the lines of a file of framed lines, which has one head and whole frames. A file without anything was not begun.
func unframe(t *testing.T, data []byte) (lines []byte) {
	t.Helper()
	if len(data) == 0 {
		return nil
	}
	rest, ok := bytes.CutPrefix(data, []byte(fileHead))
	for len(rest) > 0 && ok {
		var size int
		if _, err := fmt.Sscanf(string(rest[:min(len(rest), 20)]), "%d\n", &size); err != nil {
			t.Fatalf("no frame: %.40q", rest)
		}
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
		if size > len(rest) || rest[size-1] != '\n' {
			t.Fatalf("a frame of %d bytes, %d are left: %.40q", size, len(rest), rest)
		}
		lines, rest = append(lines, rest[:size]...), rest[size:]
	}
	if !ok {
		t.Fatalf("no head: %.40q", data)
	}
	return lines
}

// SealedLines is Lines in files that can only be made of all their lines.
func SealedLines() formats.Format {
	f := Lines()
	f.Seal = func(formats.SealOptions) (formats.Sealer, error) { return lineSealer{}, nil }
	f.SealMemory = func(int64, int) int64 { return 0 }
	return f
}

type lineSealer struct{}

// Seal tells before the lines how many bytes they are, and writes these in two calls.
func (lineSealer) Seal(_ context.Context, rows io.Reader, file io.Writer) error {
	lines, err := io.ReadAll(rows)
	if err != nil {
		return err
	}
	for _, b := range [][]byte{fmt.Appendf(nil, "%d\n", len(lines)), lines} {
		if _, err := file.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// unseal gives the lines of a file of sealed lines.
func unseal(t *testing.T, data []byte) []byte {
	t.Helper()
	var size int
	_, err := fmt.Sscanf(string(data[:min(len(data), 20)]), "%d\n", &size)
	_, lines, _ := bytes.Cut(data, []byte("\n"))
	if err != nil || size != len(lines) || size == 0 {
		t.Fatalf("sealed lines of %d bytes are %d: %.40q", size, len(lines), data)
	}
	return lines
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

// appendLine adds a line such as `db0 0:100-180 0/0 set "key" 89abcdef`. The suites make millions of them, for which fmt is slow.
func appendLine(dst []byte, log string, segment uint32, offset, end int64, part, parts int, cmd string, key []byte, argv [][]byte) []byte {
	sum := uint32(0)
	for _, arg := range argv[1:] {
		sum = crc32.Update(sum, crc32.IEEETable, arg)
	}
	dst = append(append(dst, log...), ' ')
	dst = appendNumber(dst, int64(segment), ':')
	dst = appendNumber(dst, offset, '-')
	dst = appendNumber(dst, end, ' ')
	dst = appendNumber(dst, int64(part), '/')
	dst = appendNumber(dst, int64(parts), ' ')
	dst = append(append(dst, cmd...), ' ')
	dst = append(strconv.AppendQuote(dst, string(key)), ' ')
	return append(hex.AppendEncode(dst, binary.BigEndian.AppendUint32(nil, sum)), '\n')
}

func appendNumber(dst []byte, n int64, after byte) []byte {
	return append(strconv.AppendInt(dst, n, 10), after)
}
