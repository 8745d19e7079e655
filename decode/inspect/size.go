package inspect

import (
	"fmt"
	"strconv"
)

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

// group prints a number with a comma between each three digits.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
