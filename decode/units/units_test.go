package units_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pikabin/decode/units"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "4096": 4096, "4096B": 4096, "64KiB": 64 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30, "2 GiB": 2 << 30,
		"1G": 1 << 30, "1g": 1 << 30, "100MB": 100e6, "100mb": 100e6, "100M": 100 << 20, "1kib": 1 << 10, "3KB": 3000, "1TiB": 1 << 40, "1.5G": 3 << 29,
	} {
		if got, err := units.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "-1KiB", "MiB", "9223372036854775807GiB", "1KiBKiB", "1 2", "1e3", "1.2.3G", "0x10", "NaN", "Inf", "0.5B", "1P"} {
		if got, err := units.ParseSize(text); err == nil {
			t.Errorf("%q was taken as %d", text, got)
		}
	}
}

// TestParseDuration reads what Go prints of random spans, and the same with days and weeks.
func TestParseDuration(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := time.Duration(random.Int64N(int64(1) << (1 + random.IntN(50))))
		weeks, days := random.IntN(9), random.IntN(9)
		for text, want := range map[string]time.Duration{
			d.String():                              d,
			fmt.Sprintf("%dw%dd%v", weeks, days, d): time.Duration(weeks*7+days)*24*time.Hour + d,
		} {
			if got, err := units.ParseDuration(text); err != nil || got != want {
				t.Fatalf("%q: got %v, %v, want %v", text, got, err, want)
			}
		}
	}
	for _, text := range []string{"", "1", "-1s", "+1s", "1h 3m", "d", "1x", "1d2", "1..5h", "9999999w", "1H", "NaNs", "1e3s"} {
		if got, err := units.ParseDuration(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}

func TestFormatSize(t *testing.T) {
	var got []string
	for _, n := range []int64{0, 1023, 1024, 1536, 1 << 20, 1<<20 - 1, 20 << 30, 1 << 62} {
		got = append(got, units.FormatSize(n))
	}
	if want := "0 B, 1023 B, 1.0 KiB, 1.5 KiB, 1.0 MiB, 1.0 MiB, 20.0 GiB, 4.0 EiB"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}
