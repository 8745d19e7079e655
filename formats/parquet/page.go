package parquet

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// pager makes pages. They are of the first version, which every reader knows.
type pager struct {
	codec codec

	body, packed []byte // a page, plain and compressed
	part         []byte // what library functions encode
}

// finish makes the chunk of a column of so many rows complete.
func (p *pager) finish(c *column, rows int) error {
	c.skipTo(rows)
	if c.kind == name {
		if err := p.dictionary(c); err != nil {
			return err
		}
	}
	return p.data(c)
}

// dictionary adds the page of the dictionary, which is before that of the values.
func (p *pager) dictionary(c *column) error {
	p.body = append(p.body[:0], c.names.plain...)
	err := p.add(c, &format.PageHeader{
		Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(len(c.names.numbers)), Encoding: format.Plain}),
	})
	c.dictionary = int64(len(c.chunk))
	return err
}

// data adds the values that a column has collected as a page.
func (p *pager) data(c *column) error {
	p.body = p.body[:0]
	if err := p.levels(c.rep, c.maxRep); err != nil {
		return err
	}
	if err := p.levels(c.def, c.maxDef); err != nil {
		return err
	}
	if err := p.values(c); err != nil {
		return err
	}
	n, nulls := c.levels(), c.absent()
	c.values += int64(n)
	c.nulls += nulls
	c.pages++
	err := p.add(c, &format.PageHeader{
		Type: format.DataPage,
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues: int32(n), Encoding: c.encoding(), DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
			Statistics: format.Statistics{NullCount: nulls},
		}),
	})
	c.rep, c.def, c.plain = c.rep[:0], c.def[:0], c.plain[:0]
	return err
}

// levels adds levels to the page, nothing where all are 0.
func (p *pager) levels(levels []uint8, most uint8) (err error) {
	if most == 0 {
		return nil
	}
	e := rle.Encoding{BitWidth: bits.Len8(most)}
	if p.part, err = e.EncodeLevels(p.part, levels); err != nil {
		return err
	}
	p.body = append(binary.LittleEndian.AppendUint32(p.body, uint32(len(p.part))), p.part...)
	return nil
}

// values adds the values to the page.
func (p *pager) values(c *column) (err error) {
	switch c.encoding() {
	case format.DeltaBinaryPacked:
		p.part, err = new(delta.BinaryPackedEncoding).EncodeInt64(p.part, c.numbers)
	case format.RLEDictionary:
		p.part, err = new(rle.DictionaryEncoding).EncodeInt32(p.part, c.names.indexes)
	default:
		p.body = append(p.body, c.plain...)
		return nil
	}
	p.body = append(p.body, p.part...)
	return err
}

// add adds the page to the chunk of a column.
func (p *pager) add(c *column, h *format.PageHeader) (err error) {
	if p.packed, err = p.codec.Encode(p.packed, p.body); err != nil {
		return err
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(p.body)), int32(len(p.packed))
	h.CRC = int32(crc32.ChecksumIEEE(p.packed))
	head, err := thrift.Marshal(new(thrift.CompactProtocol), h)
	c.chunk = append(append(c.chunk, head...), p.packed...)
	c.size += int64(len(head) + len(p.body))
	return err
}

// reset lets go of what a large page has made large.
func (p *pager) reset(bound int64) {
	p.body, p.packed, p.part = reuse(p.body, bound), reuse(p.packed, bound), reuse(p.part, bound)
}
