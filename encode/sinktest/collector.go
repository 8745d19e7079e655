package sinktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pikabin/encode"
	"pikabin/encode/sink"
)

// Collector is a sink that keeps what it gets, and delivers at once.
type Collector struct {
	bytes.Buffer
	Frames [][]byte
	Closed int
}

// Write implements sink.Sink.
func (s *Collector) Write(_ context.Context, b *sink.Batch, done func(error)) {
	s.Buffer.Write(b.Data)
	s.Frames = append(s.Frames, bytes.Clone(b.Data))
	b.Release()
	done(nil)
}

// Close implements sink.Sink.
func (s *Collector) Close(context.Context) error { s.Closed++; return nil }

// Convert runs the logs under dir into a Collector.
func Convert(t *testing.T, dir string, chunk int64, o encode.Options) (*Collector, encode.Result, error) {
	t.Helper()
	to := &Collector{}
	if o.Format.New == nil {
		o.Format = Lines()
	}
	result, err := encode.Run(t.Context(), SourceOf(t, Find(t, dir), chunk), sink.Opened{Sink: to}, o)
	if to.Closed != 1 {
		t.Errorf("the sink was closed %d times", to.Closed)
	}
	return to, result, err
}

// FirstDifference shortens two long outputs to the lines where they part.
func FirstDifference(got, want []byte) string {
	g, w := strings.SplitAfter(string(got), "\n"), strings.SplitAfter(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d of %d (want %d):\n got  %.200s\n want %.200s", i, len(g), len(w), at(g, i), at(w, i))
		}
	}
	return "no difference"
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(nothing)"
}

// Unpack decompresses each batch by itself, which shows that they are independent.
func Unpack(t *testing.T, compression string, frames [][]byte) []byte {
	t.Helper()
	var plain []byte
	for _, frame := range frames {
		switch compression {
		case "zstd":
			d, err := zstd.NewReader(bytes.NewReader(frame), zstd.WithDecoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			plain = append(plain, readAll(t, d)...)
			d.Close()
		case "gzip":
			d, err := gzip.NewReader(bytes.NewReader(frame))
			if err != nil {
				t.Fatal(err)
			}
			plain = append(plain, readAll(t, d)...)
		default:
			plain = append(plain, frame...)
		}
	}
	return plain
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
