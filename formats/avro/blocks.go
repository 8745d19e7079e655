package avro

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"pikabin/formats/varint"
)

// Codecs are the names of the compressions of a file, the default first.
var Codecs = []string{"deflate", "none", "snappy", "zstd"}

// Blocks writes object container files: a head with the schema, and after it blocks of records, each compressed by itself, with the
// file's sync marker after it. The marker follows from the schema, so that the same records always become the same bytes, and blocks
// can be made before it is known which file they are for. It belongs to one goroutine at a time.
type Blocks struct {
	name   string // of the codec, as the head has it
	schema []byte
	sync   []byte
	codec  codec // nil: none

	records []byte // of the block that is being made
}

// codec appends the compressed form of src.
type codec interface {
	appendTo(dst, src []byte) []byte
}

// NewBlocks makes one with a codec of Codecs and its level, which is that of the command lines of gzip and zstd.
func NewBlocks(codec string, level int) (*Blocks, error) {
	var schema bytes.Buffer
	if err := json.Compact(&schema, []byte(Schema)); err != nil {
		return nil, fmt.Errorf("the schema of Avro files: %w", err)
	}
	sum := sha256.Sum256(schema.Bytes())
	b := &Blocks{name: codec, schema: schema.Bytes(), sync: sum[:16]}
	var err error
	switch codec {
	case "none":
		b.name = "null"
	case "deflate":
		b.codec, err = newDeflate(level)
	case "snappy":
		b.codec = snappy{}
	case "zstd":
		b.name = "zstandard"
		b.codec, err = newZstandard(level)
	default:
		err = fmt.Errorf("%q is not a compression of Avro files: expected one of %q", codec, Codecs)
	}
	return b, err
}

// AppendHead appends what a file begins with. A file of the head alone is one without records.
func (b *Blocks) AppendHead(dst []byte) []byte {
	dst = append(dst, "Obj\x01\x04"...) // a map of two entries follows
	dst = appendText(dst, "avro.codec")
	dst = appendText(dst, b.name)
	dst = appendText(dst, "avro.schema")
	dst = appendText(dst, string(b.schema))
	dst = append(dst, 0)
	return append(dst, b.sync...)
}

// AppendFrame appends a block of records as an Encoder wrote them, nothing for none. A file can be cut at the end of any block.
func (b *Blocks) AppendFrame(dst, messages []byte) []byte {
	count := countOf(messages)
	if count == 0 {
		return dst
	}
	size := len(messages) - count*lengthSize
	if b.codec == nil {
		dst = slices.Grow(dst, 2*binary.MaxVarintLen64+size+len(b.sync))
		dst = binary.AppendUvarint(binary.AppendVarint(dst, int64(count)), varint.ZigZag(int64(size)))
		return append(appendRecords(dst, messages), b.sync...)
	}
	if cap(b.records) > keptRecords {
		b.records = nil
	}
	b.records = appendRecords(slices.Grow(b.records[:0], size), messages)
	dst = binary.AppendVarint(dst, int64(count))
	start := len(dst)
	dst = append(dst, make([]byte, binary.MaxVarintLen64)...) // the length comes before the data, and is known after it
	dst = b.codec.appendTo(dst, b.records)
	data := dst[start+binary.MaxVarintLen64:]
	dst = binary.AppendUvarint(dst[:start], varint.ZigZag(int64(len(data))))
	dst = append(dst, data...)
	return append(dst, b.sync...)
}

// keptRecords is the length up to which the memory of records is kept.
const keptRecords = 4 << 20

// countOf is how many records there are.
func countOf(messages []byte) (count int) {
	for ; len(messages) > 0; count++ {
		messages = messages[endOf(messages):]
	}
	return count
}

// endOf is where the first record ends.
func endOf(messages []byte) int { return lengthSize + int(binary.LittleEndian.Uint32(messages)) }

// appendRecords appends the records without their lengths.
func appendRecords(dst, messages []byte) []byte {
	for len(messages) > 0 {
		end := endOf(messages)
		dst = append(dst, messages[lengthSize:end]...)
		messages = messages[end:]
	}
	return dst
}

// snappy is the raw format, with the checksum of what was compressed after it.
type snappy struct{}

func (snappy) appendTo(dst, src []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, s2.MaxEncodedLen(len(src)))...)
	dst = dst[:start+len(s2.EncodeSnappy(dst[start:], src))]
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(src))
}

type zstandard struct{ enc *zstd.Encoder }

func newZstandard(level int) (zstandard, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
	if err != nil {
		return zstandard{}, fmt.Errorf("compression zstd:%d: %w", level, err)
	}
	return zstandard{enc}, nil
}

func (z zstandard) appendTo(dst, src []byte) []byte { return z.enc.EncodeAll(src, dst) }

type deflate struct{ w *flate.Writer }

func newDeflate(level int) (deflate, error) {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		return deflate{}, fmt.Errorf("compression deflate:%d: %w", level, err)
	}
	return deflate{w}, nil
}

// appendTo cannot fail: the writer's target is memory.
func (d deflate) appendTo(dst, src []byte) []byte {
	buf := bytes.NewBuffer(dst)
	d.w.Reset(buf)
	d.w.Write(src) //nolint:errcheck,gosec // a buffer takes everything
	d.w.Close()    //nolint:gosec // the same
	return buf.Bytes()
}
