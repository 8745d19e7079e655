// Package files are the run.Sources of logs that are files: those that a server writes, and those as they are now.
package files

import (
	"context"
	"fmt"
	"path/filepath"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlog/pin"
	"pikabin/encode/checkpoint"
	"pikabin/encode/health"
	"pikabin/encode/run"
	"pikabin/encode/vfs"
)

// Finder finds the logs that are to be read, as far as they are there.
type Finder func() ([]*binlog.Log, error)

// Live is a run.Source of logs that a server writes.
type Live struct {
	Sources []string
	Find    Finder
	Options follow.Options      // without Start
	Opened  func([]*binlog.Log) // is told of the logs that are there when the reading begins
	Say     func(text string)   // takes a line for the user
	Guard   *run.Guard

	pins  *pin.Pins // nil: nothing is pinned
	tail  *follow.Tail
	begun map[*decode.Log]run.Place
}

// Pin keeps segments from the server's purge until they are delivered, by links in a folder outside of the logs.
func (l *Live) Pin(ctx context.Context, o pin.Options) error {
	if err := run.NewGuard(l.Sources).Outside("pin folder", filepath.Join(o.Dir, ".")); err != nil {
		return err
	}
	o.FS = vfs.OS{}
	var err error
	l.pins, err = pin.New(context.WithoutCancel(ctx), o)
	return err
}

// Unpin ends the pinning. The links of what is not delivered stay for the next run.
func (l *Live) Unpin() error {
	if l.pins == nil {
		return nil
	}
	return l.pins.Close()
}

// Logs finds the logs that are there already.
func (l *Live) Logs(context.Context) ([]run.Log, error) {
	logs, err := l.Find()
	if err != nil {
		return nil, err
	}
	for _, found := range logs {
		l.Guard.Log(found.Dir())
	}
	return runLogs(logs), nil
}

// Open begins to follow the logs.
func (l *Live) Open(ctx context.Context, begin run.Begin) (run.Source, error) {
	l.begun = map[*decode.Log]run.Place{}
	o := l.Options
	o.Start = func(ctx context.Context, log *binlog.Log, late bool) (decode.Position, decode.Hole, error) {
		place, err := l.start(ctx, begin, log, late)
		return place.From(), place.Before, err
	}
	var err error
	if l.tail, err = follow.Open(ctx, l.Sources, o); err != nil {
		return nil, err
	}
	l.Opened(l.tail.Logs())
	return l, nil
}

// start says where a log is read from, and has its segments pinned from there.
func (l *Live) start(ctx context.Context, begin run.Begin, log *binlog.Log, late bool) (run.Place, error) {
	place, err := begin(ctx, log, late)
	if err != nil {
		return place, err
	}
	l.Say(fmt.Sprintf("%s: from %s", log.ID(), place.Why))
	l.begun[log.ID()] = place
	if l.pins != nil {
		epoch := place.Mark.Epoch
		if place.Before != nil {
			epoch++
		}
		err = l.pins.Follow(log, place.From(), epoch)
	}
	return place, err
}

// Next gives what the tail does. Where a history is replaced, other segments are pinned from then on.
func (l *Live) Next(ctx context.Context) (decode.Chunk, error) {
	chunk, err := l.tail.Next(ctx)
	rewritten, ok := chunk.Missing.(*decode.RewrittenError)
	if ok && l.pins != nil && chunk.Missing != l.begun[chunk.Log].Before {
		l.pins.Restart(rewritten.Log, rewritten.To)
	}
	return chunk, err
}

// Stop ends the tail.
func (l *Live) Stop() { l.tail.Stop() }

// Close ends the tail.
func (l *Live) Close() error { return l.tail.Close() }

// Delivered lets go of the segments before the places.
func (l *Live) Delivered(marks map[*decode.Log]checkpoint.Mark) {
	if l.pins == nil {
		return
	}
	for log, mark := range marks {
		l.pins.Release(log, mark.Position, mark.Epoch)
	}
}

// Status are the logs as they are on the disk. Where one cannot be looked at now it is as it was.
func (l *Live) Status() []health.LogStatus {
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
