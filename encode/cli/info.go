package cli

import (
	"context"

	"pikabin/decode/inspect"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
)

// infoCommand says what is in logs.
type infoCommand struct{ flags.ScanFlags }

// Help is shown by info --help.
func (*infoCommand) Help() string {
	return `Examples:

  pikabin info /data/pika/log
  pikabin info archive/write2file*.zst`
}

// Run prints the report.
func (c *infoCommand) Run(ctx context.Context, s *shell.Streams) error {
	logs, o, bar, err := c.Open(s)
	if err != nil {
		return err
	}
	r, err := inspect.Info(ctx, logs, inspect.InfoOptions{Options: o})
	bar.Finish()
	if err != nil {
		return err
	}
	return c.Print(s, r)
}
