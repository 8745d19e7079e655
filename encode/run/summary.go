package run

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"pikabin/decode/units"
	"pikabin/encode"
)

// summary is a line about a run that has ended.
func summary(r *encode.Result, took time.Duration) string {
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

// summaryFields are the summary for programs.
func summaryFields(r *encode.Result, took time.Duration) []slog.Attr {
	positions := map[string]string{}
	for _, log := range r.Logs {
		positions[log.String()] = r.Committed[log].String()
	}
	return []slog.Attr{
		slog.Int64("events", r.Changes), slog.Int64("records", r.Records), slog.Int64("bytes", r.Read), slog.Int64("written_bytes", r.Written),
		slog.Float64("seconds", took.Seconds()), slog.Int64("lost_ranges", r.Lost), slog.Int64("missing_ranges", r.Gaps), slog.Any("positions", positions),
	}
}
