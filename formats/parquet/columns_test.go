package parquet_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"pikabin/decode"
	"pikabin/formats/formattest"
	"pikabin/formats/parquet"
)

func TestSchema(t *testing.T) {
	spool, _ := spoolOf(cases())
	if got := open(t, seal(t, spool, parquet.Options{Timestamps: true})).Schema().String() + "\n"; got != parquet.Schema {
		t.Errorf("the schema of a file is\n%s\nand it should be\n%s", got, parquet.Schema)
	}
}

// TestPages makes columns of several pages, with rows without a value at the ends of these.
func TestPages(t *testing.T) {
	const rows, size = 36, 1 << 20
	large := strings.Repeat("0123456789abcdef", size/16)
	var changes []*decode.Change
	for i := range rows {
		c := *formattest.Changes()[0].Change
		c.Value, c.Elements = nil, decode.ElementsOf()
		switch v := append([]byte{byte(i)}, large...); i % 3 {
		case 0:
			c.Value = v
		case 1:
			c.Elements = decode.ElementsOf(decode.Element{Field: []byte("none")}, decode.Element{Value: v}, decode.Element{})
		}
		changes = append(changes, &c)
	}
	spool, _ := spoolOf(changes)
	file := seal(t, spool, parquet.Options{Codec: "none", RowGroup: rows * size})
	for i, row := range read(t, file) {
		value, _ := row["value"].([]byte)
		elements, _ := row["elements"].([]any)
		if hasValue, hasElements := i%3 == 0, i%3 == 1; hasValue != (len(value) == size+1 && value[0] == byte(i)) ||
			hasElements != (len(elements) == 3 && len(elements[1].(map[string]any)["value"].([]byte)) == size+1) {
			t.Errorf("row %d has a value of %d bytes and %d elements", i, len(value), len(elements))
		}
	}
	for _, column := range open(t, file).Metadata().RowGroups[0].Columns {
		m := &column.MetaData
		want := int32(1)
		if m.TotalUncompressedSize > size {
			want = 2
		}
		if got := m.EncodingStats[0].Count; got != want {
			t.Errorf("%s: %d pages, want %d", strings.Join(m.PathInSchema, "."), got, want)
		}
	}
}

// TestStatistics compares what the metadata say of each column with its values.
func TestStatistics(t *testing.T) {
	spool, _ := spoolOf(slices.Concat(formattest.FixtureChanges(t), cases()))
	file := open(t, seal(t, spool, parquet.Options{RowGroup: 64 << 10, Timestamps: true}))
	bounded := map[string]bool{}
	for g, group := range file.RowGroups() {
		for i, chunk := range group.ColumnChunks() {
			m := &file.Metadata().RowGroups[g].Columns[i].MetaData
			values, nulls := valuesOf(t, chunk)
			if m.NumValues != int64(len(values))+nulls || m.Statistics.NullCount != nulls {
				t.Errorf("group %d, %v: %d values, %d null; want %d and %d", g, m.PathInSchema, m.NumValues, m.Statistics.NullCount, len(values), nulls)
			}
			bounded[strings.Join(m.PathInSchema, ".")] = checkBounds(t, m, chunk.Type(), values) || bounded[strings.Join(m.PathInSchema, ".")]
		}
	}
	for _, column := range []string{"db", "slot", "offset", "time", "op", "cmd", "key", "elements.list.element.score", "scope", "from"} {
		if !bounded[column] {
			t.Errorf("%s has no least and no greatest value", column)
		}
	}
	for _, column := range []string{"value", "reason", "args.list.element", "elements.list.element.value"} {
		if bounded[column] {
			t.Errorf("%s has a least and a greatest value", column)
		}
	}
}

// valuesOf are the values of a column, encoded without their lengths, and how many are null.
func valuesOf(t *testing.T, chunk library.ColumnChunk) (values []library.Value, nulls int64) {
	t.Helper()
	pages := chunk.Pages()
	defer pages.Close()
	for {
		page, err := pages.ReadPage()
		if err != nil {
			return values, nulls
		}
		list := make([]library.Value, page.NumValues())
		if n, _ := page.Values().ReadValues(list); n != len(list) {
			t.Fatalf("%d of %d values", n, len(list))
		}
		for _, v := range list {
			if v.IsNull() {
				nulls++
			} else {
				values = append(values, v.Clone())
			}
		}
		library.Release(page)
	}
}

// checkBounds wants the bounds of values, if there are some, to be the least and the greatest of them, and reports whether there are.
func checkBounds(t *testing.T, m *format.ColumnMetaData, typ library.Type, values []library.Value) bool {
	t.Helper()
	s := &m.Statistics
	if s.MinValue == nil || s.MaxValue == nil {
		return false
	}
	for want, got := range map[string][]byte{
		string(encoded(slices.MinFunc(values, typ.Compare))): s.MinValue, string(encoded(slices.MaxFunc(values, typ.Compare))): s.MaxValue,
	} {
		if !bytes.Equal([]byte(want), got) {
			t.Errorf("%v: bound %.100q, want %.100q", m.PathInSchema, got, want)
		}
	}
	return true
}

func encoded(v library.Value) []byte {
	if v.Kind() == library.Int64 {
		return binary.LittleEndian.AppendUint64(nil, uint64(v.Int64()))
	}
	return v.ByteArray()
}
