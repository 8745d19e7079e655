package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestSameBytesEachTime(t *testing.T) {
	for name := range workloads {
		var segments [2][]byte
		for i := range segments {
			dir := t.TempDir()
			if err := run([]string{"--case", name, "--size", "2MiB", dir}); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "log_db0", "write2file0"))
			if err != nil {
				t.Fatal(err)
			}
			segments[i] = b
		}
		if !bytes.Equal(segments[0], segments[1]) {
			t.Errorf("%s: two runs differ", name)
		}
		if n := len(segments[0]); n < 2<<20 || n > 3<<20 {
			t.Errorf("%s: segment has %d bytes, want about 2 MiB", name, n)
		}
	}
}

func TestDocumentsAreJSON(t *testing.T) {
	p := newPools(2)
	for range 100 {
		d := p.document(1_000)
		if !json.Valid([]byte(d)) {
			t.Fatalf("not JSON: %s", d)
		}
		if n := len(d); n < 950 || n > 1200 {
			t.Errorf("document has %d bytes, want about 1 KB", n)
		}
	}
}

func TestRefusals(t *testing.T) {
	full := t.TempDir()
	if err := os.Mkdir(filepath.Join(full, "log_db0"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"unknown case":           {"--case", "huge", t.TempDir()},
		"no size":                {"--size", "512 apples", t.TempDir()},
		"negative size":          {"--size", "-1KiB", t.TempDir()},
		"no folder":              {"--size", "1KiB"},
		"log folder that exists": {"--size", "1KiB", full},
	} {
		if err := run(args); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
