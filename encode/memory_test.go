//go:build !race

package encode_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// TestRunTakesLittleForLargeRecords counts all bytes that a run allocates for one record of 24 MiB, of each kind that made copies: what it has
// at a time can only be less. The race detector makes pools forget what they hold, and counts its own.
func TestRunTakesLittleForLargeRecords(t *testing.T) {
	const size, fixed = 24 << 20, 16 << 20 // fixed: what a run takes for itself, and its compressor
	for kind, c := range map[string]struct {
		argv []string
		most float64 // times the size of the record
	}{
		"text":                  {[]string{"SET", "k", strings.Repeat("text", size/4)}, 2.2},
		"text with escapes":     {[]string{"SET", "k", strings.Repeat(`"escape"`, size/8)}, 2.4},
		"bytes":                 {[]string{"SET", "k", strings.Repeat("text", size/4-1) + "\xff\xff\xff\xff"}, 2.5},
		"fields of some length": {append([]string{"HMSET", "k"}, arguments(size/512, 500)...), 2.2},
		"short fields":          {append([]string{"HMSET", "k"}, arguments(size/32, 25)...), 3.2},
		"many keys with values": {append([]string{"MSET"}, arguments(size/512, 500)...), 2.4},
	} {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command("SET", "k", "v")
		w.Command(c.argv...)
		dir := t.TempDir()
		if err := w.WriteDir(dir + "/log_db0"); err != nil {
			t.Fatal(err)
		}
		c.argv = nil
		for _, output := range [][2]string{{"jsonl", "none"}, {"jsonl", "zstd"}, {"protobuf", "gzip"}, {"resp", "none"}, {"csv", "none"}} {
			taken := allocated(t, dir, output[0], output[1])
			if times := float64(taken-fixed) / size; times > c.most {
				t.Errorf("%s as %v takes %.2f times its size, at most %v are expected", kind, output, times, c.most)
			}
		}
	}
}

// arguments are so many, of a size.
func arguments(count, size int) []string {
	args := make([]string, count/2*2)
	for i := range args {
		args[i] = fmt.Sprintf("%0*d", size, i)
	}
	return args
}

// allocated is how many bytes a run allocates.
func allocated(t *testing.T, dir, format, compression string) uint64 {
	t.Helper()
	f, ok := formats.Lookup(format)
	if !ok {
		t.Fatal(format)
	}
	c, err := frame.Parse(compression)
	if err != nil {
		t.Fatal(err)
	}
	source := sinktest.SourceOf(t, sinktest.Find(t, dir), 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = encode.Run(t.Context(), source, sink.Opened{Sink: discard{}}, encode.Options{Format: f, Compression: c, Workers: 1})
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	return after.TotalAlloc - before.TotalAlloc
}

// discard is a sink that keeps nothing.
type discard struct{}

func (discard) Write(_ context.Context, b *sink.Batch, done func(error)) {
	b.Release()
	done(nil)
}

func (discard) Close(context.Context) error { return nil }
