package units_test

import (
	"testing"
	"time"

	"pikabin/decode/units"
)

func TestFormatTime(t *testing.T) {
	if got := units.FormatTime(1748750400, time.FixedZone("", 8*3600)); got != "2025-06-01 12:00:00 +0800" {
		t.Errorf("got %q", got)
	}
}
