package stream_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pikabin/encode/frame"
	"pikabin/encode/output/stream"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestTailThroughAPipe: what a reader unpacks are the batches, the small ones of common frames and the large ones that have been compressed before.
func TestTailThroughAPipe(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	compression, err := frame.Parse("zstd")
	if err != nil {
		t.Fatal(err)
	}
	frames, err := compression.NewCompressor()
	if err != nil {
		t.Fatal(err)
	}
	beside, err := compression.NewCompressor() // of a worker
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := make(chan []byte)
	go func() {
		z, err := zstd.NewReader(r)
		if err != nil {
			t.Error(err)
		}
		defer z.Close()
		got, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		read <- got
	}()
	opened, err := sinktest.Open(t, stream.Type, "-", nil, sink.Env{Stdout: w, Frames: frames, Live: true})
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for range 200 {
		plain := bytes.Repeat([]byte{byte('a' + random.IntN(26))}, 1+random.IntN(1000))
		b := &sink.Batch{Data: plain, Loose: random.IntN(3) > 0}
		want = append(want, plain...)
		if !b.Loose {
			b.Data = beside.AppendFrame(nil, plain)
		}
		opened.Sink.Write(t.Context(), b, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := opened.Sink.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.Close()
	if got := <-read; !bytes.Equal(got, want) {
		t.Errorf("%d bytes came out of %d", len(got), len(want))
	}
}
