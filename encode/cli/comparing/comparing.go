// Package comparing makes a run compare: an output of verify-output, which is handed what convert would write.
package comparing

import (
	"context"

	"pikabin/decode"
	"pikabin/encode/readback/compare"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// Output is the output of a run that writes nothing: what comes is compared with what an output holds. Watch is called
// before the run, Finish or Abandon after it.
type Output struct {
	held        *compare.Held
	target      string
	from, until decode.Where
	o           compare.Options
	comparison  *compare.Comparison
}

// New compares the events between two places with what target holds. With repeats events may come again as they were.
func New(target string, holds *compare.Held, from, until decode.Where, repeats bool) *Output {
	return &Output{held: holds, target: target, from: from, until: until, o: compare.Options{Repeats: repeats, Ranges: map[*decode.Log]compare.Range{}}}
}

var _ sink.Output = (*Output)(nil)

// Target implements sink.Output: nothing is written.
func (*Output) Target() sink.Target { return sink.Target{} }

// Identity implements sink.Output.
func (c *Output) Identity(context.Context, sink.Monitor) (string, error) { return c.target, nil }

// Open implements sink.Output.
func (c *Output) Open(context.Context, sink.Env) (sink.Opened, error) {
	c.comparison = compare.New(c.held, c.o)
	return sink.Opened{Sink: c.comparison, Traits: sink.Traits{Messages: true}}, nil
}

// Watch notes which logs a job reads, and what of them.
func (c *Output) Watch(job *run.Job) {
	find, open := job.Logs, job.Open
	job.Logs = func(ctx context.Context) ([]run.Log, error) {
		logs, err := find(ctx)
		for i := 0; i < len(logs) && err == nil; i++ {
			c.o.Logs = append(c.o.Logs, logs[i].ID())
			err = c.endsAt(ctx, logs[i])
		}
		return logs, err
	}
	job.Open = func(ctx context.Context, begin run.Begin) (run.Source, error) {
		return open(ctx, func(ctx context.Context, l run.Log, late bool) (run.Place, error) {
			place, err := begin(ctx, l, late)
			if c.from != decode.LogStart {
				r := c.o.Ranges[l.ID()]
				r.From = new(place.From())
				c.o.Ranges[l.ID()] = r
			}
			return place, err
		})
	}
}

// endsAt notes where a range of a log ends, if one was given.
func (c *Output) endsAt(ctx context.Context, l run.Log) error {
	if c.until == decode.LogEnd {
		return nil
	}
	end, err := l.Resolve(ctx, c.until)
	c.o.Ranges[l.ID()] = compare.Range{Until: &end}
	return err
}

// Finish tells what of the output was never met. The error is run.ErrInterrupted once ctx is done, else a sink.Error.
func (c *Output) Finish(ctx context.Context) error {
	if err := c.comparison.Finish(ctx); err != nil {
		if ctx.Err() != nil {
			return run.ErrInterrupted
		}
		return &sink.Error{Err: err}
	}
	return nil
}

// Abandon ends a comparison whose run has failed.
func (c *Output) Abandon() {
	if c.comparison != nil {
		c.comparison.Abandon()
	}
}

// Report is what was found. It is complete after Finish.
func (c *Output) Report() *compare.Report { return &c.comparison.Report }
