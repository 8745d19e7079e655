package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
	"pikabin/encode/run"
)

// share gives a job the state that a store holds.
func (r *rig) share(store claim.Store, host string) *rig {
	r.job.State = ""
	r.job.Shared = &run.Shared{
		Options: claim.Options{Store: store, Name: "memory", Holder: host + "/1", TTL: 10 * time.Second, Clock: &claimtest.Clock{}},
		Host:    host, Settings: map[string]string{"bytes": "auto"}, Close: func() {},
	}
	return r
}

// inBackground begins to follow, and gives what that ends with once all that is there has been read.
func (r *rig) inBackground() <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- r.failure() }()
	r.quiet()
	return ended
}

// interrupt tells a run to end that is well.
func (r *rig) interrupt(ended <-chan error) {
	r.t.Helper()
	close(r.stop)
	if err := <-ended; !errors.Is(err, run.ErrInterrupted) {
		r.t.Error(err)
	}
}

// TestSharedState: a run on another host goes on where the one before has ended, and each has its own term.
func TestSharedState(t *testing.T) {
	store := &claimtest.Memory{}
	a := newRig(t, newLog("db0", 3)).share(store, "a")
	a.must()
	b := newRig(t, a.logs...).share(store, "b")
	b.job.Sources = []string{t.TempDir()}
	b.logs[0].put(2)
	b.must()
	if len(a.out.lines()) != 3 || len(b.out.lines()) != 2 {
		t.Errorf("%d and %d events", len(a.out.lines()), len(b.out.lines()))
	}
	state, _, err := claim.Peek(t.Context(), b.job.Shared.Options)
	if err != nil || state.Run.Term != 2 || !state.Run.Ended || state.DBs["db0"].Position != b.logs[0].end {
		t.Errorf("%+v, %v", state, err)
	}
}

// TestSharedSettings: a run with other settings than those of the state is refused, and what it has changed is the term.
func TestSharedSettings(t *testing.T) {
	store := &claimtest.Memory{}
	newRig(t, newLog("db0", 3)).share(store, "a").must()
	b := newRig(t, newLog("db0", 3)).share(store, "b")
	b.job.Shared.Settings = map[string]string{"bytes": "auto", "key": "[x]"}
	err := b.failure()
	if e, ok := errors.AsType[*run.OtherOutputError](err); !ok || e.What != "setting --key" || len(b.out.lines()) > 0 {
		t.Errorf("other filters: %v", err)
	}
	newRig(t, newLog("db0", 3)).share(store, "c").must()
}

// TestStandbySettings: a standby with other settings than those of the state is refused when it starts to wait, and not when it is needed.
func TestStandbySettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		a := following(t, newLog("db0", 3)).share(store, "a")
		ended := a.inBackground()
		b := newRig(t, newLog("db0", 3)).share(store, "b")
		b.out.target.Standby = true
		b.job.Shared.Settings = map[string]string{"bytes": "base64"}
		if err := b.failure(); !is[*run.OtherOutputError](err) || b.job.Encode.Stats.Snapshot().Standby {
			t.Errorf("it stands by with other settings: %v", err)
		}
		a.interrupt(ended)
	})
}

// TestSharedRefusals: a state that is in use, and a standby without a state that hosts share.
func TestSharedRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		a := following(t, newLog("db0", 3)).share(store, "a")
		ended := a.inBackground()
		if err := newRig(t, newLog("db0", 3)).share(store, "b").failure(); !is[*claim.HeldError](err) {
			t.Errorf("a state in use: %v", err)
		}
		a.interrupt(ended)
	})
	c := newRig(t, newLog("db0", 3))
	c.out.target.Standby = true
	if err := c.failure(); !is[*run.RefusedError](err) || !strings.Contains(err.Error(), "etcd://") {
		t.Errorf("a standby with a file: %v", err)
	}
}

// TestTakenOver: a run that stands by shows that, attaches to nothing, and works when its turn has come. The one that was taken over ends with that, even
// if it has nothing to save.
func TestTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		cut := &cutOff{Memory: store}
		a := following(t, newLog("db0", 3)).share(cut, "a")
		ended := a.inBackground()

		b := following(t, a.logs...).share(store, "b")
		b.out.target.Standby = true
		opened := make(chan struct{})
		left := 0
		b.out.target.Left = func(context.Context, json.RawMessage, string) error { left++; return nil }
		open := b.job.Open
		b.job.Open = func(ctx context.Context, begin run.Begin) (run.Source, error) {
			close(opened)
			return open(ctx, begin)
		}
		over := make(chan error, 1)
		go func() { over <- b.failure() }()
		time.Sleep(time.Minute)
		if !b.job.Encode.Stats.Snapshot().Standby || b.job.Encode.Stats.Snapshot().Term != 0 || left != 1 {
			t.Errorf("it does not say that it stands by: %+v, left %d", b.job.Encode.Stats.Snapshot(), left)
		}
		select {
		case <-opened:
			t.Error("a run that stands by has opened its source")
		default:
		}
		cut.off.Store(true)
		<-opened
		if s := b.job.Encode.Stats.Snapshot(); s.Standby || s.Term != 2 {
			t.Errorf("after it has taken over: standby %t, term %d", s.Standby, s.Term)
		}
		cut.off.Store(false)
		if err := <-ended; !is[*claim.FencedError](err) {
			t.Errorf("the run that was taken over ends with %v", err)
		}
		close(b.stop)
		if err := <-over; !errors.Is(err, run.ErrInterrupted) {
			t.Error(err)
		}
	})
}

// TestTakenOverCounts: a run that was taken over says that it has delivered what the state counts, and not what it had written since.
func TestTakenOverCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		cut := &cutOff{Memory: store}
		a := following(t, newLog("db0", 3)).share(cut, "a")
		results := make(chan encode.Result, 1)
		go func() {
			result, err := a.run()
			if !is[*claim.FencedError](err) {
				t.Errorf("it ends with %v", err)
			}
			results <- result
		}()
		a.quiet()
		time.Sleep(time.Minute) // it is saved
		counted := a.logs[0].end
		cut.off.Store(true)
		a.happen(func(context.Context, *memorySource) error { a.logs[0].put(2); return nil })
		a.quiet()
		time.Sleep(time.Second) // it is delivered
		b := newRig(t, newLog("db0", 3)).share(store, "b")
		held, err := claim.StandBy(t.Context(), b.job.Shared.Options, func(checkpoint.State) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		cut.off.Store(false)
		if result := <-results; result.Committed[a.logs[0].id] != counted {
			t.Errorf("%v, the state counts up to %v", result.Committed, counted)
		}
		if err := held.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSharedRestraint: a run that may have been taken over reads nothing more, until it knows that it was not.
func TestSharedRestraint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := &cutOff{Memory: &claimtest.Memory{}}
		a := following(t, newLog("db0", 3)).share(cut, "a")
		ended := a.inBackground()
		cut.off.Store(true)
		time.Sleep(time.Minute)
		one := func(context.Context, *memorySource) error { a.logs[0].put(1); return nil }
		a.happen(one) // it waited for that before
		select {
		case a.news <- one:
			t.Error("it reads on though it may have been taken over")
		case <-time.After(time.Minute):
		}
		cut.off.Store(false)
		a.happen(one)
		a.interrupt(ended)
	})
}

// cutOff is a store that one run does not reach now.
type cutOff struct {
	*claimtest.Memory
	off atomic.Bool
}

var errCut = errors.New("no route to host")

func (c *cutOff) Load(ctx context.Context) ([]byte, string, error) {
	if c.off.Load() {
		return nil, "", errCut
	}
	return c.Memory.Load(ctx)
}

func (c *cutOff) Swap(ctx context.Context, version string, value []byte) (string, error) {
	if c.off.Load() {
		return "", errCut
	}
	return c.Memory.Swap(ctx, version, value)
}

// TestSharedReplica: where hosts share the state one of them may be beside a replica, whose log is not as long yet, or has other headers.
func TestSharedReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		a := newRig(t, newLog("db0", 3)).share(store, "a")
		a.must()
		b := following(t, newLog("db0", 1)).share(store, "b")
		b.job.Sources = []string{t.TempDir()}
		ended := make(chan error, 1)
		go func() { ended <- b.failure() }()
		time.Sleep(5 * time.Second)
		if b.begunAt() != (decode.Position{}) {
			t.Error("it does not wait for the replica")
		}
		close(b.stop)
		if err := <-ended; err != nil && !errors.Is(err, run.ErrInterrupted) {
			t.Error(err)
		}
	})
}

// begunAt is where the run has begun to read, the zero value if it has not.
func (r *rig) begunAt() decode.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.places) == 0 {
		return decode.Position{}
	}
	return r.places[0].Mark.Position
}
