package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/frame"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// extent is the part of one log that is read.
type extent struct {
	log         *binlog.Log
	from, until decode.Position
	text        string          // the places, for the user
	rewritten   decode.Hole     // what stands before from, if the log is not the one any more that the state is of
	mark        checkpoint.Mark // from, as it is saved
}

// keeping is the state of a run, if it keeps one.
type keeping struct {
	file  *checkpoint.File // nil: it keeps none
	mu    sync.Mutex       // of state: logs appear while it is saved
	state checkpoint.State

	// output holds the places that the output itself has told of. They go before those of the file.
	output map[string]checkpoint.Mark

	behind func(text string) // is told that a log ends before such a place, and is waited for; nil: none is
}

// adopt asks an output how far it has come, if it knows.
func (k *keeping) adopt(to sink.Sink) bool {
	p, ok := to.(sink.Positioner)
	if ok {
		k.output = p.Positions()
	}
	return len(k.output) > 0
}

// mark is where a log is to go on, and who says so.
func (k *keeping) mark(log string) (m checkpoint.Mark, who string, ok bool) {
	if m, ok := k.output[log]; ok {
		return m, "the output", true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if m, ok = k.state.DBs[log]; ok {
		who = "the state " + k.file.Path()
	}
	return m, who, ok
}

// goesOn reports whether there was a run before, which has left places of some logs.
func (k *keeping) goesOn() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.output)+len(k.state.DBs) > 0
}

// openState locks the state of this output.
func (f *streamFlags) openState(sources []string, o *encode.Options) (*keeping, error) {
	k := &keeping{state: checkpoint.State{DBs: map[string]checkpoint.Mark{}}}
	if f.State == "" {
		return k, nil
	}
	source, err := checkpoint.Sources(sources)
	if err != nil {
		return nil, err
	}
	if k.file, err = checkpoint.Open(f.State); err != nil {
		return nil, err
	}
	k.state, _ = k.file.State()
	k.state.Source, k.state.DBs = source, maps.Clone(k.state.DBs)
	if k.state.DBs == nil {
		k.state.DBs = map[string]checkpoint.Mark{}
	}
	o.Save, o.Fences = k.save, true
	output := f.Output
	if run.IsRemote(output) { // who it is, it says when it is open
		return k, nil
	}
	if output != "-" {
		output, err = vfs.RealPath(output)
	}
	if err == nil {
		err = k.belongTo(output, f.Format, o.Compression)
	}
	if err != nil {
		return nil, errors.Join(err, k.file.Close())
	}
	return k, nil
}

// belongTo refuses a state of another output.
func (k *keeping) belongTo(output, format string, compression frame.Compression) error {
	if k.file == nil {
		return nil
	}
	if err := k.file.CheckOutput(output, format, compression.String()); err != nil {
		return err
	}
	k.state.Output, k.state.Format, k.state.Compression = output, format, compression.String()
	return nil
}

// check refuses logs that are not those of the state.
func (k *keeping) check(ctx context.Context, logs []*binlog.Log) error {
	if k.file == nil {
		return nil
	}
	byID := map[*decode.Log]*binlog.Log{}
	var ids []*decode.Log
	for _, l := range logs {
		byID[l.ID()] = l
		ids = append(ids, l.ID())
	}
	return k.file.CheckSource(k.state.Source, ids, func(id *decode.Log, m checkpoint.Mark) error {
		return byID[id].CheckFence(ctx, m.Position, m.Fence)
	})
}

// begin finds out where a log is begun: where the state says, if its history is still the same, else at from. The text is
// for the user.
func (k *keeping) begin(ctx context.Context, l *binlog.Log, from decode.Where) (extent, string, error) {
	e := extent{log: l}
	mark, who, ok := k.mark(l.ID().String())
	if !ok {
		var err error
		if e.from, err = l.Resolve(ctx, from); err != nil {
			return e, "", err
		}
		e.mark.Position = e.from
		// What cannot be read before the place is for the reading to tell of. It begins all the same.
		e.mark.Fence, _ = l.Fence(ctx, e.from)
		return e, placeText(e.from, from), nil
	}
	e.from, e.mark = mark.Position, mark
	err := k.checkFence(ctx, l, mark)
	if ctx.Err() != nil {
		return e, "", context.Cause(ctx)
	}
	rewritten, isOther := errors.AsType[*decode.RewrittenError](err)
	if beyond, ok := errors.AsType[*decode.BeyondError](err); ok {
		isOther = true
		rewritten = &decode.RewrittenError{
			Log: l.ID(), From: mark.Position, To: l.HistoryStart(), Reason: fmt.Sprintf("the log ends at %v already", beyond.End),
		}
	}
	// A master and its replicas have the same records at the same places, with headers of their own. A state is of one of
	// them; what the output tells may come from a run beside another.
	if isOther && (!rewritten.SameRecord || k.output == nil) {
		e.from, e.rewritten = rewritten.To, rewritten
	}
	return e, fmt.Sprintf("%v (%s)", mark.Position, who), nil
}

// catchUpTime is how long a log may stay behind the place that the output tells of before it is taken for another one.
const catchUpTime = 30 * time.Second

// checkFence compares a log with what was read before its place. A replica may be behind its master, beside which the output has been
// written up to now.
func (k *keeping) checkFence(ctx context.Context, l *binlog.Log, m checkpoint.Mark) error {
	err := l.CheckFence(ctx, m.Position, m.Fence)
	beyond, ok := errors.AsType[*decode.BeyondError](err)
	if !ok || k.output == nil || k.behind == nil {
		return err
	}
	k.behind(fmt.Sprintf("%s: the log ends at %v, and the output has come to %v: waiting for it, as for a replica that is behind", l.ID(), beyond.End, m.Position))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(catchUpTime); ok; _, ok = errors.AsType[*decode.BeyondError](err) {
		select {
		case <-tick.C:
		case <-late:
			return err
		case <-ctx.Done():
			return err
		}
		if err = l.Refresh(); err == nil {
			err = l.CheckFence(ctx, m.Position, m.Fence)
		}
	}
	return err
}

// save puts a checkpoint into the state. What the state holds of other logs stays.
func (k *keeping) save(c encode.Checkpoint) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for log, mark := range c.Marks {
		k.state.DBs[log.String()] = mark
	}
	k.state.Note = c.Note
	return k.file.Save(k.state)
}

// owner is the path of the state, empty if none is kept.
func (k *keeping) owner() string {
	if k.file == nil {
		return ""
	}
	return k.file.Path()
}

func (k *keeping) close() {
	if k.file != nil {
		k.file.Close() //nolint:gosec // what was saved stays, and the lock ends with the process
	}
}

// atStart adds to damage at the very place where a log was begun that the place may be the mistake.
func atStart(err error, extents []extent) error {
	damage, ok := errors.AsType[*decode.CorruptError](err)
	if !ok {
		return err
	}
	at := decode.Position{Segment: damage.Segment, Offset: damage.Offset}
	for _, e := range extents {
		if at.Offset > 0 && e.from == at {
			return fmt.Errorf("%w (does a record begin at %v? inspect --from shows the one it lies in)", err, at)
		}
	}
	return err
}
