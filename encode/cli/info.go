package cli

import (
	"context"

	"pikabin/decode/inspect"
)

// infoCommand says what is in logs.
type infoCommand struct{ scanFlags }

// Run prints the report.
func (c *infoCommand) Run(ctx context.Context, s *streams) error {
	logs, o, bar, err := c.open(s)
	if err != nil {
		return err
	}
	r, err := inspect.Info(ctx, logs, inspect.InfoOptions{Options: o})
	bar.Finish()
	if err != nil {
		return err
	}
	return c.print(s, r)
}
