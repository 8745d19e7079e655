package frame_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/frame"
	"pikabin/encode/sinktest"
)

// TestPack compresses texts of noise, of one letter and of both, in pieces of any size: in place and beside the text each piece comes
// back from where it is said to end.
func TestPack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"zstd", "gzip"} {
		for _, noise := range sample.Of([]int{2, 1, 0}, 1) {
			text := mixed(random, 20<<20, noise)
			pieces := randomPieces(random, len(text))
			frames := compressor(t, name)
			for where, pack := range map[string]func(text []byte, ends []int) []byte{
				"beside":   func(text []byte, ends []int) []byte { return frame.Pack(frames, []byte("before"), text, ends) },
				"in place": func(text []byte, ends []int) []byte { return frame.PackInPlace(frames, text, ends) },
			} {
				ends := slices.Clone(pieces)
				got := pack(slices.Clone(text), ends)
				begin, from := 0, len("before")
				if where == "in place" {
					from = 0
				}
				for i, end := range ends {
					if plain := sinktest.Unpack(t, name, [][]byte{got[from:end]}); !bytes.Equal(plain, text[begin:pieces[i]]) {
						t.Fatalf("%s %s, noise %d: piece %d of %v is another one", name, where, noise, i, pieces)
					}
					begin, from = pieces[i], end
				}
				if from != len(got) {
					t.Errorf("%s %s: %d bytes after the last piece", name, where, len(got)-from)
				}
			}
		}
	}
}

// mixed is a text of size bytes: one letter, noise, or pieces of both.
func mixed(random *rand.Rand, size, noise int) []byte {
	text := make([]byte, 0, size)
	noises := rand.NewChaCha8([32]byte{})
	for len(text) < size {
		n := min(size-len(text), 1+random.IntN(1<<20))
		if noise == 0 || noise == 2 && random.IntN(2) == 0 {
			text = append(text, bytes.Repeat([]byte{'a'}, n)...)
			continue
		}
		text = text[:len(text)+n]
		noises.Read(text[len(text)-n:]) //nolint:errcheck // it cannot fail
	}
	return text
}

// randomPieces are where some pieces of size bytes end, the last one at size. Some are empty.
func randomPieces(random *rand.Rand, size int) []int {
	ends := []int{size}
	for range random.IntN(4) {
		ends = append(ends, random.IntN(size))
	}
	slices.Sort(ends)
	return append([]int{ends[0]}, ends...)
}

func compressor(t *testing.T, name string) frame.Compressor {
	t.Helper()
	c, err := frame.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := c.NewCompressor()
	if err != nil {
		t.Fatal(err)
	}
	return frames
}
