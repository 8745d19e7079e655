package cli

import (
	"context"
	"errors"
	"time"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/console"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// tailCommand follows live logs.
type tailCommand struct {
	Sources []string `arg:"" name:"source" help:"Pika's log folder, or folders of DBs."`
	sourceFlags
	From string `placeholder:"WHERE" help:"Begin at a position (12:4096), a time, so long ago (2h), start or end (the default). A DB that the state knows goes on where it was."`
	streamFlags
	tailFlags
}

// tailFlags say how logs are followed.
type tailFlags struct {
	PollMax  time.Duration `default:"100ms" placeholder:"TIME" help:"Longest time between two looks at a log that has been silent for a while. Default: 100ms."`
	Poll     bool          `help:"Look from time to time only: for file systems that do not tell of changes."`
	IdleExit time.Duration `placeholder:"TIME" help:"End when nothing new has come for so long."`
	Pin      string        `placeholder:"DIR" help:"Keep segments from the server's purge until they are delivered, by hard links in this folder on the same file system."`
	PinLimit console.Size  `placeholder:"SIZE" help:"Bound on what the links hold that the server has purged. Above it the oldest are let go, loudly. Default: none."`
	Listen   string        `placeholder:"ADDRESS" help:"Serve /metrics, /healthz and /livez here, such as 127.0.0.1:9108."`
	Stalled  time.Duration `default:"60s" placeholder:"TIME" help:"/healthz fails when the log has grown and nothing was delivered for so long. Default: 60s."`
}

// check refuses what cannot be meant.
func (f *tailFlags) check() error {
	if f.PinLimit > 0 && f.Pin == "" {
		return usageError{errors.New("--pin-limit bounds what --pin holds: name its folder with --pin")}
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
  pikabin tail /data/pika/log --from start -o kafka://broker:9092/pika --exactly-once --standby

SIGINT and SIGTERM deliver what was read and end, SIGHUP completes the current part of the output.`
}

// Run follows the logs until it is told to stop.
func (c *tailCommand) Run(ctx context.Context, s *streams) error {
	c.live = true
	job, err := c.job(s, &c.sourceFlags, c.Sources)
	if err = errors.Join(err, c.check()); err != nil {
		return usageError{err}
	}
	l := &live{tailCommand: c, streams: s, guard: job.Guard}
	if l.from, err = decode.ParseWhere(c.From, time.Now()); err != nil {
		return usageError{err}
	}
	if err := l.openPins(ctx); err != nil {
		return err
	}
	job.Logs, job.Open, job.From, job.Default, job.Follow = l.find, l.open, l.from, decode.LogEnd, true
	job.Watch = &run.Watch{Listen: c.Listen, Stalled: c.Stalled, Version: s.version, Console: s.console}
	if c.Output != "-" {
		job.Watch.Line = c.Progress
	}
	roll, done := hangups()
	defer done()
	job.Encode.Stats, job.Encode.Roll = &encode.Stats{}, roll
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	return errors.Join(ended(s, &result, err), l.closePins())
}

// ended says how a run ended. To be told to end is its usual end.
func ended(s *streams, result *encode.Result, err error) error {
	if left, ok := errors.AsType[*run.LeftError](err); ok {
		s.console.Warn(left.Error())
		return nil
	}
	if stopped, ok := errors.AsType[*sink.StoppedError](err); ok {
		s.console.Info(stopped.Error())
		return nil
	}
	if err == run.ErrInterrupted { //nolint:errorlint // what wraps it has more to say
		err = nil
	}
	return lossOf(s, result, err)
}
