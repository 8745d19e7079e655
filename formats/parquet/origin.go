package parquet

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Origin is how a file was made.
type Origin struct {
	Options        // with which one more can be made like it, but for what no file tells: the level and the row groups
	DB      string // of its rows, which may have no column for it
}

// OriginOf tells how a file was made, and refuses one that has other columns than those of a file that Options can make: its rows could not be written
// once more as they are.
func OriginOf(f io.ReaderAt, size int64) (o Origin, err error) {
	defer func() { // the library panics at some damage
		if p := recover(); p != nil {
			err = fmt.Errorf("the Parquet file is damaged: %v", p)
		}
	}()
	file, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return o, fmt.Errorf("reading a Parquet file: %w", err)
	}
	meta := file.Metadata()
	for _, kv := range meta.KeyValueMetadata {
		switch kv.Key {
		case metaDB:
			o.DB = kv.Value
		case metaSchema:
			if kv.Value != schemaVersion {
				return o, fmt.Errorf("the file says that it is of version %q of its schema, and this program knows version %s", kv.Value, schemaVersion)
			}
		}
	}
	if err := o.readSchema(meta); err != nil {
		return o, err
	}
	return o, o.readCodec(meta)
}

// readSchema finds the options that make such columns.
func (o *Origin) readSchema(meta *format.FileMetaData) error {
	has := func(column string) bool {
		return slices.ContainsFunc(meta.Schema, func(e format.SchemaElement) bool { return e.Name == column })
	}
	o.NoDB, o.Timestamps = !has(schema[0].name), has("time")
	ours := layoutOf(o.Options).elements
	if len(ours) != len(meta.Schema) {
		return fmt.Errorf("the file has %d columns and groups of them, and this program would write %d: it was made by another program, or another version of this one", len(meta.Schema), len(ours))
	}
	for i := range ours {
		if there := &meta.Schema[i]; i > 0 && there.Name != ours[i].Name || there.Type != ours[i].Type {
			return fmt.Errorf("the file has a column %s where this program would write %s: it was made by another program, or another version of this one", there.Name, ours[i].Name)
		}
	}
	return nil
}

// codecNames are those of the compressions by what the metadata call them.
var codecNames = map[format.CompressionCodec]string{format.Uncompressed: "none", format.Snappy: "snappy", format.Gzip: "gzip", format.Zstd: "zstd"}

func (o *Origin) readCodec(meta *format.FileMetaData) error {
	if len(meta.RowGroups) == 0 || len(meta.RowGroups[0].Columns) == 0 {
		o.Codec = Codecs[0]
		return nil
	}
	codec := meta.RowGroups[0].Columns[0].MetaData.Codec
	if o.Codec = codecNames[codec]; o.Codec == "" {
		return fmt.Errorf("the file is compressed with %s: this program writes %s", codec, strings.Join(Codecs, ", "))
	}
	return nil
}
