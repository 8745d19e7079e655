package claim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pikabin/encode/checkpoint"
)

// watch is what a run knows of the object that it waits for.
type watch struct {
	*Options
	last   seen
	since  time.Time // when the present version was first seen, and the store has answered all the time from then on
	looked time.Time // when the store answered last
	told   bool
}

// Take claims the object, and fails with a *HeldError if somebody holds it. To know that a holder has died takes its time to live.
func Take(ctx context.Context, options Options) (*Held, error) {
	return take(ctx, options, func(w *watch, changed bool) error {
		if changed {
			return &HeldError{Name: w.Name, Run: *w.last.state.Run}
		}
		if !w.told {
			w.told = true
			w.Tell(fmt.Sprintf("the state %s was not given back by %s, term %d: taking it over unless that one is heard of within %s",
				w.Name, w.last.state.Run.Holder, w.last.state.Run.Term, w.ttl()))
		}
		return nil
	})
}

// StandBy waits until nobody holds the object, and claims it. waits is told once what there is when the waiting begins, before anybody reads of it, and an
// error of it ends that.
func StandBy(ctx context.Context, options Options, waits func(checkpoint.State) error) (*Held, error) {
	return take(ctx, options, func(w *watch, _ bool) error {
		if !w.told {
			w.told = true
			if err := waits(w.last.state); err != nil {
				return err
			}
			w.Tell(fmt.Sprintf("standing by: the state %s is held by %s, term %d", w.Name, w.last.state.Run.Holder, w.last.state.Run.Term))
		}
		return nil
	})
}

// take looks at the object until it may be claimed. busy is asked while it may not, and whether another version was there at the look before.
func take(ctx context.Context, options Options, busy func(w *watch, changed bool) error) (*Held, error) {
	w := &watch{Options: options.complete()}
	away := false
	for {
		changed, err := w.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case isFinal(err):
			return nil, err
		case err != nil && !away:
			away = true
			w.Tell(fmt.Sprintf("the state %s: %v; trying again", w.Name, err))
		case err == nil && w.isFree():
			held, err := w.claim(ctx)
			if errors.Is(err, ErrConflict) {
				continue
			}
			if err == nil {
				held.renewing()
			}
			return held, err
		case err == nil:
			away = false
			if err := busy(w, changed); err != nil {
				return nil, err
			}
		}
		if err := w.pause(ctx, w.ttl()/looks); err != nil {
			return nil, err
		}
	}
}

// look loads the object. The wait for it begins anew when it has changed, and when the store was away: then its holder could not show itself.
func (w *watch) look(ctx context.Context) (changed bool, err error) {
	s, err := w.load(ctx)
	now := w.Clock.Now()
	if err != nil {
		w.since = time.Time{}
		return false, err
	}
	changed = w.last.version != "" && w.last.version != s.version
	if w.since.IsZero() || w.last.version != s.version || now.Sub(w.looked) > w.ttl()/2 {
		w.since = now
	}
	w.last, w.looked = s, now
	return changed, nil
}

// ttl is that of the holder.
func (w *watch) ttl() time.Duration {
	if w.last.state.Run == nil {
		return w.TTL
	}
	ttl, err := time.ParseDuration(w.last.state.Run.TTL)
	if err != nil || ttl <= 0 {
		return w.TTL
	}
	return ttl
}

// isFree says whether the object may be claimed.
func (w *watch) isFree() bool {
	return w.last.version == "" || w.last.state.Run.Ended || w.looked.Sub(w.since) > w.ttl()
}

// claim replaces the object by one of the next term. With ErrConflict somebody else was first.
func (w *watch) claim(ctx context.Context) (*Held, error) {
	before := w.last
	state := before.state
	state.Schema = checkpoint.Schema
	state.Run = &checkpoint.Run{Term: w.term() + 1, Holder: w.Holder, TTL: w.TTL.String()}
	h := newHeld(w.Options, before)
	err := h.put(ctx, state)
	for err != nil && h.Err() == nil && !isFinal(err) {
		if err := w.pause(ctx, w.TTL/looks); err != nil {
			return nil, err
		}
		err = h.put(ctx, state)
	}
	if _, fenced := errors.AsType[*FencedError](err); fenced {
		return nil, ErrConflict
	}
	if err != nil {
		return nil, err
	}
	w.Tell(w.claimed(&before))
	return h, nil
}

// term is the last one of the object.
func (w *watch) term() uint64 {
	if w.last.state.Run == nil {
		return 0
	}
	return w.last.state.Run.Term
}

// claimed is the line about a claim.
func (w *watch) claimed(before *seen) string {
	text := fmt.Sprintf("the state %s is claimed by %s, term %d", w.Name, w.Holder, w.term()+1)
	switch r := before.state.Run; {
	case r == nil:
		return text + ": it is a new one"
	case r.Ended:
		return text + fmt.Sprintf(": %s, term %d, has ended", r.Holder, r.Term)
	default:
		return text + fmt.Sprintf(": %s, term %d, was not heard of for %s", r.Holder, r.Term, w.ttl())
	}
}

// Seize claims the object whoever holds it, for a command that changes it: the holder is fenced. Close gives it back. With replace a state that
// cannot be believed is taken for a new one.
func Seize(ctx context.Context, options Options, replace bool) (*Held, error) {
	w := &watch{Options: options.complete()}
	for {
		s, err := w.load(ctx)
		if _, damaged := errors.AsType[*DamagedError](err); damaged && replace {
			s.state, err = remains(s.value), nil
		}
		if err != nil {
			return nil, err
		}
		w.last = s
		held, err := w.claim(ctx)
		if !errors.Is(err, ErrConflict) {
			return held, err
		}
	}
}

// remains are the numbers that a state goes on from whose text is damaged, as far as they can be read.
func remains(value []byte) checkpoint.State {
	var left struct {
		Saves uint64
		Run   checkpoint.Run
	}
	_ = json.Unmarshal(value, &left) // what cannot be read is left out
	return checkpoint.State{Saves: left.Saves, Run: &left.Run}
}
