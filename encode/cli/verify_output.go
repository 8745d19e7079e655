package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"pikabin/encode/cli/comparing"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
	"pikabin/encode/readback/compare"
	"pikabin/encode/readback/held"
)

// verifyOutputCommand compares what an output holds with the logs.
type verifyOutputCommand struct {
	Source            string `arg:"" help:"A log folder, the folder of a DB, or a segment file."`
	Written           string `arg:"" name:"output" help:"What was written of it: a file, or a folder (DIR/)."`
	flags.SourceFlags `group:"Source:"`
	flags.RangeFlags  `group:"Source:"`
	Format            string `group:"Output:" short:"f" help:"Format of what was written: avro, jsonl, parquet or protobuf. Default: from the names of its files."`
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

Give the same flags as when it was written: what is compared is what convert would write now. With --from and --until only the
events between them are compared. The log has to be there still. Exit code 7: the output is not what the log says.`
}

// Run compares, and prints the first differences and the report.
func (c *verifyOutputCommand) Run(ctx context.Context, s *shell.Streams) error {
	sources, target := []string{c.Source}, c.Written
	h, err := c.held(target)
	if err != nil {
		return err
	}
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
	if err != nil {
		return err
	}
	if err := c.print(s, to.Report()); err != nil {
		return err
	}
	return cmp.Or(lossOf(s, &result, nil), differs(to.Report()))
}

// held finds what the output holds.
func (c *verifyOutputCommand) held(target string) (*compare.Held, error) {
	if _, err := flags.LookupFormat(cmp.Or(c.Format, "jsonl")); err != nil {
		return nil, err
	}
	var h *compare.Held
	var err error
	switch {
	case strings.Contains(target, "://") || target == "-":
		return nil, exit.Misuse(fmt.Errorf("%s cannot be read back: name a file, or a folder (DIR/)", target))
	case strings.HasSuffix(target, "/"):
		h, err = held.Folder(target, c.Format)
	default:
		h, err = held.File(target, c.Format)
	}
	if err != nil {
		return nil, exit.Misuse(err)
	}
	return h, nil
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
