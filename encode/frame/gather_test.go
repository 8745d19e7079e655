package frame_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pikabin/encode/frame"
)

// TestGather adds, takes, marks and rewinds at random: what the frames and what waits hold together is what was added and not taken out.
func TestGather(t *testing.T) {
	c, err := frame.Parse("zstd")
	if err != nil {
		t.Fatal(err)
	}
	compressor, err := c.NewCompressor()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		g := frame.NewGather(compressor)
		var file, want []byte
		markedFile, markedWant := 0, 0
		for range 60 {
			switch random.IntN(5) {
			case 0, 1:
				data := bytes.Repeat([]byte{byte('a' + random.IntN(26))}, 1+random.IntN(40_000))
				want = append(want, data...)
				if g.Add(data) {
					file = append(file, g.Take()...)
				}
			case 2:
				file = append(file, g.Take()...)
			case 3:
				g.Mark()
				markedFile, markedWant = len(file), len(want)
			case 4:
				g.Rewind()
				file, want = file[:markedFile], want[:markedWant]
			}
		}
		file = append(file, g.Take()...)
		reader, err := zstd.NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := reader.WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("%v: %d bytes came out of %d", err, got.Len(), len(want))
		}
		reader.Close()
	}
}
