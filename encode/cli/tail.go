package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlog/follow/discovery"
	"pikabin/decode/binlog/pin"
	"pikabin/encode"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/files"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/network"
	"pikabin/encode/cli/piped"
	"pikabin/encode/cli/shell"
	"pikabin/encode/console"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
)

// tailCommand follows live logs.
type tailCommand struct {
	Sources           []string `arg:"" name:"source" help:"Pika's log folder, or folders of DBs; or a server: pika://host:9221."`
	flags.SourceFlags `group:"Source:"`
	From              string `group:"Source:" placeholder:"WHERE" help:"Begin at a position (12:4096), a time, this long ago (2h), start or end (the default). A DB that the state knows continues where it was."`
	tailFlags         `group:"Source:"`
	flags.StreamFlags
}

// tailFlags say how logs are followed.
type tailFlags struct {
	PollMax  time.Duration `default:"100ms" placeholder:"TIME" help:"Longest time between two looks at a log that has been silent for a while. Default: 100ms."`
	Poll     bool          `help:"Look from time to time only: for file systems that do not tell of changes."`
	IdleExit time.Duration `placeholder:"TIME" help:"End when nothing new has come for this long."`
	Pin      string        `placeholder:"DIR" help:"Keep segments from the server's purge until they are delivered, by hard links in this folder on the same file system."`
	PinLimit console.Size  `placeholder:"SIZE" help:"Bound on what the links hold that the server has purged. Above it the oldest are let go, loudly. Default: none."`
	Listen   string        `placeholder:"ADDRESS" help:"Serve /metrics, /healthz and /livez here, such as 127.0.0.1:9108."`
	Stalled  time.Duration `default:"60s" placeholder:"TIME" help:"/healthz fails when the log has grown and nothing was delivered for this long. Default: 60s."`
}

// check refuses flags that contradict each other.
func (f *tailFlags) check() error {
	if f.PinLimit > 0 && f.Pin == "" {
		return exit.Misuse(errors.New("--pin-limit bounds what --pin holds: name its folder with --pin"))
	}
	return nil
}

// Help is shown by tail --help.
func (*tailCommand) Help() string {
	return `Examples:

  pikabin tail /data/pika/log | jq -r .key
  pikabin tail /data/pika/log --db db0 --from 10m --type hash
  pikabin tail /data/pika/log --state pika.state -o /data/changes/ --compress zstd --roll-interval 10m
  pikabin tail /data/pika/log --state pika.state -o changes.jsonl --pin /data/pika/pins --listen 127.0.0.1:9108
  PIKABIN_PIKA_PASSWORD=... pikabin tail pika://10.0.0.5:9221/db0 --state pika.state -o changes.jsonl
  pikabin tail /data/pika/log --from start -o kafka://broker:9092/pika --exactly-once --standby
  pikabin tail /data/pika/log --from start -o redis://10.0.0.7:6379 --exactly-once

SIGINT and SIGTERM deliver what was read and end, SIGHUP completes the current part of the output.
A file that was moved is complete at SIGHUP, too, and a new one is started, as for the rotation of logs.`
}

// Run follows the logs until it is told to stop.
func (c *tailCommand) Run(ctx context.Context, s *shell.Streams) error {
	job, err := c.Job(s, &c.SourceFlags, c.Sources)
	if err = errors.Join(err, c.check()); err != nil {
		return exit.Misuse(err)
	}
	if c.DryRun {
		return c.rehearse(ctx, s, job)
	}
	done, err := c.take(ctx, s, job)
	if err != nil {
		return err
	}
	return errors.Join(c.watch(ctx, s, job), done())
}

// take gives a job its source: the logs of files, or those of a server. done is called after the run.
func (c *tailCommand) take(ctx context.Context, s *shell.Streams, job *run.Job) (done func() error, err error) {
	if n, err := c.Server(s, &c.SourceFlags, c.Sources, job); n != nil || err != nil {
		return n.HangUp, c.follow(n, job, err)
	}
	from, err := decode.ParseWhere(c.From, time.Now())
	if err != nil {
		return nil, exit.Misuse(err)
	}
	l, err := c.live(s, job.Guard, from)
	if err != nil {
		return nil, err
	}
	if c.Pin != "" {
		if err := l.Pin(ctx, pin.Options{Dir: c.Pin, Limit: int64(c.PinLimit), Warn: s.Console.Warn}); err != nil {
			return nil, err
		}
	}
	job.Logs, job.Open, job.From, job.Default, job.Follow = l.Logs, l.Open, from, decode.LogEnd, true
	return l.Unpin, nil
}

// live reads the logs of files.
func (c *tailCommand) live(s *shell.Streams, guard *run.Guard, from decode.Where) (*files.Live, error) {
	generation, err := c.Generation()
	if err != nil {
		return nil, err
	}
	if slices.Contains(c.Sources, piped.Name) {
		return nil, exit.Misuse(errors.New("standard input ends, and a tail does not: convert, history, stats, inspect, info and verify read a segment from -"))
	}
	there := func() ([]*binlog.Log, error) {
		return discovery.Find(c.Sources, binlog.Options{Generation: generation})
	}
	return &files.Live{
		Sources: c.Sources, Guard: guard, Say: s.Console.Info,
		Find: func() ([]*binlog.Log, error) {
			logs, err := there()
			logs = slices.DeleteFunc(logs, func(l *binlog.Log) bool { return !c.Wants(l.ID().String()) })
			if err == nil && len(logs) > 1 && from.IsPosition() {
				err = flags.ErrOneDB
			}
			return logs, err
		},
		Options: follow.Options{
			Options: binlog.Options{Generation: generation}, PollMax: c.PollMax, NoWatch: c.Poll, Idle: c.IdleExit,
			Want: func(log *decode.Log) bool { return c.Wants(log.String()) },
			Note: func(o binlog.Oddity) { s.Console.With(exit.OddityFields(o)...).Warn(o.String()) },
		},
		Opened: func(logs []*binlog.Log) {
			if missing := c.Missing(c.DB, logs); missing != nil || len(logs) == 0 {
				all, _ := there() // none is as good as not known
				s.Console.Warn(fmt.Sprintf("not all selected DBs are in %s yet (there: %s): waiting for them", strings.Join(c.Sources, ", "), flags.NamesOf(all)))
			}
		},
	}, nil
}

// follow follows the logs of a server over the network.
func (c *tailCommand) follow(n *network.Source, job *run.Job, err error) error {
	if err == nil && (c.Pin != "" || c.Poll) {
		err = errors.New("--pin and --poll are for files: the server keeps what is not acknowledged (hold)")
	}
	if err != nil {
		return exit.Misuse(err)
	}
	if n.From, err = decode.ParseWhere(c.From, time.Now()); err != nil {
		return exit.Misuse(err)
	}
	n.Follows, n.Options.Idle = true, c.IdleExit
	job.Logs, job.Open, job.From, job.Default, job.Follow = n.Find, n.Open, n.From, decode.LogEnd, true
	return nil
}

// usualPoll is --poll-max where there is no such flag.
const usualPoll = 100 * time.Millisecond

// watch runs the job until it is told to stop, and shows how it is.
func (c *tailCommand) watch(ctx context.Context, s *shell.Streams, job *run.Job) error {
	job.Watch = &run.Watch{Listen: c.Listen, Stalled: c.Stalled, Version: s.Program.Version, Console: s.Console}
	if !job.Output.Target().Stdout {
		job.Watch.Line = c.Progress
	}
	roll, done := shell.Hangups()
	defer done()
	job.Encode.Stats, job.Encode.Roll = &stats.Stats{}, roll
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	return ended(s, &result, err)
}

// ended says how a run ended. To be told to end is its usual end.
func ended(s *shell.Streams, result *encode.Result, err error) error {
	if left, ok := errors.AsType[*run.LeftError](err); ok {
		s.Console.Warn(left.Error())
		return nil
	}
	if stopped, ok := errors.AsType[*sink.StoppedError](err); ok {
		s.Console.Info(stopped.Error())
		return nil
	}
	if err == run.ErrInterrupted { //nolint:errorlint // what wraps it has more to say
		err = nil
	}
	return lossOf(s, result, err)
}
