package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"pikabin/decode"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/rehearsal"
	"pikabin/encode/cli/shell"
	"pikabin/encode/run"
)

// finish runs a job to its end, or rehearses it.
func (c *convertCommand) finish(ctx context.Context, s *shell.Streams, job *run.Job) error {
	if c.DryRun {
		return c.rehearse(ctx, s, job)
	}
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	return lossOf(s, &result, err)
}

// rehearse runs a job that writes nothing, and reports what it would do.
func (c *convertCommand) rehearse(ctx context.Context, s *shell.Streams, job *run.Job) error {
	dry, began := rehearsal.Of(job, c.Output), time.Now()
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	if err != nil {
		return err
	}
	if err := dry.Report(s.Stdout, job, &result, c.told, time.Since(began)); err != nil {
		return err
	}
	return lossOf(s, &result, nil)
}

// say takes a line that says from where to where a log is read.
func (c *convertCommand) say(s *shell.Streams) func(text string) {
	if !c.DryRun {
		return s.Console.Info
	}
	return func(text string) { c.told = append(c.told, text) }
}

// rehearse converts what is there now, from where the tail would begin.
func (c *tailCommand) rehearse(ctx context.Context, s *shell.Streams, job *run.Job) error {
	from, err := decode.ParseWhere(c.From, time.Now())
	if err != nil {
		return exit.Misuse(err)
	}
	if c.Pin != "" {
		if err := run.NewGuard(c.Sources).Outside("pin folder", filepath.Join(c.Pin, ".")); err != nil {
			return err
		}
	}
	convert := &convertCommand{Sources: c.Sources, SourceFlags: c.SourceFlags, RangeFlags: flags.RangeFlags{From: c.From}, StreamFlags: c.StreamFlags}
	n, err := convert.take(s, job)
	if err != nil {
		return err
	}
	job.From, job.Default = from, decode.LogEnd
	return errors.Join(convert.finish(ctx, s, job), n.HangUp())
}
