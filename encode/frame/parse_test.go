package frame_test

import (
	"strings"
	"testing"

	"pikabin/encode/frame"
)

// TestParseRefuses says what is wrong with a compression, and what there is instead.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"lzma":     "expected one of none, zstd, gzip",
		"zstd:":    "no level",
		"zstd:x":   "no level x, only 1 to",
		"gzip:10":  "no level 10, only 1 to 9",
		"none:1":   "none has no levels",
		"snappy:3": "not a compression here",
	} {
		if _, err := frame.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := frame.Parse("snappy:3", "snappy", "zstd"); err == nil || !strings.Contains(err.Error(), "snappy has no levels") {
		t.Error(err)
	}
}
