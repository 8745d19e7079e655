package piped_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"pikabin/encode/cli/piped"
	"pikabin/encode/run"
)

// TestSegment: what comes is in a file whose name tells the compression, is read once, and is gone at the end.
func TestSegment(t *testing.T) {
	for text, name := range map[string]string{"abc": "write2file0", "\x28\xb5\x2f\xfdx": "write2file0.zst", "\x1f\x8b\x08\x00": "write2file0.gz"} {
		t.Setenv("TMPDIR", t.TempDir())
		in := &piped.Input{From: iotest.OneByteReader(strings.NewReader(text))}
		for range 2 {
			path, err := in.Segment()
			if err != nil || filepath.Base(path) != name || filepath.Base(filepath.Dir(path)) != "log_db0" {
				t.Fatalf("%q is kept in %s: %v", text, path, err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("%q is kept as %q: %v", text, got, err)
			}
		}
		in.Remove()
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
			t.Errorf("left over: %v, %v", left, err)
		}
	}
}

// TestRefused: nothing, half of something, and a command that ends while it waits.
func TestRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ended := make(chan struct{})
	close(ended)
	silent, end := io.Pipe()
	defer end.Close()
	broken := io.MultiReader(bytes.NewReader(make([]byte, 9)), iotest.ErrReader(errors.New("no more")))
	for want, in := range map[string]*piped.Input{
		"it is empty":              {From: strings.NewReader("")},
		"no more":                  {From: broken},
		run.ErrInterrupted.Error(): {From: silent, Stop: ended},
	} {
		if path, err := in.Segment(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, %v: want %q", path, err, want)
		}
		in.Remove()
	}
}
