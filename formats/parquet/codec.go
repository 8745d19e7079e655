package parquet

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/snappy"
	"github.com/parquet-go/parquet-go/compress/uncompressed"
	"github.com/parquet-go/parquet-go/format"
)

// codec is a compression.
type codec interface {
	// Encode compresses src into the memory of dst.
	Encode(dst, src []byte) ([]byte, error)

	// CompressionCodec is its number in the file.
	CompressionCodec() format.CompressionCodec
}

func newCodec(o Options) (codec, error) {
	switch o.Codec {
	case "none":
		return &uncompressed.Codec{}, nil
	case "snappy":
		return &snappy.Codec{}, nil
	case "gzip":
		return &gzip.Codec{Level: o.Level}, nil
	case "zstd":
		return newZstandard(o)
	}
	return nil, fmt.Errorf("%q is not a compression of Parquet files: expected one of %q", o.Codec, Codecs)
}

// zstandard is that of the library, but for what it makes of data without repetitions: that is stored there as it is, even where half
// of its bits say nothing.
type zstandard struct {
	enc *zstd.Encoder
}

func newZstandard(o Options) (zstandard, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(o.Workers), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false),
		zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(o.Level)))
	if err != nil {
		return zstandard{}, fmt.Errorf("compression zstd:%d: %w", o.Level, err)
	}
	return zstandard{enc}, nil
}

// CompressionCodec is its number in the file.
func (zstandard) CompressionCodec() format.CompressionCodec { return format.Zstd }

// Encode compresses.
func (z zstandard) Encode(dst, src []byte) ([]byte, error) { return z.enc.EncodeAll(src, dst[:0]), nil }
