package cli

import (
	"context"
	"fmt"
	"sync"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/encode/health"
	"pikabin/encode/run"
)

// convertCommand is the backfill.
type convertCommand struct {
	Sources []string `arg:"" name:"source" help:"Log folders, DB folders or segment files."`
	sourceFlags
	rangeFlags
	streamFlags
}

// Help is shown by convert --help.
func (*convertCommand) Help() string {
	return `Examples:

  pikabin convert /data/pika/log > changes.jsonl
  pikabin convert /data/pika/log/log_db0 --from 2h --key 'user:*' | jq .key
  pikabin convert archive/write2file*.zst -o changes.jsonl.zst
  pikabin convert /data/pika/log -f resp | redis-cli --pipe`
}

// Run converts.
func (c *convertCommand) Run(ctx context.Context, s *streams) error {
	job, err := c.job(s, &c.sourceFlags, c.Sources)
	if err != nil {
		return usageError{err}
	}
	b := &backfill{convertCommand: c, streams: s, guard: job.Guard, stop: make(chan struct{})}
	if b.from, b.until, err = c.where(); err != nil {
		return err
	}
	job.Logs, job.Open, job.From, job.Default = b.find, b.open, b.from, decode.LogStart
	job.Encode.Progress = func(n int64) { b.bar.Add(n) }
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	return lossOf(s, &result, err)
}

// backfill is a run.Source of logs as they are now.
type backfill struct {
	*convertCommand
	*streams
	guard       *run.Guard
	from, until decode.Where
	logs        []*binlog.Log
	ends        []decode.Position // of what is wanted of each log
	reading     *binlog.Backfill
	bar         *console.Bar
	stopOnce    sync.Once
	stop        chan struct{}
}

// find finds the logs, and where to end in each.
func (b *backfill) find(ctx context.Context) ([]run.Log, error) {
	var err error
	if b.logs, err = b.convertCommand.find(b.streams, b.Sources); err != nil {
		return nil, err
	}
	if len(b.logs) > 1 && (b.from.IsPosition() || b.until.IsPosition()) {
		return nil, errOneDB
	}
	b.ends = make([]decode.Position, len(b.logs))
	for i, l := range b.logs {
		b.guard.Log(l.Dir())
		if b.ends[i], err = l.Resolve(ctx, b.until); err != nil {
			return nil, err
		}
	}
	return runLogs(b.logs), nil
}

// runLogs are logs as a run knows them.
func runLogs(logs []*binlog.Log) []run.Log {
	list := make([]run.Log, len(logs))
	for i, l := range logs {
		list[i] = l
	}
	return list
}

// open plans the reading of each log.
func (b *backfill) open(ctx context.Context, begin run.Begin) (run.Source, error) {
	plans := make([]*binlog.Plan, len(b.logs))
	var texts []string
	total := int64(0)
	for i, l := range b.logs {
		place, err := begin(ctx, l, false)
		if err != nil {
			return nil, err
		}
		from, until := place.From(), b.ends[i]
		if !place.Saved && b.isEmpty(b.from, b.until, from, until) {
			return nil, b.errEmptyRange(until, from)
		}
		plans[i] = l.Chunks(from, until, binlog.PlanOptions{Ahead: b.Workers, Before: place.Before, Stop: b.stop})
		total += l.SizeBetween(from, until)
		texts = append(texts, fmt.Sprintf("%s: from %s to %s", l.ID(), place.Why, run.Named(until, b.until)))
	}
	for _, text := range texts {
		b.console.Info(text)
	}
	b.reading = binlog.NewBackfill(plans...)
	b.bar = b.console.Progress(b.Progress, total)
	return b, nil
}

// Next gives the next chunk.
func (b *backfill) Next(ctx context.Context) (decode.Chunk, error) { return b.reading.Next(ctx) }

// Stop ends the plans.
func (b *backfill) Stop() { b.stopOnce.Do(func() { close(b.stop) }) }

// Close closes the plans, and ends the progress bar.
func (b *backfill) Close() error {
	b.bar.Finish()
	return b.reading.Close()
}

// Delivered is of no use to files that nobody writes.
func (*backfill) Delivered(map[*decode.Log]checkpoint.Mark) {}

// Status is not asked for: a backfill is not watched.
func (*backfill) Status() []health.LogStatus { return nil }
