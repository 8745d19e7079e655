package files

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/units"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/encode/health"
	"pikabin/encode/run"
)

// Backfill is a run.Source of logs as they are now.
type Backfill struct {
	Find  Finder
	Until decode.Where
	Check func(from, until decode.Position) error // refuses a range of a log
	Ahead int                                     // archives that are unpacked ahead, see binlog.PlanOptions
	Bar   func(total int64) *console.Bar          // begins to show how far it is
	Say   func(text string)                       // takes a line for the user
	Guard *run.Guard
	From  decode.Where // as the user named it, as Until is: of times it is told when a log has no record in between

	logs     []*binlog.Log
	ends     []decode.Position // of what is wanted of each log
	reading  *binlog.Backfill
	bar      *console.Bar
	stopOnce sync.Once
	stop     chan struct{}
}

// Logs finds the logs, and where to end in each.
func (b *Backfill) Logs(ctx context.Context) ([]run.Log, error) {
	var err error
	if b.logs, err = b.Find(); err != nil {
		return nil, err
	}
	b.ends = make([]decode.Position, len(b.logs))
	for i, l := range b.logs {
		b.Guard.Log(l.Dir())
		if b.ends[i], err = l.Resolve(ctx, b.Until); err != nil {
			return nil, err
		}
	}
	return runLogs(b.logs), nil
}

// runLogs are logs as a run knows them.
func runLogs(logs []*binlog.Log) []run.Log {
	list := make([]run.Log, len(logs))
	for i, l := range logs {
		list[i] = l
	}
	return list
}

// Progress is told how many bytes of the logs have been dealt with.
func (b *Backfill) Progress(bytes int64) { b.bar.Add(bytes) }

// Open plans the reading of each log.
func (b *Backfill) Open(ctx context.Context, begin run.Begin) (run.Source, error) {
	b.stop = make(chan struct{})
	plans := make([]*binlog.Plan, len(b.logs))
	var texts []string
	total := int64(0)
	for i, l := range b.logs {
		place, err := begin(ctx, l, false)
		if err != nil {
			return nil, err
		}
		from, until := place.From(), b.ends[i]
		if !place.Saved {
			if err := b.Check(from, until); err != nil {
				return nil, err
			}
		}
		plans[i] = l.Chunks(from, until, binlog.PlanOptions{Ahead: b.Ahead, Before: place.Before, Stop: b.stop})
		total += l.SizeBetween(from, until)
		texts = append(texts, fmt.Sprintf("%s: from %s to %s", l.ID(), place.Why, run.Named(until, b.Until)))
		if !place.Saved {
			texts = append(texts, b.beside(ctx, l, from, until)...)
		}
	}
	for _, text := range texts {
		b.Say(text)
	}
	b.reading = binlog.NewBackfill(plans...)
	b.bar = b.Bar(total)
	return b, nil
}

// beside says of which times a log is that has nothing in a range of times. It only helps: a log that cannot tell it, or be read, says nothing.
func (b *Backfill) beside(ctx context.Context, l *binlog.Log, from, until decode.Position) []string {
	since, sinceTime := b.From.Seconds()
	_, untilTime := b.Until.Seconds()
	open := sinceTime && until == decode.Position{Segment: from.Segment, Offset: math.MaxInt64} // an archive, whose end is not known yet
	if !sinceTime && !untilTime || from.Before(until) && !open {
		return nil
	}
	first, last, ok, err := l.Times(ctx)
	if err != nil || !ok || from.Before(until) && last >= since {
		return nil
	}
	return []string{fmt.Sprintf("%s: no record is in this range: the log has records from %s to %s", l.ID(), units.FormatTime(first, time.Local), units.FormatTime(last, time.Local))}
}

// Next gives the next chunk.
func (b *Backfill) Next(ctx context.Context) (decode.Chunk, error) { return b.reading.Next(ctx) }

// Stop ends the plans.
func (b *Backfill) Stop() { b.stopOnce.Do(func() { close(b.stop) }) }

// Close closes the plans, and ends the progress bar.
func (b *Backfill) Close() error {
	b.bar.Finish()
	return b.reading.Close()
}

// Delivered is of no use to files that nobody writes.
func (*Backfill) Delivered(map[*decode.Log]checkpoint.Mark) {}

// Status is not asked for: a backfill is not watched.
func (*Backfill) Status() []health.LogStatus { return nil }
