package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"pikabin/encode/cli/comparing"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
	"pikabin/encode/readback/compare"
	"pikabin/encode/readback/held"
	"pikabin/encode/run"
)

// verifyOutputCommand compares what an output holds with the logs.
type verifyOutputCommand struct {
	Source            string `arg:"" help:"A log folder, the folder of a DB, or a segment file."`
	Written           string `arg:"" name:"output" help:"What was written of it: a file, a folder (DIR/), a bucket (s3://BUCKET/PREFIX/), a folder of HDFS (webhdfs://NAMENODE:9870/PATH/), or a topic (kafka://HOST:PORT/TOPIC)."`
	flags.SourceFlags `group:"Source:"`
	flags.RangeFlags  `group:"Source:"`
	Format            string `group:"Output:" short:"f" help:"Format of what was written: avro, csv, jsonl, msgpack, parquet or protobuf. Default: from the names of its files; of a topic jsonl."`
	Bytes             string `group:"Output:" enum:"auto,base64" default:"auto" help:"How it was written, as for convert. Without it the comparison is right, too, and slower."`
	Args              bool   `group:"Output:" help:"It was written with --args."`
	All               bool   `group:"Output:" help:"It was written with --all."`
	flags.FilterFlags `group:"Filter:"`
	flags.RunFlags    `group:"Run:"`

	AllowRepeats bool `group:"Run:" help:"Events may come again as they were, as an output may have them that promises each at least once."`
	JSON         bool `group:"Run:" name:"json" help:"A report for programs."`
}

// Help is shown by verify-output --help.
func (*verifyOutputCommand) Help() string {
	return `Examples:

  pikabin verify-output /data/pika/log changes.jsonl.zst
  pikabin verify-output /data/pika/log /data/changes/ --until 2h
  pikabin verify-output /data/pika/log/log_db0 changes.pb --key 'user:*'
  pikabin verify-output /data/pika/log /data/warehouse/ -f parquet --json
  pikabin verify-output /data/pika/log 's3://bucket/changes/?region=eu-west-1'
  pikabin verify-output /data/pika/log 'kafka://broker1:9092/pika' --allow-repeats

Give the same flags as when it was written: what is compared is what convert would write now. With --from and --until only the
events between them are compared. The log has to be there still. Of a bucket complete parts are read, each by a file in TMPDIR. Topics
are read as a consumer reads them that waits for the ends of transactions, without a group; the events of a key are compared in their order. A topic that was not written with the option
exactly-once may have events that come again: --allow-repeats. Exit code 7: the output is not what the log says.`
}

// Run compares, and prints the first differences and the report.
func (c *verifyOutputCommand) Run(ctx context.Context, s *shell.Streams) error {
	sources, target := []string{c.Source}, c.Written
	h, closeAll, err := c.held(ctx, target)
	if err != nil {
		return err
	}
	defer closeAll()
	convert := convertCommand{Sources: sources, SourceFlags: c.SourceFlags, RangeFlags: c.RangeFlags}
	convert.OutputFlags = flags.OutputFlags{Format: h.Format.As, Output: target, Bytes: c.Bytes, Args: c.Args, All: c.All}
	convert.FilterFlags, convert.RunFlags = c.FilterFlags, c.RunFlags
	from, until, err := c.Where()
	if err != nil {
		return err
	}
	to := comparing.New(target, h, from, until, c.AllowRepeats)
	job, err := convert.JobTo(s, &convert.SourceFlags, sources, to)
	if err != nil {
		return exit.Misuse(err)
	}
	job.Tell = s.Console.Quietly()
	if err := convert.read(s, job); err != nil {
		return err
	}
	to.Watch(job)
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	if err == nil {
		err = to.Finish(ctx)
	} else {
		to.Abandon()
	}
	if unread, ok := errors.AsType[*held.UnreadError](err); ok {
		return unread // which is about reading the output, and not about writing it
	}
	if err != nil {
		return err
	}
	if err := c.print(s, to.Report()); err != nil {
		return err
	}
	if len(h.Hidden) > 0 && to.Report().Counts[compare.Missing] > 0 {
		s.Console.Warn(fmt.Sprintf("there are parts that are not complete, such as %s: their events are missing until a run completes them", h.Hidden[0]))
	}
	return cmp.Or(lossOf(s, &result, nil), differs(to.Report()))
}

// held finds what the output holds. What it gives besides is called after the comparison.
func (c *verifyOutputCommand) held(ctx context.Context, target string) (*compare.Held, func(), error) {
	if _, err := flags.LookupFormat(cmp.Or(c.Format, "jsonl")); err != nil {
		return nil, nil, err
	}
	h, closeAll, err := held.Open(ctx, target, c.Format)
	if _, unread := errors.AsType[*held.UnreadError](err); unread && ctx.Err() != nil {
		err = run.ErrInterrupted
	} else if err != nil && !unread && !errors.Is(err, fs.ErrNotExist) {
		err = exit.Misuse(err)
	}
	return h, closeAll, err
}

func (c *verifyOutputCommand) print(s *shell.Streams, r *compare.Report) error {
	if c.JSON {
		return json.NewEncoder(s.Stdout).Encode(r)
	}
	for _, d := range r.First {
		if _, err := fmt.Fprintln(s.Stdout, d); err != nil {
			return err
		}
	}
	if more := r.Differences() - int64(len(r.First)); more > 0 {
		if _, err := fmt.Fprintf(s.Stdout, "and %d more\n", more); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(s.Stdout, r)
	return err
}

func differs(r *compare.Report) error {
	if r.Differences() == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", exit.ErrReported, exit.ErrDiffers)
}
