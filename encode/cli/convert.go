package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/run"
	"pikabin/encode/sink"
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
	o, err := c.options(s, &c.sourceFlags)
	if err != nil {
		return usageError{err}
	}
	logs, err := c.find(s, c.Sources)
	if err != nil {
		return err
	}
	if err := c.checkOutputs(c.Sources, logs); err != nil {
		return err
	}
	k, err := c.openState(c.Sources, &o)
	if err != nil {
		return err
	}
	defer k.close()
	if err := k.check(ctx, logs); err != nil {
		return err
	}
	extents, err := c.resolve(ctx, logs, k)
	if err != nil {
		return err
	}
	if err := c.checkStart(ctx, extents, &o); err != nil {
		return err
	}
	sink, err := c.openSink(ctx, s, &o, k, c.Sources, logs)
	if err != nil {
		return err
	}
	if k.adopt(sink) {
		if extents, err = c.resolve(ctx, logs, k); err != nil {
			return errors.Join(err, sink.Close(ctx))
		}
	}
	for _, e := range extents {
		s.console.Info(e.text)
	}
	return atStart(c.pump(ctx, s, extents, sink, o), extents)
}

// pump reads the extents into the sink and says how it went.
func (c *convertCommand) pump(ctx context.Context, s *streams, extents []extent, sink sink.Sink, o encode.Options) error {
	plans := make([]*binlog.Plan, len(extents))
	o.Start = map[*decode.Log]checkpoint.Mark{}
	total := int64(0)
	for i, e := range extents {
		plans[i] = e.log.Chunks(e.from, e.until, binlog.PlanOptions{Ahead: c.Workers, Before: e.rewritten})
		o.Start[e.log.ID()] = e.mark
		total += e.log.SizeBetween(e.from, e.until)
	}
	source := binlog.NewBackfill(plans...)
	defer source.Close()
	bar := s.console.Progress(c.Progress, total)
	o.Progress = bar.Add
	began := time.Now()
	result, err := encode.Run(ctx, source, sink, o)
	bar.Finish()
	for _, t := range result.Torn {
		s.console.Warn(fmt.Sprintf("%s: half a record at the end, at %d:%d: left out", t.Log, t.At.Segment, t.At.Offset))
	}
	took := time.Since(began)
	s.console.With(run.SummaryFields(&result, took)...).Info(run.Summary(&result, took))
	return lossOf(s, &result, err)
}
