package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/live"
	"pikabin/encode/cli/traffic/report"
	"pikabin/encode/console"
)

// followFlags say how a log is watched.
type followFlags struct {
	Follow   bool          `help:"Keep the report up to date beside a live log, on a terminal; with --json an object each --interval."`
	Interval time.Duration `default:"1s" placeholder:"TIME" help:"With --follow: time between two reports. Default: 1s."`
	IdleExit time.Duration `placeholder:"TIME" help:"With --follow: end when nothing new has come for so long."`
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
func (c *statsCommand) follow(ctx context.Context, s *streams, out *traffic.Output) error {
	if c.JSON {
		return c.watch(ctx, s, out, func(ctx context.Context, _ func()) error { return c.repeat(ctx, s, out) })
	}
	terminal, restore, ok := live.Open(s.stdout.Writer, os.Stdin)
	if !ok {
		return exit.Misuse(errors.New("--follow draws on a terminal, and standard output is none: give --json"))
	}
	var held messages
	beside := *s
	beside.console = console.New(&held, false, s.quiet)
	err := c.watch(ctx, &beside, out, func(ctx context.Context, quit func()) error {
		screen := live.Screen{
			Terminal: terminal, Title: "pikabin stats " + strings.Join(c.Sources, " "), Interval: c.Interval,
			Summary: out.Summary, Message: held.last, Quit: quit, Zone: time.Local,
		}
		return screen.Show(ctx)
	})
	restore()
	held.tell(s.console)
	return err
}

// watch reckons until the context ends or quit is called, while show shows it.
func (c *statsCommand) watch(ctx context.Context, s *streams, out *traffic.Output, show func(ctx context.Context, quit func()) error) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	var tail tailCommand
	tail.Sources, tail.sourceFlags, tail.From = c.Sources, c.sourceFlags, cmp.Or(c.From, "start")
	tail.PollMax, tail.IdleExit = usualPoll, c.IdleExit
	tail.streamFlags = c.stream()
	job, err := tail.jobTo(s, &tail.sourceFlags, tail.Sources, out)
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
func (c *statsCommand) repeat(ctx context.Context, s *streams, out *traffic.Output) error {
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if err := report.JSON(s.stdout, out.Summary()); err != nil {
			return err
		}
	}
}

// mostHeld is how many messages are kept while the screen is drawn on.
const mostHeld = 100

// messages are lines for the user that wait until the screen is theirs again.
type messages struct {
	mu    sync.Mutex
	lines []string
}

// Write implements io.Writer, for a console.
func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for text := range strings.Lines(string(p)) {
		m.lines = append(m.lines, strings.TrimPrefix(strings.TrimSuffix(text, "\n"), "pikabin: "))
	}
	m.lines = m.lines[max(len(m.lines)-mostHeld, 0):]
	return len(p), nil
}

func (m *messages) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lines) == 0 {
		return ""
	}
	return m.lines[len(m.lines)-1]
}

func (m *messages) tell(to *console.Console) {
	for _, text := range m.lines {
		to.Warn(text)
	}
}
