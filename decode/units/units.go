// Package units reads and prints sizes and spans of time as people write them. It is one way for flags, settings of outputs and
// reports. It is also where text for people is made safe for their terminals.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The factors of sizes, as GNU's tools have them: K, KiB and k are 1024, KB is 1000.
var (
	sizes = map[string]float64{
		"": 1, "b": 1,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	}
	spans = map[string]float64{
		"w": float64(7 * 24 * time.Hour), "d": float64(24 * time.Hour), "h": float64(time.Hour), "m": float64(time.Minute),
		"s": float64(time.Second), "ms": float64(time.Millisecond), "us": float64(time.Microsecond), "\u00b5s": float64(time.Microsecond), "ns": 1,
	}
)

// quantity reads a number, of which the digits may have one point among them, and the unit after it.
func quantity(s string, factors map[string]float64) (value float64, rest string, ok bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
	number, s := s[:digits], strings.TrimLeft(s[digits:], " ")
	letters := strings.IndexAny(s, "0123456789. ")
	if letters < 0 {
		letters = len(s)
	}
	factor, known := factors[s[:letters]]
	n, err := strconv.ParseFloat(number, 64)
	return n * factor, s[letters:], known && err == nil
}

// ParseSize reads a number of bytes above 0: 4096, 64KiB, 256MiB, 1G, 1.5G, 100MB. Upper and lower case are the same.
func ParseSize(s string) (int64, error) {
	value, rest, ok := quantity(strings.ToLower(strings.TrimSpace(s)), sizes)
	if !ok || rest != "" || value < 1 || value > 1<<62 {
		return 0, fmt.Errorf("%q is not a size: expected a number with KiB, MiB, GiB or TiB (also K, M, G, T), or KB, MB, GB or TB for thousands, such as 256MiB", s)
	}
	return int64(value), nil
}

// ParseDuration reads a span of time that is not negative: 90s, 1h30m, 2d3h, 1w. A number without a unit is none, but 0.
func ParseDuration(s string) (time.Duration, error) {
	total, rest, ok := 0.0, s, s != ""
	for ok && rest != "" {
		var value float64
		value, rest, ok = quantity(rest, spans)
		total += value
	}
	switch {
	case s == "0":
		return 0, nil
	case strings.Contains(s, " "), !ok, total >= math.MaxInt64:
		return 0, fmt.Errorf("%q is not a span of time: expected numbers with w, d, h, m, s or ms, such as 90s, 2d3h or 1w", s)
	}
	return time.Duration(math.Round(total)), nil
}

// FormatSize prints a number of bytes for a person: "512 B", "1.5 KiB", "20.0 GiB".
func FormatSize(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value := float64(n) / (1 << 10)
	i := 0
	for ; value >= 1023.95 && i < len(units)-1; i++ {
		value /= 1 << 10
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}
