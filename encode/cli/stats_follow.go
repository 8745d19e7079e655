package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/live"
	"pikabin/encode/cli/traffic/report"
	"pikabin/encode/console"
)

// followFlags say how a log is watched.
type followFlags struct {
	Follow   bool          `help:"Keep the report up to date beside a live log, on a terminal; with --json an object each --interval."`
	Interval time.Duration `default:"1s" placeholder:"TIME" help:"With --follow: time between two reports. Default: 1s."`
	IdleExit time.Duration `placeholder:"TIME" help:"With --follow: end when nothing new has come for this long."`
}

// shortest is the time that a report takes at least: it is put together of all that there is.
const shortest = 100 * time.Millisecond

func (c *statsCommand) checkFollow() error {
	switch {
	case !c.Follow && c.IdleExit > 0:
		return exit.Misuse(errors.New("--idle-exit is for --follow: without it the report ends at the end of the log"))
	case !c.Follow:
		return nil
	case c.Until != "":
		return exit.Misuse(errors.New("--follow has no end: leave out --until, or --follow"))
	case c.CSV:
		return exit.Misuse(errors.New("--csv is one table: with --follow give --json"))
	case c.Interval < shortest:
		return exit.Misuse(fmt.Errorf("--interval %v: expected %v or more", c.Interval, shortest))
	}
	return nil
}

// follow reckons a live log until somebody has seen enough, and shows it meanwhile.
func (c *statsCommand) follow(ctx context.Context, s *shell.Streams, out *traffic.Output) error {
	if c.JSON {
		return c.watch(ctx, s, out, func(ctx context.Context, _ func()) error { return c.repeat(ctx, s, out) })
	}
	terminal, restore, ok := live.Open(s.Stdout.Writer, os.Stdin)
	if !ok {
		return exit.Misuse(errors.New("--follow draws on a terminal, and standard output is none: give --json"))
	}
	var held live.Messages
	beside := *s
	beside.Console = console.New(&held, false, s.Quiet)
	err := c.watch(ctx, &beside, out, func(ctx context.Context, quit func()) error {
		screen := live.Screen{
			Terminal: terminal, Title: "pikabin stats " + strings.Join(c.Sources, " "), Interval: c.Interval,
			Summary: out.Summary, Message: held.Last, Quit: quit, Zone: time.Local,
		}
		return screen.Show(ctx)
	})
	restore()
	held.Tell(s.Console)
	return err
}

// watch reckons until the context ends or quit is called, while show shows it.
func (c *statsCommand) watch(ctx context.Context, s *shell.Streams, out *traffic.Output, show func(ctx context.Context, quit func()) error) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	var tail tailCommand
	tail.Sources, tail.SourceFlags, tail.From = c.Sources, c.SourceFlags, cmp.Or(c.From, "start")
	tail.PollMax, tail.IdleExit = usualPoll, c.IdleExit
	tail.StreamFlags = c.stream()
	job, err := tail.JobTo(s, &tail.SourceFlags, tail.Sources, out)
	if err != nil {
		return exit.Misuse(err)
	}
	done, err := tail.take(ctx, s, job)
	if err != nil {
		return err
	}
	reckoned(job, s)
	finished := make(chan error, 1)
	go func() {
		result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
		finished <- errors.Join(ended(s, &result, err), done())
		quit()
	}()
	showErr := show(ctx, quit)
	quit()
	return errors.Join(<-finished, showErr)
}

// repeat prints a report now and then, until the context ends.
func (c *statsCommand) repeat(ctx context.Context, s *shell.Streams, out *traffic.Output) error {
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if err := report.JSON(s.Stdout, out.Summary()); err != nil {
			return err
		}
	}
}
