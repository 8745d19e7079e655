package cli

import (
	"context"
	"errors"
	"fmt"

	"pikabin/decode/inspect"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
)

// inspectCommand shows records.
type inspectCommand struct {
	Source string `arg:"" help:"Folder of one DB, or a segment file."`
	flags.RangeFlags
	Count int  `short:"n" placeholder:"N" help:"How many records. Default: 10, or all up to --until."`
	Hex   bool `help:"The bytes of each record, too."`
	Full  bool `help:"Arguments and bytes in full, however long."`
	flags.LookFlags
}

// Help is shown by inspect --help.
func (*inspectCommand) Help() string {
	return `Examples:

  pikabin inspect /data/pika/log/log_db0 --from 12:4096 --hex
  pikabin inspect /data/pika/log/log_db0 --from 10m -n 100 | less`
}

// Run shows the records.
func (c *inspectCommand) Run(ctx context.Context, s *shell.Streams) error {
	decoder, err := c.Decoder()
	if err := errors.Join(err, flags.NotNegative("--count", int64(c.Count))); err != nil {
		return err
	}
	logs, err := c.Find(s, []string{c.Source})
	if err != nil {
		return err
	}
	if len(logs) > 1 {
		return exit.Misuse(fmt.Errorf("%s holds the logs of several DBs: give the folder of one, or --db", c.Source))
	}
	from, until, text, err := c.Resolve(ctx, logs[0])
	if err != nil {
		return err
	}
	s.Console.Info(text)
	o := inspect.ShowOptions{From: from, Count: c.Count, Full: c.Full, Hex: c.Hex, Decoder: decoder}
	if c.Until != "" {
		o.Until = until
	}
	return inspect.Show(ctx, s.Stdout, logs[0], o)
}
