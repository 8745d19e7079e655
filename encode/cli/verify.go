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

// Help is shown by verify --help.
func (*verifyCommand) Help() string {
	return `Examples:

  pikabin verify /data/pika/log
  pikabin verify /data/pika/log --json | jq -c 'select(.severity == "damage")'

The format has no checksums: what is checked is how records lie and follow one another, and that they can be decoded.`
}

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
