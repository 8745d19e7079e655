package encode_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
)

// TestRunAnyLog reads random logs of every generation in many ways: what comes out is always what was
// written, in order.
func TestRunAnyLog(t *testing.T) {
	for g := decode.G0; g <= decode.G5; g++ {
		for i, size := range []int64{1 << 10, 300_000, 100 << 20} {
			t.Run(fmt.Sprintf("%v segments of %d", g, size), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(uint64(g), uint64(i)))
				writers := make([]*binlogtest.Writer, 1+rng.IntN(3))
				for i := range writers {
					writers[i] = randomLog(rng, binlogtest.Options{Generation: g, SegmentSize: size}, 70)
				}
				dir := t.TempDir()
				want := writeLogs(t, dir, writers...)
				for _, how := range ways(rng) {
					checkRun(t, dir, how, writers, want)
				}
			})
		}
	}
}

// way is how a log is read.
type way struct {
	workers     int
	memory      int64
	chunk       int64
	compression string
}

// ways are some of the many.
func ways(rng *rand.Rand) []way {
	list := []way{{1, 0, 1 << 20, "none"}, {8, 0, 1 << 16, "none"}}
	for range 3 {
		list = append(list, way{
			workers: []int{1, 2, 8}[rng.IntN(3)], memory: []int64{8 << 20, 64 << 20}[rng.IntN(2)],
			chunk: decode.BlockSize << rng.IntN(6), compression: []string{"none", "zstd", "gzip"}[rng.IntN(3)],
		})
	}
	return list
}

func checkRun(t *testing.T, dir string, how way, writers []*binlogtest.Writer, want []byte) {
	t.Helper()
	compression, err := encode.ParseCompression(how.compression)
	if err != nil {
		t.Fatal(err)
	}
	sink, result, err := convert(t, dir, how.chunk, encode.Options{
		Workers: how.workers, Memory: how.memory, Compression: compression,
		Report: func(err error) { t.Errorf("%+v: reported %v", how, err) },
	})
	if err != nil {
		t.Fatalf("%+v: %v", how, err)
	}
	plain := unpack(t, how.compression, sink.frames)
	if !bytes.Equal(plain, want) {
		t.Fatalf("%+v: %s", how, firstDifference(plain, want))
	}
	records := 0
	for i, w := range writers {
		records += len(w.Records())
		if got := result.Committed[result.Logs[i]]; got != w.Position() {
			t.Errorf("%+v: committed %v, want %v", how, got, w.Position())
		}
	}
	changes := bytes.Count(want, []byte("\n"))
	got := encode.Result{
		Records: result.Records, Changes: result.Changes, Plain: result.Plain, Written: result.Written, Lost: result.Lost, Gaps: result.Gaps,
	}
	expected := encode.Result{Records: int64(records), Changes: int64(changes), Plain: int64(len(want)), Written: int64(sink.Len())}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("%+v: counts (-want +got):\n%s", how, diff)
	}
}

// unpack decompresses each batch by itself, which shows that they are independent.
func unpack(t *testing.T, compression string, frames [][]byte) []byte {
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
