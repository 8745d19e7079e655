package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlog/pin"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// following is a tail that runs.
type following struct {
	*tailCommand
	*streams
	options encode.Options
	from    decode.Where
	keeping *keeping
	pins    *pin.Pins // nil: nothing is pinned
	tail    *follow.Tail
	sink    sink.Sink
	stuck   bool // the output takes nothing: what is under way is left to the end of the process
	unwatch func()

	// What another history than that of the state has replaced comes out in front of its log.
	holes []decode.Hole
	next  func() (decode.Chunk, error) // comes behind the holes; nil: the tail is to be asked

	mu     sync.Mutex
	starts map[*decode.Log]extent
}

// open takes up the state, finds the logs, and opens the output.
func (f *following) open(ctx context.Context) error {
	o := &f.options
	if err := f.checkOutputs(f.Sources, nil); err != nil {
		return err
	}
	if err := f.openPins(ctx); err != nil {
		return err
	}
	var err error
	if f.keeping, err = f.openState(f.Sources, o); err != nil {
		return err
	}
	f.keeping.behind = f.console.Warn
	generation, err := f.generation()
	if err != nil {
		return err
	}
	o.Start, o.Late, o.Save, o.Stats = map[*decode.Log]checkpoint.Mark{}, f.late, f.save, &encode.Stats{}
	if run.IsRemote(f.Output) { // it may know how far it has come
		if err := f.openRemote(ctx, generation); err != nil {
			return err
		}
	}
	tail, err := follow.Open(ctx, f.Sources, follow.Options{
		Options: binlog.Options{Generation: generation}, PollMax: f.PollMax, NoWatch: f.Poll, Idle: f.IdleExit,
		Want:  func(l *decode.Log) bool { return f.wants(l.String()) },
		Start: f.start, Note: func(n binlog.Note) { f.console.Warn(n.String()) },
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.tail = tail
	f.mu.Unlock()
	logs := f.tail.Logs()
	if len(logs) > 1 && f.from.IsPosition() {
		return errOneDB
	}
	if missing := f.missing(f.DB, logs); missing != nil || len(logs) == 0 {
		there, _ := follow.Find(f.Sources, binlog.Options{Generation: generation}) // none is as good as not known
		f.console.Warn(fmt.Sprintf("not every selected DB is in %s yet: waiting for it to appear; there are %s", strings.Join(f.Sources, ", "), namesOf(there)))
	}
	if err := errors.Join(f.keeping.check(ctx, logs), f.checkOutputs(f.Sources, logs)); err != nil {
		return err
	}
	if f.sink == nil {
		if err := f.checkStart(ctx, f.begun(logs), o); err != nil {
			return err
		}
		f.sink, err = f.openSink(ctx, f.streams, o, f.keeping, f.Sources, logs)
	}
	return err
}

// begun are the places at which the logs that are there were begun.
func (f *following) begun(logs []*binlog.Log) []extent {
	f.mu.Lock()
	defer f.mu.Unlock()
	var extents []extent
	for _, l := range logs {
		if e, ok := f.starts[l.ID()]; ok {
			e.until = l.Committed()
			extents = append(extents, e)
		}
	}
	return extents
}

// openRemote opens an output that no file of this machine is, before the logs are followed.
func (f *following) openRemote(ctx context.Context, generation decode.Generation) error {
	logs, err := follow.Find(f.Sources, binlog.Options{Generation: generation})
	if err != nil {
		return err
	}
	logs = slices.DeleteFunc(logs, func(l *binlog.Log) bool { return !f.wants(l.ID().String()) })
	if err := f.watch(context.WithoutCancel(ctx)); err != nil { // who stands by for long is asked, too
		return err
	}
	if f.sink, err = f.openSink(ctx, f.streams, &f.options, f.keeping, f.Sources, logs); err == nil {
		f.keeping.adopt(f.sink)
	}
	return err
}

func (f *following) openPins(ctx context.Context) error {
	if f.Pin == "" {
		return nil
	}
	if err := newGuard(f.Sources, nil).Outside("pin folder", filepath.Join(f.Pin, ".")); err != nil {
		return err
	}
	var err error
	f.pins, err = pin.New(context.WithoutCancel(ctx), pin.Options{FS: vfs.OS{}, Dir: f.Pin, Limit: int64(f.PinLimit), Warn: f.console.Warn})
	return err
}

// start says where a log is begun. One that appears later is all new, and so is one that the run before has not left a place of.
func (f *following) start(ctx context.Context, l *binlog.Log, late bool) (decode.Position, error) {
	from := f.from.Or(decode.LogEnd)
	if late || f.From == "" && f.keeping.goesOn() {
		from = decode.LogStart
	}
	e, why, err := f.keeping.begin(ctx, l, from)
	if err != nil {
		return e.from, err
	}
	f.console.Info(fmt.Sprintf("%s: from %s", l.ID(), why))
	if e.rewritten != nil {
		f.holes = append(f.holes, e.rewritten)
	}
	if !late {
		f.options.Start[l.ID()] = e.mark
	}
	f.mu.Lock()
	f.starts[l.ID()] = e
	f.mu.Unlock()
	if f.pins != nil {
		epoch := e.mark.Epoch
		if e.rewritten != nil {
			epoch++
		}
		err = f.pins.Follow(l, e.from, epoch)
	}
	return e.from, err
}

// late is what is known of a log that was not there at the start.
func (f *following) late(log *decode.Log) (checkpoint.Mark, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.starts[log]
	return e.mark, ok
}

// Next gives what the tail does, and what is missing in front of it.
func (f *following) Next(ctx context.Context) (decode.Chunk, error) {
	if len(f.holes) == 0 && f.next == nil {
		chunk, err := f.tail.Next(ctx)
		if r, ok := errors.AsType[*decode.RewrittenError](err); ok && f.pins != nil {
			f.pins.Restart(r.Log, r.To)
		}
		if len(f.holes) == 0 {
			return chunk, err
		}
		f.next = func() (decode.Chunk, error) { return chunk, err }
	}
	if len(f.holes) > 0 {
		hole := f.holes[0]
		f.holes = f.holes[1:]
		return decode.Chunk{}, hole
	}
	next := f.next
	f.next = nil
	return next()
}

// save keeps the place, and lets go of the segments before it.
func (f *following) save(c encode.Checkpoint) error {
	if f.keeping.file != nil {
		if err := f.keeping.save(c); err != nil {
			return err
		}
	}
	if f.pins != nil {
		for log, mark := range c.Marks {
			f.pins.Release(log, mark.Position, mark.Epoch)
		}
	}
	return nil
}

// drainTime is how long an output that takes nothing any more, and does not end by itself, is waited for at the end.
const drainTime = 10 * time.Second

// run reads until the context ends, and then until all that was read has been delivered.
func (f *following) run(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	if _, keeps := f.sink.(sink.Keeper); keeps {
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
	}
	roll := make(chan struct{})
	f.options.Roll = roll
	ended := make(chan error, 1)
	defer context.AfterFunc(ctx, f.tail.Stop)()
	f.options.Stop = ctx.Done()
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if f.unwatch == nil {
		if err := f.watch(background); err != nil {
			return errors.Join(err, f.sink.Close(ctx))
		}
	}
	go func() { ended <- f.pump(background) }()
	stop, late := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case err := <-ended:
			return err
		case <-hangup:
			go func() {
				select {
				case roll <- struct{}{}:
				case <-background.Done():
				}
			}()
		case <-stop:
			if _, ends := f.sink.(sink.Ending); !ends {
				late = time.After(drainTime)
			}
			stop = nil
		case <-late:
			f.stuck = true
			f.endWithout("the output takes nothing")
			return nil
		}
	}
}

// endedFull makes an end of a disk that was full up to it: as with an output that takes nothing, the rest is for the next run.
func (f *following) endedFull(err error) error {
	full, ok := errors.AsType[*sink.FullError](err)
	if _, unsaved := errors.AsType[*encode.StateError](err); !ok || unsaved {
		return err
	}
	f.endWithout(full.Error())
	return nil
}

// endedEarly makes an end of a run that was told to end before it had begun.
func (f *following) endedEarly(err error) error {
	if _, ok := errors.AsType[*sink.StoppedError](err); !ok && (f.tail != nil || !errors.Is(err, errInterrupted)) {
		return err
	}
	f.console.Info(err.Error())
	return nil
}

func (f *following) endWithout(why string) {
	rest := "comes the next time, from the place that is saved"
	if _, ok := f.sink.(sink.Positioner); !ok && f.keeping.file == nil {
		rest = "is left out: no --state keeps the place"
	}
	f.console.Warn(fmt.Sprintf("%s: ending without it; what was not delivered %s", why, rest))
}

// pump reads into the sink and says how it went.
func (f *following) pump(ctx context.Context) error {
	began := time.Now()
	result, err := encode.Run(ctx, f, f.sink, f.options)
	took := time.Since(began)
	f.console.With(run.SummaryFields(&result, took)...).Info(run.Summary(&result, took))
	return lossOf(f.streams, &result, err)
}

// close lets go of everything.
func (f *following) close() error {
	if f.stuck {
		return nil
	}
	var errs []error
	if f.tail != nil {
		errs = append(errs, f.tail.Close())
	}
	if f.pins != nil {
		errs = append(errs, f.pins.Close())
	}
	if f.keeping != nil {
		f.keeping.close()
	}
	return errors.Join(errs...)
}
