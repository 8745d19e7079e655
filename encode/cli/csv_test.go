package cli_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode/sinktest"
	"pikabin/formats/csv"
)

// TestCSVHeader: each file begins with the names of the columns, and a run that continues it does not write them again, nor does the output of one run in
// which there is nothing lack them.
func TestCSVHeader(t *testing.T) {
	from := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log")
	want := convert(t, from, "-f", "csv")
	if !bytes.HasPrefix(want, []byte(csv.Header)) || bytes.Count(want, []byte(csv.Header)) != 1 {
		t.Fatalf("it begins with %.300q", want)
	}
	if empty := convert(t, from, "-f", "csv", "--key", "there is none", "--named-only"); string(empty) != csv.Header {
		t.Errorf("without events: %q", empty)
	}
	out := t.TempDir()
	for name, codec := range map[string]string{"one.csv": "", "one.csv.zst": "zstd", "one.csv.gz": "gzip"} {
		for _, more := range [][]string{{"--limit", "5"}, {"--limit", "1"}, nil} {
			convert(t, append([]string{from, "-f", "csv", "-o", filepath.Join(out, name), "--state", out + "/state-" + name}, more...)...)
		}
		got := readFile(t, filepath.Join(out, name))
		if codec != "" {
			got = sinktest.Unpack(t, codec, [][]byte{got})
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: three runs wrote %d bytes, one writes %d", name, len(got), len(want))
		}
	}
	convert(t, from, "-f", "csv", "--roll-size", "20KiB", "-o", out+"/parts/")
	parts, err := filepath.Glob(out + "/parts/*.csv")
	if err != nil || len(parts) < 3 {
		t.Fatalf("%d parts: %v", len(parts), err)
	}
	lines := []byte(csv.Header)
	for _, part := range parts {
		rest, ok := bytes.CutPrefix(readFile(t, part), []byte(csv.Header))
		if !ok {
			t.Errorf("%s has no header", part)
		}
		lines = append(lines, rest...)
	}
	if !bytes.Equal(lines, want) {
		t.Errorf("the parts hold %d bytes, want %d", len(lines), len(want))
	}
}
