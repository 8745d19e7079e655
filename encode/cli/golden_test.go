package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
)

// logFolders are the log folders of a case: log, log-live, and their like.
func logFolders(t *testing.T, f binlogtest.Fixture) []string {
	t.Helper()
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, e.Name())
		}
	}
	return dirs
}

// eachFolder runs a test with each log folder of each case, all at once. The folders are as the server left them: archives, which take long to
// unpack, once in TestGolden are enough, as nothing past the reader can tell what a record came from.
func eachFolder(t *testing.T, test func(t *testing.T, f binlogtest.Fixture, from string)) {
	t.Helper()
	eachPacked(t, func(t *testing.T, f binlogtest.Fixture, from string) {
		t.Helper()
		test(t, f, f.UnpackFolder(t, filepath.Base(from)))
	})
}

// eachPacked runs a test with those folders as testdata has them, of archives.
func eachPacked(t *testing.T, test func(t *testing.T, f binlogtest.Fixture, from string)) {
	t.Helper()
	type folder struct {
		of   binlogtest.Fixture
		name string
	}
	var all []folder
	for _, f := range binlogtest.Fixtures(t) {
		for _, name := range logFolders(t, f) {
			all = append(all, folder{f, name})
		}
	}
	for _, f := range sample.Of(all, 4) {
		t.Run(f.of.Name+"-"+f.name, func(t *testing.T) {
			t.Parallel()
			test(t, f.of, filepath.Join(f.of.Dir, f.name))
		})
	}
}

// TestGolden converts every fixture and compares with testdata/golden. Any number of workers gives the same.
func TestGolden(t *testing.T) {
	eachPacked(t, func(t *testing.T, f binlogtest.Fixture, from string) {
		t.Helper()
		got := convert(t, from, "--workers", "1")
		if again := convert(t, from, "--workers", "7"); !bytes.Equal(got, again) {
			t.Error("seven workers give other bytes than one")
		}
		golden(t, binlogtest.Testdata(t, "golden", f.Name+"-"+filepath.Base(from)+".jsonl.zst"), got)
	})
}

func convert(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run(append([]string{"convert"}, args...), &stdout, &stderr, ""); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	return stdout.Bytes()
}

// golden compares line by line with a compressed file, or writes it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, enc.EncodeAll(got, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := unpacked(t, path)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// unpacked reads a compressed file.
func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	content, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
