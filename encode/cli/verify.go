package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"pikabin/decode"
	"pikabin/decode/inspect"
	"pikabin/encode/cli/exit"
)

// verifyCommand says whether logs are whole.
type verifyCommand struct{ scanFlags }

// Run prints the findings as they come, and the report. Damage is exit code 3, another history within a log 4, as for convert.
func (c *verifyCommand) Run(ctx context.Context, s *streams) error {
	logs, o, bar, err := c.open(s)
	if err != nil {
		return err
	}
	findings := json.NewEncoder(s.stdout)
	var writeErr error
	r, err := inspect.Verify(ctx, logs, inspect.VerifyOptions{Options: o, Report: func(f *inspect.Finding) {
		switch {
		case c.JSON:
			writeErr = cmp.Or(writeErr, findings.Encode(f))
		case f.Severity == inspect.Damage || !s.quiet:
			bar.Clear()
			_, err := fmt.Fprintln(s.stdout, f)
			writeErr = cmp.Or(writeErr, err)
		}
	}})
	bar.Finish()
	if err = cmp.Or(err, writeErr); err != nil {
		return err
	}
	if err := c.print(s, r); err != nil {
		return err
	}
	switch {
	case r.Damages > 0:
		return fmt.Errorf("%w: %w", exit.ErrReported, &decode.CorruptError{})
	case r.Broken:
		return fmt.Errorf("%w: %w", exit.ErrReported, exit.ErrSkippedGaps)
	}
	return nil
}
