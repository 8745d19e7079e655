package run

import (
	"fmt"
	"strings"
	"time"

	"pikabin/decode/units"
	"pikabin/encode"
)

// Summary is a line about a run that has ended.
func Summary(r *encode.Result, took time.Duration) string {
	var ends []string
	for _, log := range r.Logs {
		ends = append(ends, fmt.Sprintf("%s %v", log, r.Committed[log]))
	}
	text := fmt.Sprintf("%d events from %d records (%d change nothing), %s in %s, %s/s", r.Changes, r.Records, r.Passed,
		units.FormatSize(r.Read), took.Round(time.Millisecond), units.FormatSize(int64(float64(r.Read)/max(took.Seconds(), 1e-9))))
	if len(ends) > 0 {
		text += "; delivered up to " + strings.Join(ends, ", ")
	}
	return text
}
