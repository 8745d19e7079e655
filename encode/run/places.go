package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
)

// StateStore keeps a state between runs, such as *checkpoint.File. It is for this run alone until it is closed.
type StateStore interface {
	Path() string // for messages, and for the output, which belongs to one state

	// State is what was saved last. There is none if that says nothing of any log.
	State() (s checkpoint.State, there bool)
	Save(s checkpoint.State) error
	Close() error
}

var _, _ StateStore = (*checkpoint.File)(nil), (*checkpoint.Copy)(nil)

// Named is a position and what the user called it. The end of an archive has no offset before it is unpacked.
func Named(p decode.Position, where decode.Where) string {
	if p.Offset == math.MaxInt64 {
		return fmt.Sprintf("the end of write2file%d", p.Segment)
	}
	return fmt.Sprintf("%v (%v)", p, where)
}

// places decides where each log is read from, and keeps how far it has been delivered.
type places struct {
	store StateStore // nil: nothing is kept
	mu    sync.Mutex // of state: logs appear while it is saved
	state checkpoint.State
	group Group // nil: the source knows none

	// shared says that several hosts have the state in turn: one of them may read a replica of the server of another.
	shared bool

	// output holds the places that the output itself has told of. They go before those of the state.
	output map[string]checkpoint.Mark
}

// newPlaces takes up what a store holds, for sources that the user named. Without a store nothing is kept.
func newPlaces(store StateStore, sources []string) (*places, error) {
	p := &places{store: store, state: checkpoint.State{DBs: map[string]checkpoint.Mark{}}}
	if store == nil {
		return p, nil
	}
	source, err := SourceFolders(sources)
	if err != nil {
		return p, err
	}
	p.state, _ = store.State()
	p.state.Source, p.state.DBs = source, maps.Clone(p.state.DBs)
	if p.state.DBs == nil {
		p.state.DBs = map[string]checkpoint.Mark{}
	}
	return p, nil
}

// of takes a source that knows which servers its logs are of. What a state says of that is forgotten with one that does not.
func (p *places) of(group Group) {
	if p.group = group; group != nil {
		group.Expect(p.state.Group)
		return
	}
	p.state.Group = ""
}

// keeps says whether there is a store.
func (p *places) keeps() bool { return p.store != nil }

// path is that of the store, empty if there is none.
func (p *places) path() string {
	if p.store == nil {
		return ""
	}
	return p.store.Path()
}

// close closes the store.
func (p *places) close() error {
	if p.store == nil {
		return nil
	}
	return p.store.Close()
}

// belongTo refuses a state of another output, and makes it that of this one.
func (p *places) belongTo(identity, format, compression string) error {
	if p.store == nil {
		return nil
	}
	if err := p.checkOutput(identity, format, compression); err != nil {
		return err
	}
	p.state.Output, p.state.Format, p.state.Compression = identity, format, compression
	return nil
}

// adopt takes the places of an output that keeps them itself. They go before those of the state.
func (p *places) adopt(positions map[string]checkpoint.Mark) { p.output = positions }

// check refuses logs that are not those of the state.
func (p *places) check(ctx context.Context, logs []Log) error {
	if p.store == nil {
		return nil
	}
	return p.checkSource(ctx, logs)
}

// known says whether an earlier run has left places of some logs.
func (p *places) known() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.output)+len(p.state.DBs) > 0
}

// mark is where a log is to be continued, and who says so.
func (p *places) mark(log string) (m checkpoint.Mark, who string, ok bool) {
	if m, ok := p.output[log]; ok {
		return m, "the output", true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m, ok = p.state.DBs[log]; ok {
		who = "the state " + p.store.Path()
	}
	return m, who, ok
}

// begin decides where to start reading a log: at the saved position, if the history of the log is unchanged, otherwise at
// from. wait, if it is not nil, is told that the log ends before a position of the output, and is waited for.
func (p *places) begin(ctx context.Context, l Log, from decode.Where, wait func(text string)) (Place, error) {
	mark, who, ok := p.mark(l.ID().String())
	if !ok {
		at, err := l.Resolve(ctx, from)
		if err != nil {
			return Place{}, err
		}
		place := Place{Mark: checkpoint.Mark{Position: at}, Why: Named(at, from)}
		// What cannot be read before the place is found out by the reading. It starts all the same.
		place.Mark.Fence, _ = l.Fence(ctx, at)
		return place, nil
	}
	place := Place{Mark: mark, Saved: true, Why: fmt.Sprintf("%v (%s)", mark.Position, who)}
	err := p.checkFence(ctx, l, mark, wait)
	if ctx.Err() != nil {
		return place, context.Cause(ctx)
	}
	if ofTheDisk(err) {
		return place, err // nothing was learned of the history: to read on would take it for the same
	}
	if other := p.otherHistory(l, mark, err); other != nil {
		if p.output != nil {
			other.Advice = "; if that position is of another server with the same output, give this one a source of its own (the option source)"
		}
		place.Before = other
	}
	return place, nil
}

// otherHistory is the hole that a log has at a mark, when the history that the mark is of is not the present one.
func (p *places) otherHistory(l Log, mark checkpoint.Mark, err error) *decode.RewrittenError {
	if beyond, ok := errors.AsType[*decode.BeyondError](err); ok {
		to := l.HistoryStart()
		if beyond.End.Offset == 0 {
			to = beyond.End // nothing tells yet where the history begins, but what the log has before it was read
		}
		return &decode.RewrittenError{Log: l.ID(), From: mark.Position, To: to, Reason: fmt.Sprintf("the log already ends at %v", beyond.End)}
	}
	rewritten, ok := errors.AsType[*decode.RewrittenError](err)
	// A master and its replicas have the same records at the same places, with headers of their own. A state is of one of
	// them; what the output tells may come from a run beside another.
	if !ok || rewritten.SameRecord && p.elsewhere() {
		return nil
	}
	return rewritten
}

// elsewhere says that the places may come from a run beside another server of the same records.
func (p *places) elsewhere() bool { return p.output != nil || p.shared }

// catchUpTime is how long a log may stay before the place that the output tells of until it is taken for another one.
const catchUpTime = 30 * time.Second

// checkFence compares a log with what was read before its place. A replica may lag its master, beside which the output was
// written until now.
func (p *places) checkFence(ctx context.Context, l Log, m checkpoint.Mark, wait func(text string)) error {
	err := l.CheckFence(ctx, m.Position, m.Fence)
	beyond, ok := errors.AsType[*decode.BeyondError](err)
	if !ok || !p.elsewhere() || wait == nil {
		return err
	}
	wait(fmt.Sprintf("%s: the log ends at %v, and the output has come to %v: waiting for it, as for a replica that lags", l.ID(), beyond.End, m.Position))
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

// note is that of the output in the state, as JSON. resume says that there is a state.
func (p *places) note() (note []byte, resume bool) { return p.state.Note, p.store != nil }

// save puts a checkpoint into the state. What the state holds of other logs stays.
func (p *places) save(c encode.Checkpoint) error {
	if p.store == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for log, mark := range c.Marks {
		p.state.DBs[log.String()] = mark
	}
	p.state.Note = c.Note
	if p.group != nil {
		p.state.Group = cmp.Or(p.group.Present(), p.state.Group)
	}
	return p.store.Save(p.state)
}
