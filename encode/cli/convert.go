package cli

import (
	"context"
	"errors"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/files"
	"pikabin/encode/cli/network"
	"pikabin/encode/console"
	"pikabin/encode/run"
)

// convertCommand is the backfill.
type convertCommand struct {
	Sources     []string `arg:"" name:"source" help:"Log folders, DB folders or segment files; or a server: pika://host:9221."`
	sourceFlags `group:"Source:"`
	rangeFlags  `group:"Source:"`
	streamFlags

	told []string // from where to where each log is read, for the report of a dry run
}

// Help is shown by convert --help.
func (*convertCommand) Help() string {
	return `Examples:

  pikabin convert /data/pika/log > changes.jsonl
  pikabin convert /data/pika/log/log_db0 --from 2h --key 'user:*' | jq .key
  pikabin convert archive/write2file*.zst -o changes.jsonl.zst
  pikabin convert pika://10.0.0.5:9221 --from start > changes.jsonl
  pikabin convert /data/pika/log --until 2h -o redis://10.0.0.7:6379 --exactly-once
  pikabin convert /data/pika/log -f resp | redis-cli --pipe`
}

// Run converts.
func (c *convertCommand) Run(ctx context.Context, s *streams) error {
	job, err := c.job(s, &c.sourceFlags, c.Sources)
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
func (c *convertCommand) take(s *streams, job *run.Job) (*network.Source, error) {
	n, err := c.server(s, &c.sourceFlags, c.Sources, job)
	switch {
	case err != nil:
		return nil, exit.Misuse(err)
	case n == nil:
		return nil, c.read(s, job)
	}
	return n, c.fetch(s, n, job)
}

// read gives a job the logs of files.
func (c *convertCommand) read(s *streams, job *run.Job) error {
	from, until, err := c.where()
	if err != nil {
		return err
	}
	b := c.backfill(s, job.Guard, from, until)
	job.Logs, job.Open, job.From, job.Default = b.Logs, b.Open, from, decode.LogStart
	job.Encode.Progress = b.Progress
	return nil
}

// backfill reads the logs of files.
func (c *convertCommand) backfill(s *streams, guard *run.Guard, from, until decode.Where) *files.Backfill {
	return &files.Backfill{
		Until: until, Ahead: c.Workers, Guard: guard, Say: c.say(s),
		Bar: func(total int64) *console.Bar { return s.console.Progress(c.Progress, total) },
		Find: func() ([]*binlog.Log, error) {
			logs, err := c.find(s, c.Sources)
			if err == nil && len(logs) > 1 && (from.IsPosition() || until.IsPosition()) {
				err = errOneDB
			}
			return logs, err
		},
		Check: func(begin, end decode.Position) error {
			if c.isEmpty(from, until, begin, end) {
				return c.errEmptyRange(end, begin)
			}
			return nil
		},
	}
}

// fetch gives a job the logs of a server over the network, up to their ends as they are now.
func (c *convertCommand) fetch(s *streams, n *network.Source, job *run.Job) (err error) {
	if n.From, n.Until, err = c.where(); err != nil {
		return err
	}
	n.Options.NoHold = n.Options.NoHold || c.State == "" || c.DryRun
	n.Say = c.say(s)
	job.Logs, job.Open, job.From, job.Default = n.Find, n.Open, n.From, decode.LogStart
	return nil
}
