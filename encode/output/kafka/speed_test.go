package kafka_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/output/kafka"
	"pikabin/encode/sink"
)

// TestAllocates makes the records of a batch again and again: once its buffers are there, that costs no allocation.
func TestAllocates(t *testing.T) {
	b := &sink.Batch{Data: []byte("value"), Keys: []byte("key")}
	for i := range 1000 {
		b.Messages = append(b.Messages, sink.Message{
			End: len(b.Data), KeyEnd: len(b.Keys), HasKey: true, HasTime: true, Time: int64(i), Op: decode.OpDelete,
			At: decode.Position{Segment: 12, Offset: int64(100 * i)}, Part: uint32(i % 2), Parts: uint32(i % 3),
		})
	}
	build := kafka.Records(b)
	if n, err := build(); n != 2*len(b.Messages) || err != nil {
		t.Fatalf("%d records, %v; want an event and a tombstone for each of %d messages", n, err, len(b.Messages))
	}
	if n := testing.AllocsPerRun(10, func() { build() }); n > 0 { //nolint:errcheck // looked at above
		t.Errorf("%v allocations for %d messages", n, len(b.Messages))
	}
}

func TestZstd(t *testing.T) {
	z := kafka.NewZstdBatches()
	reader, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for name, c := range map[string]struct {
		batch string
		most  int // bytes that it may become
	}{
		"one record":             {"v", 20},
		"records that are alike": {strings.Repeat(`{"op":"set","key":"k"}`, 40_000), 1000},
		"longer than the window": {strings.Repeat("0123456789abcdef", 200_000), 2000},
	} {
		packed, codec := z.Compress(&bytes.Buffer{}, []byte(c.batch))
		if codec != kgo.CodecZstd || len(packed) > c.most {
			t.Errorf("%s: codec %d made %d bytes of %d, want at most %d", name, codec, len(packed), len(c.batch), c.most)
		}
		if plain, err := reader.DecodeAll(packed, nil); err != nil || string(plain) != c.batch {
			t.Errorf("%s: %d bytes came back as %d, %v", name, len(c.batch), len(plain), err)
		}
	}
	if out, codec := z.Compress(&bytes.Buffer{}, []byte("plain"), kgo.CompressDisableZstd); codec != kgo.CodecNone || string(out) != "plain" {
		t.Errorf("for a broker without zstd: codec %d, %q", codec, out)
	}
}
