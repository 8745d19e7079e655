package encode_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/frame"
	"pikabin/encode/sinktest"
	"pikabin/encode/stats"
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
					writers[i] = sinktest.RandomLog(rng, binlogtest.Options{Generation: g, SegmentSize: size}, 70)
				}
				dir := t.TempDir()
				want := sinktest.WriteLogs(t, dir, writers...)
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
	for range sample.Count(3, 1) {
		list = append(list, way{
			workers: []int{1, 2, 8}[rng.IntN(3)], memory: []int64{8 << 20, 64 << 20}[rng.IntN(2)],
			chunk: decode.BlockSize << rng.IntN(6), compression: []string{"none", "zstd", "gzip"}[rng.IntN(3)],
		})
	}
	return list
}

func checkRun(t *testing.T, dir string, how way, writers []*binlogtest.Writer, want []byte) {
	t.Helper()
	compression, err := frame.Parse(how.compression)
	if err != nil {
		t.Fatal(err)
	}
	to, result, err := sinktest.Convert(t, dir, how.chunk, encode.Options{
		Workers: how.workers, Memory: how.memory, Compression: compression,
		Report: func(err error) { t.Errorf("%+v: reported %v", how, err) },
	})
	if err != nil {
		t.Fatalf("%+v: %v", how, err)
	}
	plain := sinktest.Unpack(t, how.compression, to.Frames)
	if !bytes.Equal(plain, want) {
		t.Fatalf("%+v: %s", how, sinktest.FirstDifference(plain, want))
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
		Volume: stats.Volume{Records: result.Records, Changes: result.Changes, Plain: result.Plain, Written: result.Written},
		Lost:   result.Lost, Gaps: result.Gaps,
	}
	expected := encode.Result{Volume: stats.Volume{Records: int64(records), Changes: int64(changes), Plain: int64(len(want)), Written: int64(to.Len())}}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("%+v: counts (-want +got):\n%s", how, diff)
	}
}
