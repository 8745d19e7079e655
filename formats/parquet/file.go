package parquet

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// The keys in the metadata of a file. By them it can be shown that files join.
const (
	metaDB     = "pikabin.db"
	metaEpoch  = "pikabin.epoch" // of the last row
	metaFirst  = "pikabin.first" // the position of the first row
	metaLast   = "pikabin.last"  // the position after the last row
	metaRows   = "pikabin.rows"
	metaSchema = "pikabin.schema"
)

const schemaVersion = "1"

// magic is what a file begins and ends with.
const magic = "PAR1"

// file is a file that is written.
type file struct {
	out  *bufio.Writer
	size int64
	meta format.FileMetaData
}

func newFile(out io.Writer, o Options) (*file, error) {
	l := layoutOf(o)
	f := &file{out: bufio.NewWriterSize(out, writeStep), meta: format.FileMetaData{
		Version: 2, Schema: l.elements, CreatedBy: fmt.Sprintf("pikabin version %s(build )", o.Version),
	}}
	for range l.leaves {
		f.meta.ColumnOrders = append(f.meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return f, f.write([]byte(magic))
}

const writeStep = 256 << 10

func (f *file) write(b []byte) error {
	n, err := f.out.Write(b)
	f.size += int64(n)
	return err
}

// add adds a row group.
func (f *file) add(g *group) error {
	if g.err != nil {
		return g.err
	}
	rg := format.RowGroup{Columns: g.columns, NumRows: g.rows, FileOffset: f.size, Ordinal: int16(len(f.meta.RowGroups))}
	for i := range g.columns {
		m := &g.columns[i].MetaData
		if m.DataPageOffset > 0 {
			m.DictionaryPageOffset = f.size
		}
		m.DataPageOffset += f.size
		rg.TotalByteSize += m.TotalUncompressedSize
		rg.TotalCompressedSize += m.TotalCompressedSize
		if err := f.write(g.chunks[g.order[i].column]); err != nil {
			return err
		}
	}
	f.meta.RowGroups = append(f.meta.RowGroups, rg)
	f.meta.NumRows += g.rows
	f.tell(g)
	return nil
}

// tell puts into the metadata what is known after a row group.
func (f *file) tell(g *group) {
	kv := f.meta.KeyValueMetadata
	if kv == nil {
		kv = thrift.Slice[format.KeyValue]{{Key: metaDB, Value: g.db}, {Key: metaEpoch}, {Key: metaFirst, Value: g.first.String()}, {Key: metaLast}}
	}
	kv[1].Value, kv[3].Value = strconv.FormatInt(g.epoch, 10), g.last.String()
	f.meta.KeyValueMetadata = kv
}

// close writes the metadata.
func (f *file) close() error {
	f.meta.KeyValueMetadata = append(f.meta.KeyValueMetadata,
		format.KeyValue{Key: metaRows, Value: strconv.FormatInt(f.meta.NumRows, 10)}, format.KeyValue{Key: metaSchema, Value: schemaVersion})
	text, err := thrift.Marshal(new(thrift.CompactProtocol), &f.meta)
	if err != nil {
		return fmt.Errorf("the metadata of a Parquet file: %w", err)
	}
	if err := f.write(append(binary.LittleEndian.AppendUint32(text, uint32(len(text))), magic...)); err != nil {
		return err
	}
	return f.out.Flush()
}
