package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"pikabin/decode"
	"pikabin/decode/inspect"
)

// verifyCommand says whether logs are whole.
type verifyCommand struct{ scanFlags }

// Run prints the findings as they come, and the report. Damage is exit code 3.
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
	if r.Damages > 0 {
		return fmt.Errorf("%w: %w", errReported, &decode.CorruptError{})
	}
	return nil
}
