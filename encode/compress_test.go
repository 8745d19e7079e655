package encode_test

import (
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
)

// TestRunCompressesNothing writes a log without a change: the output is a file of the codec all the same.
func TestRunCompressesNothing(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Padding(10, binlogtest.Put{})
	dir := t.TempDir()
	writeLogs(t, dir, w)
	for _, name := range []string{"zstd", "gzip", "none"} {
		compression, err := encode.ParseCompression(name)
		if err != nil {
			t.Fatal(err)
		}
		sink, result, err := convert(t, dir, 0, encode.Options{Compression: compression})
		frames := 1
		if name == "none" {
			frames = 0
		}
		if err != nil || len(sink.frames) != frames || len(unpack(t, name, sink.frames)) != 0 || result.Committed[result.Logs[0]] != w.Position() {
			t.Errorf("%s: %v, %q, committed %v", name, err, sink.frames, result.Committed)
		}
		if int(result.Written) != sink.Len() {
			t.Errorf("%s: %d bytes counted of %d", name, result.Written, sink.Len())
		}
	}
}

func TestParseCompression(t *testing.T) {
	for _, bad := range []string{"", "lz4", "zstd:0", "zstd:23", "gzip:10", "gzip:x", "none:1", "zstd:"} {
		if _, err := encode.ParseCompression(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{"none", "zstd", "zstd:22", "gzip:9", "gzip:1"} {
		if _, err := encode.ParseCompression(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for name, want := range map[string]string{"a.jsonl": "none", "a.jsonl.zst": "zstd", "dir.gz/a": "none", "a.gz": "gzip"} {
		if c, err := encode.ParseCompression(want); err != nil || encode.CompressionOf(name) != c {
			t.Errorf("%s: %v, want %s", name, encode.CompressionOf(name), want)
		}
	}
}
