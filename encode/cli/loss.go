package cli

import (
	"fmt"

	"pikabin/decode"
	"pikabin/decode/units"
	"pikabin/encode"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
)

// lossOf makes an error of what was skipped: to go on is not to be whole, for damage and for what is missing alike.
func lossOf(s *shell.Streams, r *encode.Result, err error) error {
	if err != nil {
		return err
	}
	if r.Gaps > 0 {
		s.Console.Warn(ranges(r.Gaps, "missing") + " skipped")
		err = exit.ErrSkippedGaps
	}
	if r.Lost > 0 {
		s.Console.Warn(fmt.Sprintf("%s skipped, %s in all", ranges(r.Lost, "damaged"), units.FormatSize(r.LostBytes)))
		err = &decode.CorruptError{}
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", exit.ErrReported, err)
	}
	return err
}

// ranges counts ranges of a kind: "1 missing range was", "3 missing ranges were".
func ranges(n int64, kind string) string {
	if n == 1 {
		return "1 " + kind + " range was"
	}
	return fmt.Sprintf("%d %s ranges were", n, kind)
}
