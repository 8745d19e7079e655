package lanes

import (
	"bytes"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batchCompression sets how batches are compressed. What a broker does not know it gets uncompressed.
func batchCompression(name string) kgo.Opt {
	codec := map[string]kgo.CompressionCodec{
		"lz4": kgo.Lz4Compression(), "snappy": kgo.SnappyCompression(), "gzip": kgo.GzipCompression(), "none": kgo.NoCompression(),
	}
	if c, ok := codec[name]; ok {
		return kgo.ProducerBatchCompression(c, kgo.NoCompression())
	}
	return kgo.WithCompressor(&zstdBatches{})
}

// zstdWindow covers a batch of max.message.bytes as brokers come: its records are alike, wherever they stand in it.
const zstdWindow = 1 << 20

// zstdBatches compresses batches at the fastest level. Those of a broker are compressed one after the other, so that this is what
// bounds how much one broker is given; the window makes up for what the level costs.
type zstdBatches struct {
	free sync.Pool // *zstd.Encoder
}

// Compress implements kgo.Compressor. Brokers before 2.1 get batches as they are.
func (z *zstdBatches) Compress(dst *bytes.Buffer, src []byte, flags ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	var err error
	encoder, ok := z.free.Get().(*zstd.Encoder)
	if !ok {
		encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstdWindow),
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)) // a batch has a checksum of its own
	}
	if err != nil || slices.Contains(flags, kgo.CompressDisableZstd) {
		return src, kgo.CodecNone
	}
	defer z.free.Put(encoder)
	dst.Grow(encoder.MaxEncodedSize(len(src)))
	return encoder.EncodeAll(src, dst.AvailableBuffer()), kgo.CodecZstd
}
