package parquet

import (
	"encoding/binary"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"pikabin/decode"
)

// group is a row group: the messages of its rows, and what they become.
type group struct {
	messages []byte // each with its length
	rows     int64
	chunks   [columnCount][]byte  // by column
	order    []leaf               // the columns that there are
	columns  []format.ColumnChunk // what the metadata tell of them, with offsets in each
	err      error

	// Of the first and the last row.
	first, last decode.Position
	epoch       int64
	db          string
}

// encoder makes row groups, one at a time.
type encoder struct {
	bound   int64 // of the bytes of a row group
	row     row
	columns [columnCount]column
	leaves  []leaf // of the columns that there are
	has     uint32 // a bit for each of them
	pager   pager
}

func newEncoder(o Options, c codec) *encoder {
	e := &encoder{bound: o.RowGroup, leaves: layoutOf(o).leaves, pager: pager{codec: c}}
	for _, l := range e.leaves {
		e.columns[l.column].leaf = l
		e.has |= 1 << l.column
	}
	return e
}

// encode makes the chunks of g of its messages.
func (e *encoder) encode(g *group) error {
	for _, l := range e.leaves {
		e.columns[l.column].reset(g.chunks[l.column], e.bound)
	}
	defer e.pager.reset(e.bound)
	row := 0
	for messages := g.messages; len(messages) > 0; row++ {
		size, n := binary.Uvarint(messages)
		end := n + int(size)
		if err := e.row.read(messages[n:end]); err != nil {
			return err
		}
		if err := e.add(row); err != nil {
			return err
		}
		if row == 0 {
			g.db, g.first = string(e.row.texts[columnDB]), e.row.position()
		}
		messages = messages[end:]
	}
	var err error
	if g.last, err = e.row.after(); err != nil {
		return err
	}
	g.epoch = e.row.epoch()
	return e.finish(g)
}

// finish makes the chunks complete.
func (e *encoder) finish(g *group) error {
	g.order, g.columns = e.leaves, make([]format.ColumnChunk, 0, len(e.leaves))
	for _, l := range e.leaves {
		c := &e.columns[l.column]
		if err := e.pager.finish(c, int(g.rows)); err != nil {
			return err
		}
		g.chunks[l.column] = c.chunk
		g.columns = append(g.columns, c.metadata(e.pager.codec.CompressionCodec()))
	}
	return nil
}

// add puts the values of a row into the columns.
func (e *encoder) add(row int) error {
	for has := e.row.has & e.has; has != 0; has &= has - 1 {
		i := bits.TrailingZeros32(has)
		c := &e.columns[i]
		if c.isNumber() {
			c.addNumber(row, e.row.numbers[i])
			continue
		}
		if err := e.turn(c); err != nil {
			return err
		}
		c.addText(row, 0, e.row.texts[i])
	}
	if err := e.addElements(row); err != nil {
		return err
	}
	return e.addArgs(row)
}

func (e *encoder) addElements(row int) error {
	if len(e.row.elements) == 0 {
		return nil
	}
	for part := range len(element{}) {
		c := &e.columns[columnElements+part]
		if err := e.turn(c); err != nil {
			return err
		}
		rep := uint8(0)
		for i := range e.row.elements {
			if v := e.row.elements[i][part]; v != nil {
				c.addText(row, rep, v)
			} else {
				c.level(row, rep, c.maxDef-1)
			}
			rep = 1
		}
	}
	return nil
}

func (e *encoder) addArgs(row int) error {
	if len(e.row.args) == 0 {
		return nil
	}
	c := &e.columns[columnArgs]
	if err := e.turn(c); err != nil {
		return err
	}
	rep := uint8(0)
	for _, v := range e.row.args {
		c.addText(row, rep, v)
		rep = 1
	}
	return nil
}

// turn begins another page of a column if that is full.
func (e *encoder) turn(c *column) error {
	if !c.full() {
		return nil
	}
	return e.pager.data(c)
}
