package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlog/pin"
	"pikabin/encode/checkpoint"
	"pikabin/encode/health"
	"pikabin/encode/run"
	"pikabin/encode/vfs"
)

// live is a run.Source of logs that a server writes.
type live struct {
	*tailCommand
	*streams
	guard *run.Guard
	from  decode.Where
	pins  *pin.Pins // nil: nothing is pinned
	tail  *follow.Tail

	first decode.Position // where the first log is read from
	begun bool
	holes []decode.Hole                // before the places where logs are read from
	next  func() (decode.Chunk, error) // comes after the holes; nil: the tail is to be asked
}

func (l *live) openPins(ctx context.Context) error {
	if l.Pin == "" {
		return nil
	}
	if err := run.NewGuard(l.Sources).Outside("pin folder", filepath.Join(l.Pin, ".")); err != nil {
		return err
	}
	var err error
	l.pins, err = pin.New(context.WithoutCancel(ctx), pin.Options{FS: vfs.OS{}, Dir: l.Pin, Limit: int64(l.PinLimit), Warn: l.console.Warn})
	return err
}

func (l *live) closePins() error {
	if l.pins == nil {
		return nil
	}
	return l.pins.Close()
}

// find finds the logs that are there already.
func (l *live) find(context.Context) ([]run.Log, error) {
	logs, err := l.there()
	if err != nil {
		return nil, err
	}
	logs = slices.DeleteFunc(logs, func(found *binlog.Log) bool { return !l.wants(found.ID().String()) })
	if len(logs) > 1 && l.from.IsPosition() {
		return nil, errOneDB
	}
	for _, found := range logs {
		l.guard.Log(found.Dir())
	}
	return runLogs(logs), nil
}

func (l *live) there() ([]*binlog.Log, error) {
	generation, err := l.generation()
	if err != nil {
		return nil, err
	}
	return follow.Find(l.Sources, binlog.Options{Generation: generation})
}

// open begins to follow the logs.
func (l *live) open(ctx context.Context, begin run.Begin) (run.Source, error) {
	generation, err := l.generation()
	if err != nil {
		return nil, err
	}
	l.tail, err = follow.Open(ctx, l.Sources, follow.Options{
		Options: binlog.Options{Generation: generation}, PollMax: l.PollMax, NoWatch: l.Poll, Idle: l.IdleExit,
		Want: func(log *decode.Log) bool { return l.wants(log.String()) },
		Start: func(ctx context.Context, log *binlog.Log, late bool) (decode.Position, error) {
			return l.start(ctx, begin, log, late)
		},
		Note: func(n binlog.Note) { l.console.Warn(n.String()) },
	})
	if err != nil {
		return nil, err
	}
	logs := l.tail.Logs()
	if len(logs) > 0 {
		if err := l.checkStart(ctx, logs[0], l.first); err != nil {
			return nil, errors.Join(err, l.tail.Close())
		}
	}
	if missing := l.missing(l.DB, logs); missing != nil || len(logs) == 0 {
		there, _ := l.there() // none is as good as not known
		l.console.Warn(fmt.Sprintf("not every selected DB is in %s yet: waiting for it to appear; there are %s", strings.Join(l.Sources, ", "), namesOf(there)))
	}
	return l, nil
}

// start says where a log is read from, and has its segments pinned from there.
func (l *live) start(ctx context.Context, begin run.Begin, log *binlog.Log, late bool) (decode.Position, error) {
	place, err := begin(ctx, log, late)
	if err != nil {
		return decode.Position{}, err
	}
	l.console.Info(fmt.Sprintf("%s: from %s", log.ID(), place.Why))
	if !l.begun {
		l.begun = true
		l.first = place.From()
	}
	if place.Before != nil {
		l.holes = append(l.holes, place.Before)
	}
	if l.pins != nil {
		epoch := place.Mark.Epoch
		if place.Before != nil {
			epoch++
		}
		err = l.pins.Follow(log, place.From(), epoch)
	}
	return place.From(), err
}

// Next gives what the tail does, after what is missing before the places of its logs. Where a history was replaced, other
// segments are pinned from then on.
func (l *live) Next(ctx context.Context) (decode.Chunk, error) {
	if len(l.holes) == 0 && l.next == nil {
		chunk, err := l.tail.Next(ctx)
		if r, ok := errors.AsType[*decode.RewrittenError](err); ok && l.pins != nil {
			l.pins.Restart(r.Log, r.To)
		}
		if len(l.holes) == 0 {
			return chunk, err
		}
		l.next = func() (decode.Chunk, error) { return chunk, err } // of a log that has appeared
	}
	if len(l.holes) > 0 {
		hole := l.holes[0]
		l.holes = l.holes[1:]
		return decode.Chunk{}, hole
	}
	next := l.next
	l.next = nil
	return next()
}

// Stop ends the tail.
func (l *live) Stop() { l.tail.Stop() }

// Close ends the tail.
func (l *live) Close() error { return l.tail.Close() }

// Delivered lets go of the segments before the places.
func (l *live) Delivered(marks map[*decode.Log]checkpoint.Mark) {
	if l.pins == nil {
		return
	}
	for log, mark := range marks {
		l.pins.Release(log, mark.Position, mark.Epoch)
	}
}

// Status are the logs as they are on the disk. Where one cannot be looked at now it is as it was.
func (l *live) Status() []health.LogStatus {
	list, _ := l.tail.Status()
	statuses := make([]health.LogStatus, len(list))
	for i, s := range list {
		statuses[i] = health.LogStatus{
			Log: s.ID, End: s.Committed, Segments: len(s.Segments), Grew: s.Moved,
			Behind: func(from decode.Position) int64 { bytes, _ := s.Behind(from); return bytes },
			Older:  s.Older, Trouble: s.Trouble, TroubleSince: s.TroubleSince,
		}
	}
	return statuses
}
