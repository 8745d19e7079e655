package lanes

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestZstd(t *testing.T) {
	z := &zstdBatches{}
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
