package frame_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pikabin/encode/frame"
	"pikabin/encode/sinktest"
)

// TestStream: a reader has each batch as soon as it was appended, and what frames there are make a whole file. Small batches that are alike take little.
func TestStream(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"zstd", "gzip"} {
		stream := frame.NewStream(compressor(t, name))
		var file, want []byte
		r, w, err := os.Pipe() // which takes 64 KiB
		if err != nil {
			t.Fatal(err)
		}
		read := readBatches(t, name, r)
		for i := range 300 {
			batch := fmt.Appendf(nil, `{"db":"db0","segment":12,"offset":%d,"op":"set","type":"string","key":"user:%d","value":"%d"}`+"\n", i*131, random.IntN(1000), random.IntN(1e6))
			if random.IntN(50) == 0 {
				batch = bytes.Repeat(batch, 1+random.IntN(3000))
			}
			packed := stream.Append(nil, batch)
			file, want = append(file, packed...), append(want, batch...)
			if _, err := w.Write(packed); err != nil {
				t.Fatal(err)
			}
			if got := read(len(batch)); !bytes.Equal(got, batch) {
				t.Fatalf("%s: batch %d came out as %q", name, i, got)
			}
			if random.IntN(100) == 0 {
				end := stream.End(nil)
				file = append(file, end...)
				if _, err := w.Write(end); err != nil {
					t.Fatal(err)
				}
			}
		}
		file = stream.End(file)
		if end := stream.End(nil); len(end) > 0 {
			t.Errorf("%s: %d bytes after the end", name, len(end))
		}
		w.Close()
		r.Close()
		if got := sinktest.Unpack(t, name, [][]byte{file}); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes came out of %d", name, len(got), len(want))
		}
		if len(file) > len(want)/2 {
			t.Errorf("%s: %d bytes for %d", name, len(file), len(want))
		}
	}
	if frame.NewStream(nil) != nil {
		t.Error("a stream of nothing")
	}
}

// readBatches unpacks a stream while it is written.
func readBatches(t *testing.T, name string, r io.Reader) func(n int) []byte {
	t.Helper()
	var plain io.Reader
	return func(n int) []byte {
		if plain == nil {
			var err error
			if name == "gzip" {
				plain, err = gzip.NewReader(r)
			} else {
				plain, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, n)
		if _, err := io.ReadFull(plain, got); err != nil {
			t.Error(err)
		}
		return got
	}
}
