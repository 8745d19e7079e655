package encode_test

import (
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/frame"
	"pikabin/encode/sinktest"
)

// TestRunCompressesNothing writes a log without a change: the output is a file of the codec all the same.
func TestRunCompressesNothing(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Padding(10, binlogtest.Put{})
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	for _, name := range []string{"zstd", "gzip", "none"} {
		compression, err := frame.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		to, result, err := sinktest.Convert(t, dir, 0, encode.Options{Compression: compression})
		frames := 1
		if name == "none" {
			frames = 0
		}
		if err != nil || len(to.Frames) != frames || len(sinktest.Unpack(t, name, to.Frames)) != 0 || result.Committed[result.Logs[0]] != w.Position() {
			t.Errorf("%s: %v, %q, committed %v", name, err, to.Frames, result.Committed)
		}
		if int(result.Written) != to.Len() {
			t.Errorf("%s: %d bytes counted of %d", name, result.Written, to.Len())
		}
	}
}

func TestParseCompression(t *testing.T) {
	for _, bad := range []string{"", "lz4", "zstd:0", "zstd:23", "gzip:10", "gzip:x", "none:1", "zstd:"} {
		if _, err := frame.Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{"none", "zstd", "zstd:22", "gzip:9", "gzip:1"} {
		if _, err := frame.Parse(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for name, want := range map[string]string{"a.jsonl": "none", "a.jsonl.zst": "zstd", "dir.gz/a": "none", "a.gz": "gzip"} {
		if c, err := frame.Parse(want); err != nil || frame.Of(name) != c {
			t.Errorf("%s: %v, want %s", name, frame.Of(name), want)
		}
	}
}
