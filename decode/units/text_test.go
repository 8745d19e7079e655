package units_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"pikabin/decode/units"
)

// TestCutText cuts texts of characters of all lengths everywhere: what is left is whole, and as long as it can be.
func TestCutText(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var text []byte
		for range 1 + random.IntN(12) {
			text = utf8.AppendRune(text, []rune("a\u00e9\u7528\U0001f600")[random.IntN(4)])
		}
		for n := range len(text) + 2 {
			got := units.CutText(text, n)
			if !bytes.HasPrefix(text, got) || len(got) > n || !utf8.Valid(got) && n >= utf8.UTFMax || len(got) < min(n, len(text))-3 {
				t.Fatalf("%q cut at %d is %q", text, n, got)
			}
		}
	}
	binary := bytes.Repeat([]byte{0xff, 0x80}, 9)
	if got := units.CutText(binary, 8); len(got) != 8 {
		t.Errorf("bytes that are no text are cut to %d of 8", len(got))
	}
}

// TestFormatCount has a comma between each three digits.
func TestFormatCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		if got := units.FormatCount(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

// TestFormatSizes prints the sizes between which the unit changes.
func TestFormatSizes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 100 << 20: "100.0 MiB", 3 << 40: "3.0 TiB", 1 << 62: "4.0 EiB",
	} {
		if got := units.FormatSize(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
