package folder

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// zstandard packs text into one frame, whose last bytes may be zeros.
func zstandard(t *testing.T, text string, o ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.EncodeAll([]byte(text), nil)
}

// TestZstdPadding: zeros of any number after a frame are padding. After half a frame, after a frame that is damaged, and alone they are not.
func TestZstdPadding(t *testing.T) {
	whole := zstandard(t, strings.Repeat("text ", 1000)+strings.Repeat("\x00", 100), zstd.WithEncoderCRC(true))
	flipped := slices.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	for zeros := 1; zeros < 20; zeros++ {
		padding := make([]byte, zeros)
		if err := inflate(io.Discard, Zstd, bytes.NewReader(slices.Concat(whole, padding))); err != nil {
			t.Errorf("%d zeros: %v", zeros, err)
		}
		for name, packed := range map[string][]byte{"nothing": {}, "a flipped bit": flipped} {
			if err := inflate(io.Discard, Zstd, bytes.NewReader(slices.Concat(packed, padding))); err == nil {
				t.Errorf("%d zeros after %s are no damage", zeros, name)
			}
		}
	}
	for size := 1; size < len(whole); size++ {
		if err := inflate(io.Discard, Zstd, bytes.NewReader(whole[:size])); err == nil {
			t.Errorf("%d bytes of %d are no damage", size, len(whole))
		}
	}
}

// TestUnzstd: several frames of any kind make one file, and zeros after the last of them are padding. Anything else there is damage.
func TestUnzstd(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for seed := range 100 {
		var packed []byte
		var want strings.Builder
		for range 1 + r.IntN(3) {
			text := strings.Repeat(strconv.Itoa(seed), r.IntN(3)*r.IntN(100_000)) + strings.Repeat("\x00", r.IntN(50))
			packed = append(packed, zstandard(t, text, zstd.WithEncoderCRC(r.IntN(2) == 0), zstd.WithSingleSegment(r.IntN(2) == 0))...)
			if r.IntN(3) == 0 {
				packed = append(packed, "\x50\x2a\x4d\x18\x05\x00\x00\x00SKIP!"...)
			}
			want.WriteString(text)
		}
		for name, after := range map[string][]byte{"nothing": nil, "padding": make([]byte, 1+r.IntN(100_000)), "little padding": make([]byte, 1+r.IntN(4)), "text": []byte("text"), "zeros and text": []byte("\x00\x00\x00\x00\x00\x00text")} {
			var got bytes.Buffer
			err := inflate(&got, Zstd, bytes.NewReader(slices.Concat(packed, after)))
			if damaged := strings.Contains(name, "text"); damaged != (err != nil) || got.String() != want.String() {
				t.Errorf("seed %d, %s: %d bytes of %d, %v", seed, name, got.Len(), want.Len(), err)
			}
		}
	}
}
