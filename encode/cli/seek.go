package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/units"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
)

// seekCommand turns a time or a logic id into a position.
type seekCommand struct {
	Source  string  `arg:"" help:"Log folder, DB folder or segment file."`
	Time    string  `xor:"what" required:"" placeholder:"TIME" help:"First record at or after this time (or this long ago): this flag or --logic-id."`
	LogicID *uint64 `xor:"what" required:"" placeholder:"N" help:"Record with this logic id."`
	flags.SourceFlags
}

// Help is shown by seek --help.
func (*seekCommand) Help() string {
	return `Examples:

  pikabin seek /data/pika/log/log_db0 --time '2025-06-01 12:00'
  pikabin convert /data/pika/log/log_db0 --from $(pikabin seek /data/pika/log/log_db0 --time 2h)

A time is searched for as if the times of records only rose. Where the clock of the server was set back, or commands were logged
out of order, the record that is found is at or after the time and follows an older one, but a record of that time may also be before it: give a time that
is earlier by the step. The same holds for --from and --until.`
}

// Run prints the position, after the name of the DB if there are several.
func (c *seekCommand) Run(ctx context.Context, s *shell.Streams) error {
	logs, err := c.Find(s, []string{c.Source})
	if err != nil {
		return err
	}
	for _, l := range logs {
		p, err := c.seek(ctx, l)
		if err != nil {
			return err
		}
		line := p.String() + "\n"
		if len(logs) > 1 {
			line = units.Visible(l.ID().String()) + "\t" + line
		}
		if _, err := io.WriteString(s.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}

func (c *seekCommand) seek(ctx context.Context, l *binlog.Log) (decode.Position, error) {
	if c.LogicID != nil {
		return l.SeekLogicID(ctx, *c.LogicID)
	}
	where, err := decode.ParseWhere(c.Time, time.Now())
	if err != nil || where.IsPosition() {
		return decode.Position{}, exit.Misuse(fmt.Errorf("%q is not a time", c.Time))
	}
	return l.Resolve(ctx, where)
}
