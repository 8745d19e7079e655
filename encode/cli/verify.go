package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"pikabin/decode"
	"pikabin/decode/inspect"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
)

// verifyCommand says whether logs are whole.
type verifyCommand struct{ flags.ScanFlags }

// Run prints the findings as they come, and the report. Damage is exit code 3, another history within a log 4, as for convert.
func (c *verifyCommand) Run(ctx context.Context, s *shell.Streams) error {
	logs, o, bar, err := c.Open(s)
	if err != nil {
		return err
	}
	findings := json.NewEncoder(s.Stdout)
	var writeErr error
	r, err := inspect.Verify(ctx, logs, inspect.VerifyOptions{Options: o, Report: func(f *inspect.Finding) {
		switch {
		case c.JSON:
			writeErr = cmp.Or(writeErr, findings.Encode(f))
		case f.Severity == inspect.Damage || !s.Quiet:
			bar.Clear()
			_, err := fmt.Fprintln(s.Stdout, f)
			writeErr = cmp.Or(writeErr, err)
		}
	}})
	bar.Finish()
	if err = cmp.Or(err, writeErr); err != nil {
		return err
	}
	if err := c.Print(s, r); err != nil {
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
