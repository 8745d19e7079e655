package cli

import (
	"context"
	"errors"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/files"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/network"
	"pikabin/encode/cli/piped"
	"pikabin/encode/cli/shell"
	"pikabin/encode/console"
	"pikabin/encode/run"
)

// convertCommand is the backfill.
type convertCommand struct {
	Sources           []string `arg:"" name:"source" help:"Log folders, DB folders or segment files; - for a segment on standard input; or a server: pika://host:9221."`
	flags.SourceFlags `group:"Source:"`
	flags.RangeFlags  `group:"Source:"`
	flags.StreamFlags

	told []string // from where to where each log is read, for the report of a dry run
}

// Help is shown by convert --help.
func (*convertCommand) Help() string {
	return `Examples:

  pikabin convert /data/pika/log > changes.jsonl
  pikabin convert /data/pika/log/log_db0 --from 2h --key 'user:*' | jq .key
  pikabin convert archive/write2file*.zst -o changes.jsonl.zst
  zstd -dc write2file7.zst | pikabin convert - > changes.jsonl
  pikabin convert pika://10.0.0.5:9221 --from start > changes.jsonl
  pikabin convert /data/pika/log --until 2h -o redis://10.0.0.7:6379 --exactly-once
  pikabin convert /data/pika/log -f resp | redis-cli -h other-pika -p 9221 --pipe`
}

// Run converts.
func (c *convertCommand) Run(ctx context.Context, s *shell.Streams) error {
	job, err := c.Job(s, &c.SourceFlags, c.Sources)
	if err != nil {
		return exit.Misuse(err)
	}
	n, err := c.take(s, job)
	if err != nil {
		return err
	}
	return errors.Join(c.finish(ctx, s, job), n.HangUp())
}

// take gives a job its source: the logs of files, or those of the server that it returns.
func (c *convertCommand) take(s *shell.Streams, job *run.Job) (*network.Source, error) {
	n, err := c.Server(s, &c.SourceFlags, c.Sources, job)
	switch {
	case err != nil:
		return nil, exit.Misuse(err)
	case n == nil:
		return nil, c.read(s, job)
	}
	return n, c.fetch(s, n, job)
}

// read gives a job the logs of files.
func (c *convertCommand) read(s *shell.Streams, job *run.Job) error {
	from, until, err := c.Where()
	if err != nil {
		return err
	}
	b := c.backfill(s, job.Guard, from, until)
	if slices.Contains(c.Sources, piped.Name) && (c.State != "" || job.Output.Target().Keeps) {
		return exit.Misuse(errors.New("no place is kept of the source -, neither in --state nor with exactly-once: the next segment on standard input has the same places, and would be passed over"))
	}
	job.Logs, job.Open, job.From, job.Default = b.Logs, b.Open, from, decode.LogStart
	job.Encode.Progress = b.Progress
	return nil
}

// backfill reads the logs of files.
func (c *convertCommand) backfill(s *shell.Streams, guard *run.Guard, from, until decode.Where) *files.Backfill {
	return &files.Backfill{
		From: from, Until: until, Ahead: c.Workers, Guard: guard, Say: c.say(s),
		Bar: func(total int64) *console.Bar { return s.Console.Progress(c.Progress, total) },
		Find: func() ([]*binlog.Log, error) {
			logs, err := c.Find(s, c.Sources)
			if err == nil && len(logs) > 1 && (from.IsPosition() || until.IsPosition()) {
				err = flags.ErrOneDB
			}
			return logs, err
		},
		Check: func(begin, end decode.Position) error {
			if c.Empty(from, until, begin, end) {
				return c.ErrEmptyRange(end, begin)
			}
			return nil
		},
	}
}

// fetch gives a job the logs of a server over the network, up to their ends as they are now.
func (c *convertCommand) fetch(s *shell.Streams, n *network.Source, job *run.Job) (err error) {
	if n.From, n.Until, err = c.Where(); err != nil {
		return err
	}
	n.Options.NoHold = n.Options.NoHold || c.State == "" || c.DryRun
	n.Say = c.say(s)
	job.Logs, job.Open, job.From, job.Default = n.Find, n.Open, n.From, decode.LogStart
	return nil
}
