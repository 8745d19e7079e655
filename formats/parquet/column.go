package parquet

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// column collects the values of a column of a row group. Where these may take much room it is encoded page by page.
type column struct {
	leaf
	rows int // that it has levels for

	// The page.
	rep, def []uint8 // levels
	numbers  []int64
	names    dictionary
	plain    []byte // texts and data, as they are encoded

	// The pages before it.
	chunk           []byte // encoded
	size            int64  // uncompressed
	values, nulls   int64
	pages           int32
	dictionary      int64  // the length of the page of the dictionary
	least, greatest []byte // of texts and data; they are in the messages
}

// pageSize is how much of a column is compressed at a time: only what is repeated within that is found.
const pageSize = 8 << 20

// full tells whether the page ends before the next row.
func (c *column) full() bool { return len(c.plain)+len(c.rep)+len(c.def) >= pageSize }

// addNumber adds the value of a row.
func (c *column) addNumber(row int, v int64) {
	c.level(row, 0, c.maxDef)
	c.numbers = append(c.numbers, v)
}

// addText adds a value of a row, rep is 0 for the first.
func (c *column) addText(row int, rep uint8, v []byte) {
	c.level(row, rep, c.maxDef)
	if c.kind == name {
		c.names.add(v)
		return
	}
	c.plain = appendPlain(c.plain, v)
	if c.large {
		return
	}
	if c.least == nil || bytes.Compare(v, c.least) < 0 {
		c.least = v
	}
	if c.greatest == nil || bytes.Compare(v, c.greatest) > 0 {
		c.greatest = v
	}
}

// appendPlain encodes a text.
func appendPlain(dst, v []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(v))), v...)
}

// level adds the levels of a value of a row, after those of the rows before it that have none.
func (c *column) level(row int, rep, def uint8) {
	c.skipTo(row)
	if c.maxRep > 0 {
		c.rep = append(c.rep, rep)
	}
	if c.maxDef > 0 {
		c.def = append(c.def, def)
	}
	c.rows = row + 1
}

// skipTo adds the levels of the rows before one.
func (c *column) skipTo(row int) {
	n := row - c.rows
	if n <= 0 {
		return
	}
	if c.maxRep > 0 {
		c.rep = append(c.rep, make([]uint8, n)...)
	}
	if c.maxDef > 0 {
		c.def = append(c.def, make([]uint8, n)...)
	}
	c.rows = row
}

// levels is how many values the page has, nulls included.
func (c *column) levels() int {
	if c.maxDef == 0 {
		return len(c.numbers)
	}
	return len(c.def)
}

// absent is how many of them are null.
func (c *column) absent() int64 { return int64(len(c.def) - bytes.Count(c.def, []byte{c.maxDef})) }

// encoding is that of the values.
func (c *column) encoding() format.Encoding {
	switch c.kind {
	case number, moment:
		return format.DeltaBinaryPacked
	case name:
		return format.RLEDictionary
	case text, data:
	}
	return format.Plain
}

// metadata are those of the chunk, with offsets in it.
func (c *column) metadata(codec format.CompressionCodec) format.ColumnChunk {
	m := format.ColumnMetaData{
		Type: c.physical(), PathInSchema: c.path, Codec: codec, NumValues: c.values, TotalUncompressedSize: c.size, TotalCompressedSize: int64(len(c.chunk)),
		DataPageOffset: c.dictionary, Statistics: c.statistics(),
		EncodingStats: thrift.Slice[format.PageEncodingStats]{{PageType: format.DataPage, Encoding: c.encoding(), Count: c.pages}},
	}
	if c.kind == name {
		m.Encoding = append(m.Encoding, format.Plain)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	}
	if c.maxDef > 0 {
		m.Encoding = append(m.Encoding, format.RLE)
	}
	m.Encoding = append(m.Encoding, c.encoding())
	return format.ColumnChunk{MetaData: m}
}

// maxStatistic is how long the least and the greatest value of a column may be in the metadata, which readers hold in memory.
const maxStatistic = 256

func (c *column) statistics() format.Statistics {
	s := format.Statistics{NullCount: c.nulls}
	switch {
	case c.kind == name:
		s.MinValue, s.MaxValue = c.names.bounds()
	case len(c.numbers) > 0:
		s.MinValue = binary.LittleEndian.AppendUint64(nil, uint64(slices.Min(c.numbers)))
		s.MaxValue = binary.LittleEndian.AppendUint64(nil, uint64(slices.Max(c.numbers)))
	default:
		s.MinValue, s.MaxValue = bytes.Clone(c.least), bytes.Clone(c.greatest)
	}
	if max(len(s.MinValue), len(s.MaxValue)) > maxStatistic {
		s.MinValue, s.MaxValue = nil, nil
	}
	return s
}

// reset makes the column ready for the next row group, whose chunk is to be in the given memory.
func (c *column) reset(chunk []byte, bound int64) {
	*c = column{
		leaf: c.leaf, rep: reuse(c.rep, bound), def: reuse(c.def, bound), numbers: c.numbers[:0], names: c.names, plain: reuse(c.plain, bound), chunk: reuse(chunk, bound),
	}
	c.names.reset()
}

// reuse gives memory for another row group of so many bytes. What a large message has made large is let go.
func reuse(b []byte, bound int64) []byte {
	if int64(cap(b)) > 2*bound {
		return nil
	}
	return b[:0]
}
