package claim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"pikabin/encode/checkpoint"
)

// Held is an object that this run has claimed, until it is closed or another run has taken it over. It keeps the object alive. Its methods are
// safe for concurrent use.
type Held struct {
	*Options
	life context.Context //nolint:containedctx // of the renewals
	end  context.CancelFunc
	work sync.WaitGroup

	turn    chan struct{} // held by whoever swaps, for the fields below it
	version string        // that is there as far as is known
	saves   uint64        // the last number that was given: no two values are equal
	sent    [][]byte      // values that may still take its place

	mu    sync.Mutex
	state checkpoint.State // that is there as far as is known
	good  time.Time        // when the last swap that succeeded was begun

	lost chan struct{} // closed once err is set
	err  error
}

func newHeld(o *Options, at seen) *Held {
	h := &Held{Options: o, state: at.state, version: at.version, saves: at.state.Saves, turn: make(chan struct{}, 1), lost: make(chan struct{})}
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// Path is what the state is known by.
func (h *Held) Path() string { return h.ID }

// Term is how often somebody has claimed the object, this time included.
func (h *Held) Term() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.Run.Term
}

// State is the state as it was read or last saved. It is false if that is a new one.
func (h *Held) State() (checkpoint.State, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, !h.state.IsNew()
}

// Lost is closed when the object is held by somebody else, or is gone. Err says by whom.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Err says why the object is lost; nil: it is not.
func (h *Held) Err() error {
	select {
	case <-h.lost:
		return h.err
	default:
		return nil
	}
}

// Save puts a state in the place of the one before. With nil, that has happened. A *FencedError or a *GoneError says that nothing may be
// shown any more. After any other error it may have happened, and Save may be called again with the same state or a later one.
func (h *Held) Save(s checkpoint.State) error {
	h.turn <- struct{}{}
	defer h.pass()
	now, _ := h.State()
	s = s.Kept()
	s.Schema, s.Run = checkpoint.Schema, now.Run
	return h.put(h.life, s)
}

// pass lets somebody else swap.
func (h *Held) pass() { <-h.turn }

// patience is for how long at least a save is tried. What a run has at its end is saved by one call, and a store of several nodes that has lost its
// leader does not answer for some seconds, however short the time to live is.
const patience = 10 * time.Second

// put makes a state the next version, by whoever's turn it is. It ends when the object is lost, or when the outcome is not known after as many calls as fit into the
// time to live, or into patience if that is longer.
func (h *Held) put(ctx context.Context, s checkpoint.State) error {
	if err := h.Err(); err != nil {
		return err
	}
	h.saves++
	s.Saves, s.Run = h.saves, savedNow(s.Run)
	value, err := checkpoint.Text(&s)
	if err != nil {
		return fmt.Errorf("writing the state %s: %w", h.Name, err)
	}
	h.sent = append(h.sent, value)
	for begun := h.Clock.Now(); ; {
		asked := h.Clock.Now()
		done, err := h.swap(ctx, value)
		switch {
		case done:
			h.mu.Lock()
			defer h.mu.Unlock()
			h.state, h.good = s, asked
			return nil
		case h.Err() != nil || isFinal(err):
			return err
		case h.Clock.Now().Sub(begun) > max(h.TTL, patience):
			return fmt.Errorf("the state %s: %w", h.Name, err)
		}
		if err := h.pause(ctx, h.TTL/(4*looks)); err != nil {
			return err
		}
	}
}

// savedNow is who writes the state, and that it is now. No run depends on the time: people look at it.
func savedNow(r *checkpoint.Run) *checkpoint.Run {
	now := *r
	now.Saved = time.Now().UTC().Truncate(time.Millisecond)
	return &now
}

// swap tries once to make a value that is among those sent the next version. What has become of it, and of those before it, the object itself
// tells: an answer may have been lost, and a request may take effect long after it was given up.
func (h *Held) swap(ctx context.Context, value []byte) (done bool, err error) {
	call, cancel := h.within(ctx)
	defer cancel()
	next, err := h.Store.Swap(call, h.version, value)
	h.answered(err)
	if err == nil {
		h.version, h.sent = next, nil
		return true, nil
	}
	if isFinal(err) {
		return false, err
	}
	now, loadErr := h.load(ctx)
	switch {
	case isFinal(loadErr):
		return false, loadErr
	case loadErr != nil:
		return false, errors.Join(err, loadErr)
	case now.version == h.version:
		return false, err
	}
	i := slices.IndexFunc(h.sent, func(sent []byte) bool { return bytes.Equal(sent, now.value) })
	if i < 0 {
		return false, h.lose(&now)
	}
	done = bytes.Equal(now.value, value)
	h.version, h.sent = now.version, slices.Delete(h.sent, i, i+1)
	if done {
		h.sent = nil
	}
	return done, err
}

// answered tells whether the store has answered. A conflict is an answer.
func (h *Held) answered(err error) {
	if errors.Is(err, ErrConflict) {
		err = nil
	}
	h.Answers(err)
}

// lose ends the claim: something is there that is not of this run.
func (h *Held) lose(now *seen) error {
	if now.version == "" {
		h.err = &GoneError{Name: h.Name}
	} else {
		h.err = &FencedError{Name: h.Name, Run: *now.state.Run}
	}
	close(h.lost)
	return h.err
}

// renewing begins to show that this run is there while there is nothing to save.
func (h *Held) renewing() {
	h.work.Go(func() {
		for h.pause(h.life, h.TTL/(2*renewal)) == nil && h.Err() == nil {
			h.renew()
		}
	})
}

func (h *Held) renew() {
	select {
	case h.turn <- struct{}{}:
	case <-h.life.Done():
		return
	}
	defer h.pass()
	if h.since() >= h.TTL/renewal {
		state, _ := h.State()
		_ = h.put(h.life, state) // an error is told to Answers, and the next attempt is not far
	}
}

// since is how long ago this run was last known to hold the object.
func (h *Held) since() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Clock.Now().Sub(h.good)
}

// stale is the part of the time to live, in tenths, after which a holder stops working until a swap succeeds: somebody may be about to take over.
const stale = 8

// Await waits until this run is known to hold the object still. That saves work, and nothing else depends on it.
func (h *Held) Await(ctx context.Context) error {
	for {
		if err := h.Err(); err != nil || h.since() < h.TTL*stale/10 {
			return err
		}
		if err := h.pause(ctx, h.TTL/(4*looks)); err != nil {
			return err
		}
	}
}

// Close gives the object back, if it is not lost: whoever waits takes over at once.
func (h *Held) Close() error {
	h.end()
	h.work.Wait()
	h.turn <- struct{}{}
	defer h.pass()
	if h.Err() != nil {
		return nil
	}
	s, _ := h.State()
	ended := *s.Run
	ended.Ended = true
	s.Run = &ended
	return h.put(context.WithoutCancel(h.life), s)
}
