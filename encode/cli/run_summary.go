package cli

import (
	"fmt"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/inspect"
	"pikabin/encode"
)

// lossOf makes an error of damage that was skipped.
func lossOf(s *streams, r *encode.Result, err error) error {
	if err == nil && r.Lost > 0 {
		s.console.Warn(fmt.Sprintf("%d damaged ranges were skipped, %s in all", r.Lost, inspect.FormatSize(r.LostBytes)))
		return fmt.Errorf("%w: %w", errReported, &decode.CorruptError{})
	}
	return err
}

func summary(r *encode.Result, took time.Duration) string {
	var ends []string
	for _, log := range r.Logs {
		ends = append(ends, fmt.Sprintf("%s %v", log, r.Committed[log]))
	}
	text := fmt.Sprintf("%d events from %d records (%d change nothing), %s in %s, %s/s", r.Changes, r.Records, r.Passed,
		inspect.FormatSize(r.Read), took.Round(time.Millisecond), inspect.FormatSize(int64(float64(r.Read)/max(took.Seconds(), 1e-9))))
	if len(ends) > 0 {
		text += "; delivered up to " + strings.Join(ends, ", ")
	}
	return text
}
