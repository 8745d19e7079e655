package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/page"
	"pikabin/encode/cli/traffic/report"
	"pikabin/encode/disk"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// statsCommand tells what a log consists of.
type statsCommand struct {
	Sources           []string `arg:"" name:"source" help:"Log folders, DB folders or segment files; or a server: pika://host:9221."`
	flags.SourceFlags `group:"Source:"`
	flags.RangeFlags  `group:"Source:"`
	reportFlags       `group:"Output:"`
	flags.FilterFlags `group:"Filter:"`
	followFlags       `group:"Run:"`
	flags.RunFlags    `group:"Run:"`
}

// Help is shown by stats --help.
func (*statsCommand) Help() string {
	return `Examples:

  pikabin stats /data/pika/log
  pikabin stats /data/pika/log --from 2h --step 10s --key 'session:*'
  pikabin stats /data/pika/log --json | jq '.commands[] | select(.bytes > 1000000)'
  pikabin stats /data/pika/log/log_db0 --csv --top 100 > stats.csv
  pikabin stats /data/pika/log --html stats.html
  pikabin stats /data/pika/log --follow --from 10m
  pikabin stats pika://10.0.0.5:9221 --type hash

Bytes are those of the records in the log; the events of one command share them. A value's size is that of what the command writes. Of keys and prefixes the
most frequent are found in bounded memory: as long as there are few thousand, all counts are exact, and beyond that the report says by how much they can be too low.
At damage and gaps it is as with convert, and what came before them is told.`
}

// reportFlags say what is told, and how.
type reportFlags struct {
	Step      time.Duration `default:"1m" placeholder:"TIME" help:"Length of the steps of the timeline. They become longer when there are very many. Default: 1m."`
	Delimiter string        `default:":" placeholder:"TEXT" help:"What ends the prefix of a key. Default: a colon."`
	Top       int           `default:"10" placeholder:"N" help:"How many keys, prefixes and values are listed. Default: 10."`
	JSON      bool          `name:"json" help:"A report for programs."`
	HTML      string        `name:"html" placeholder:"FILE" help:"Write a page with charts into this file, too."`
	CSV       bool          `name:"csv" help:"A table for spreadsheets: a line for each number."`
}

// maxTop bounds what is listed: it is kept for each of several lanes.
const maxTop = 1000

func (f *reportFlags) check() error {
	switch {
	case f.Step < time.Second || f.Step%time.Second != 0:
		return exit.Misuse(fmt.Errorf("--step %v: expected whole seconds: a log tells no shorter times", f.Step))
	case f.Delimiter == "":
		return exit.Misuse(errors.New("--delimiter is empty: give the text that ends the prefix of a key"))
	case f.JSON && f.CSV:
		return exit.Misuse(errors.New("--json and --csv are two forms of the report: give one"))
	case f.Top < 1 || f.Top > maxTop:
		return exit.Misuse(fmt.Errorf("--top %d: expected a number from 1 to %d", f.Top, maxTop))
	}
	return nil
}

// Run reads, and tells what has been read, also when that ended early.
func (c *statsCommand) Run(ctx context.Context, s *shell.Streams) error {
	guard := run.NewGuard(c.Sources)
	if err := cmp.Or(c.check(), c.checkFollow(), c.checkPage(guard)); err != nil {
		return err
	}
	out := traffic.New(traffic.Options{Step: c.Step, Delimiter: c.Delimiter, Top: c.Top})
	read := c.read
	if c.Follow {
		read = c.follow
	}
	err := read(ctx, s, out)
	summary := out.Summary()
	if summary.Events == 0 && err != nil && !errors.Is(err, exit.ErrReported) {
		return err
	}
	summary.Complete = err == nil
	return errors.Join(err, c.print(s, summary), c.writePage(ctx, s, guard, summary))
}

// stream are the flags of a run whose output is this report.
func (c *statsCommand) stream() flags.StreamFlags {
	return flags.StreamFlags{OutputFlags: flags.OutputFlags{Format: "jsonl", Output: "-", Bytes: "auto"}, FilterFlags: c.FilterFlags, RunFlags: c.RunFlags}
}

// read reckons what is there.
func (c *statsCommand) read(ctx context.Context, s *shell.Streams, out *traffic.Output) error {
	convert := convertCommand{Sources: c.Sources, SourceFlags: c.SourceFlags, RangeFlags: c.RangeFlags, StreamFlags: c.stream()}
	job, err := convert.JobTo(s, &convert.SourceFlags, convert.Sources, out)
	if err != nil {
		return exit.Misuse(err)
	}
	n, err := convert.take(s, job)
	if err != nil {
		return err
	}
	reckoned(job, s)
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	return errors.Join(lossOf(s, &result, err), n.HangUp())
}

// reckoned has the workers make what traffic reckons, and nothing else. How many events were written is of no interest.
func reckoned(job *run.Job, s *shell.Streams) {
	job.Encode.Format = formats.Format{Name: "digest", New: func(formats.Options) formats.Encoder { return traffic.Encoder{} }}
	job.Tell = s.Console.Quietly()
}

func (f *reportFlags) print(s *shell.Streams, summary *traffic.Summary) error {
	switch {
	case f.JSON:
		return report.JSON(s.Stdout, summary)
	case f.CSV:
		return report.CSV(s.Stdout, summary)
	}
	return report.Text(s.Stdout, summary, f.Top, time.Local)
}

// checkPage refuses a page among the server's files, and one in the place of what is no file: a device would be gone.
func (c *statsCommand) checkPage(guard *run.Guard) error {
	switch c.HTML {
	case "":
		return nil
	case "-":
		return exit.Misuse(errors.New("--html -: standard output has the report: give the name of a file"))
	}
	if info, err := os.Stat(c.HTML); err == nil && !info.Mode().IsRegular() {
		return exit.Misuse(fmt.Errorf("--html %s: it is no file: give the name of one", c.HTML))
	}
	return guard.Outside("page", c.HTML)
}

// writePage writes the page, which gets its name when it is whole. It waits for no room.
func (c *statsCommand) writePage(ctx context.Context, s *shell.Streams, guard *run.Guard, summary *traffic.Summary) error {
	if c.HTML == "" {
		return nil
	}
	var text bytes.Buffer
	if err := page.Write(&text, summary, page.Options{Sources: strings.Join(c.Sources, " "), Version: s.Program.Version, Zone: time.Local}); err != nil {
		return err
	}
	if err := c.checkPage(guard); err != nil {
		return err
	}
	stop := make(chan struct{})
	close(stop)
	if err := disk.New(&sink.Env{Stop: stop}).Replace(context.WithoutCancel(ctx), c.HTML, text.Bytes()); err != nil {
		return pageError(err)
	}
	s.Console.Info("the page is in " + c.HTML)
	return nil
}

// pageError is why there is no page. Where that is a lack of room, nobody has ended the run, as a sink.FullError says.
func pageError(err error) error {
	if full, ok := errors.AsType[*sink.FullError](err); ok {
		err = full.Err
	}
	return &sink.Error{Err: err}
}
