// Package rehearsal makes a run dry: it reads and filters as it would, and says what it would write.
package rehearsal

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"pikabin/decode"
	"pikabin/decode/units"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// Output is the output of a dry run. It has those looked at that a run would open, and writes nothing.
type Output struct {
	sink.Output
	name  string // as the user named it
	found sink.Rehearsal
}

// Of makes a job a dry one. The output is as the user named it.
func Of(job *run.Job, name string) *Output {
	o := &Output{Output: job.Output, name: name}
	job.Output, job.Dry, job.Follow, job.Watch, job.Tell = o, true, false, nil, job.Tell.Quietly()
	return o
}

// Open implements sink.Output.
func (o *Output) Open(ctx context.Context, e sink.Env) (sink.Opened, error) {
	if r, ok := o.Output.(sink.Rehearser); ok {
		var err error
		if o.found, err = r.Rehearse(ctx, e); err != nil {
			return sink.Opened{}, err
		}
	}
	if o.found.Keeps {
		return sink.Opened{Sink: keeping{}, Found: sink.Found{Positions: o.found.Positions}}, nil
	}
	return sink.Opened{Sink: nothing{}}, nil
}

// nothing takes what comes, and does nothing with it.
type nothing struct{}

// Write implements sink.Sink.
func (nothing) Write(_ context.Context, b *sink.Batch, done func(error)) {
	b.Release()
	done(nil)
}

// Close implements sink.Sink.
func (nothing) Close(context.Context) error { return nil }

// keeping is nothing where positions would be kept by the sink.
type keeping struct{ nothing }

var _ sink.Transactional = keeping{}

// Begin implements sink.Transactional.
func (keeping) Begin(context.Context, map[*decode.Log]checkpoint.Mark) error { return nil }

// Pass implements sink.Transactional.
func (keeping) Pass(*decode.Log, checkpoint.Mark) {}

// Report says what the run would have done. Each source is a line that says from where to where it was read.
func (o *Output) Report(w io.Writer, job *run.Job, r *encode.Result, sources []string, took time.Duration) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "dry run\tnothing was written")
	for _, source := range sources {
		fmt.Fprintf(table, "source\t%s\n", source)
	}
	fmt.Fprintf(table, "output\t%s\n", strings.TrimSpace(units.Visible(o.name)+"  "+o.found.Text))
	switch {
	case job.Shared != nil:
		fmt.Fprintf(table, "state\t%s  would be claimed\n", units.Visible(job.Shared.Name))
	case job.State != "":
		fmt.Fprintf(table, "state\t%s  %s\n", units.Visible(job.State), stateOf(job.State))
	}
	fmt.Fprintf(table, "events\t%d, from %d records, would be written: %s as %s\n", r.Changes, r.Records, bytesOf(r), job.Encode.FormatName())
	fmt.Fprintf(table, "read\t%s in %s\n", units.FormatSize(r.Read), took.Round(time.Millisecond))
	return table.Flush()
}

// stateOf says what would become of a state.
func stateOf(path string) string {
	if _, there, err := checkpoint.Load(path); err == nil && !there {
		return "would be made"
	}
	return "would be continued"
}

func bytesOf(r *encode.Result) string {
	if r.Written == r.Plain {
		return units.FormatSize(r.Plain)
	}
	return fmt.Sprintf("%s, %s of them compressed", units.FormatSize(r.Plain), units.FormatSize(r.Written))
}
