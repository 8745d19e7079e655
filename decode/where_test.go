package decode_test

import (
	"testing"
	"time"

	"pikabin/decode"
)

// TestParseWhere reads places in all their forms.
func TestParseWhere(t *testing.T) {
	now := time.Date(2026, 6, 8, 12, 0, 0, 0, time.FixedZone("", 8*3600))
	for text, want := range map[string]string{
		"":                          "nowhere",
		"start":                     "the start of the log",
		"end":                       "the end",
		"12:4096":                   "position 12:4096",
		"12:0x1000":                 "position 12:4096",
		"2h":                        "the first record at or after 2026-06-08T10:00:00+08:00",
		"7d":                        "the first record at or after 2026-06-01T12:00:00+08:00",
		"1w":                        "the first record at or after 2026-06-01T12:00:00+08:00",
		"2d3h":                      "the first record at or after 2026-06-06T09:00:00+08:00",
		"1780891200":                "the first record at or after 2026-06-08T12:00:00+08:00",
		"1780891200123":             "the first record at or after 2026-06-08T12:00:00+08:00",
		"0.5d":                      "the first record at or after 2026-06-08T00:00:00+08:00",
		"2026-06-01":                "the first record at or after 2026-06-01T00:00:00+08:00",
		"2026-06-01 10:30":          "the first record at or after 2026-06-01T10:30:00+08:00",
		"2026-06-01T10:30:00Z":      "the first record at or after 2026-06-01T10:30:00Z",
		"2026-06-01T10:30:00+02:00": "the first record at or after 2026-06-01T10:30:00+02:00",
	} {
		if got, err := decode.ParseWhere(text, now); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-2h", "-1d", "NaNd", "Infd", "1e300d", "106752d", "12:-1", "2026-13-01", "0", "4096", "123456789012345"} {
		if got, err := decode.ParseWhere(text, now); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}
