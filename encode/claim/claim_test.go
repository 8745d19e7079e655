package claim_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMemory: the store of the tests is one.
func TestMemory(t *testing.T) {
	store := &claimtest.Memory{}
	claimtest.Suite{
		Open: func(*testing.T) claim.Store { return store },
		Lose: func(*testing.T) claim.Store { return &deaf{Memory: store} },
	}.Run(t)
}

// deaf is a store whose swaps take effect without an answer.
type deaf struct{ *claimtest.Memory }

var errNoAnswer = errors.New("no answer")

func (d *deaf) Swap(ctx context.Context, version string, value []byte) (string, error) {
	if _, err := d.Memory.Swap(ctx, version, value); err != nil {
		return "", err
	}
	return "", errNoAnswer
}

// host is a run that shares a state, and what it has said.
type host struct {
	claim.Options
	told []string
}

func newHost(store claim.Store, name string) *host {
	h := &host{}
	h.Options = claim.Options{Store: store, Name: "memory", Holder: name, TTL: ttl, Clock: &claimtest.Clock{}, Tell: func(text string) { h.told = append(h.told, text) }}
	return h
}

func (h *host) take(t *testing.T) *claim.Held {
	t.Helper()
	held, err := claim.Take(t.Context(), h.Options)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func at(offset int64) checkpoint.State {
	return checkpoint.State{DBs: map[string]checkpoint.Mark{"db0": {Position: decode.Position{Offset: offset}}}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestInUse: a state whose holder lives is refused as soon as that is seen, and one that was given back is taken at once.
func TestInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		a, b := newHost(store, "a/1"), newHost(store, "b/2")
		held := a.take(t)
		_, err := claim.Take(t.Context(), b.Options)
		if e, ok := errors.AsType[*claim.HeldError](err); !ok || e.Run.Holder != "a/1" || e.Run.Term != 1 {
			t.Fatalf("the state of a living holder: %v", err)
		}
		must(t, held.Save(at(7)))
		must(t, held.Close())
		begun := time.Now()
		second := b.take(t)
		if state, ok := second.State(); !ok || positionIn(&state) != 7 || second.Term() != 2 || time.Since(begun) > 0 {
			t.Errorf("after it was given back: %+v, term %d, after %s", state, second.Term(), time.Since(begun))
		}
		must(t, second.Close())
	})
}

// TestTakeover: a run that waits takes over when the holder was not heard of for its time to live, and not before. Each side says so.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		away := &away{Store: store}
		a, b := newHost(away, "a/1"), newHost(store, "b/2")
		first := a.take(t)
		must(t, first.Save(at(7)))
		waits := 0
		taken := make(chan *claim.Held)
		go func() {
			held, err := claim.StandBy(t.Context(), b.Options, func(s checkpoint.State) error { waits += int(positionIn(&s)); return nil })
			if err != nil {
				t.Error(err)
			}
			taken <- held
		}()
		time.Sleep(10 * ttl) // it is alive
		away.now.Store(true)
		cut := time.Now()
		second := <-taken
		if took := time.Since(cut); took < ttl/2 || took > 2*ttl || waits != 7 {
			t.Errorf("taken over after %s; it waited with %d", took, waits)
		}
		away.now.Store(false)
		err := first.Save(at(8))
		if e, ok := errors.AsType[*claim.FencedError](err); !ok || e.Run.Holder != "b/2" || e.Run.Term != 2 {
			t.Errorf("the save of the earlier holder: %v", err)
		}
		<-first.Lost()
		if state, _ := second.State(); positionIn(&state) != 7 {
			t.Errorf("the state is at %d", positionIn(&state))
		}
		text := strings.Join(append(a.told, b.told...), "\n")
		for _, want := range []string{
			"the state memory is claimed by a/1, term 1: it is a new one", "standing by: the state memory is held by a/1, term 1",
			"the state memory is claimed by b/2, term 2: a/1, term 1, was not heard of for 10s",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not said in\n%s", want, text)
			}
		}
		must(t, first.Close())
		must(t, second.Close())
	})
}

// away is a store that does not answer now and then.
type away struct {
	claim.Store
	now atomic.Bool
}

func (a *away) Load(ctx context.Context) ([]byte, string, error) {
	if a.now.Load() {
		return nil, "", errNoAnswer
	}
	return a.Store.Load(ctx)
}

func (a *away) Swap(ctx context.Context, version string, value []byte) (string, error) {
	if a.now.Load() {
		return "", errNoAnswer
	}
	return a.Store.Swap(ctx, version, value)
}

// awaitStore has a holder wait that has heard nothing for too long: it works on when the store is back, and not before.
func awaitStore(t *testing.T, held *claim.Held, store *away) {
	t.Helper()
	fresh := make(chan error, 1)
	go func() { fresh <- held.Await(t.Context()) }()
	synctest.Wait()
	select {
	case err := <-fresh:
		t.Errorf("it works on though it may have been taken over: %v", err)
	default:
	}
	store.now.Store(false)
	must(t, <-fresh)
}

// TestAway: while the store is away a holder keeps what it has, and saves when the store is back; a run that waits does not count that time.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &away{Store: &claimtest.Memory{}}
		a, b := newHost(store, "a/1"), newHost(store, "b/2")
		held := a.take(t)
		ctx, cancel := context.WithCancel(t.Context())
		waited := make(chan error)
		go func() {
			_, err := claim.StandBy(ctx, b.Options, func(checkpoint.State) error { return nil })
			waited <- err
		}()
		time.Sleep(ttl)
		store.now.Store(true)
		if err := held.Save(at(7)); !errors.Is(err, errNoAnswer) || held.Err() != nil {
			t.Errorf("a save without a store: %v", err)
		}
		time.Sleep(10 * ttl)
		awaitStore(t, held, store)
		must(t, held.Save(at(8)))
		cancel()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("the run that waits: %v", err)
		}
		must(t, held.Close())
	})
}

// TestAwayForLonger: a save waits for a store that is away for longer than the time to live, as one is that chooses another leader: it may be the last of its run.
func TestAwayForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &away{Store: &claimtest.Memory{}}
		a := newHost(store, "a/1")
		a.TTL = ttl / 10
		held := a.take(t)
		store.now.Store(true)
		time.AfterFunc(5*a.TTL, func() { store.now.Store(false) })
		must(t, held.Save(at(7)))
		if state, _ := held.State(); positionIn(&state) != 7 {
			t.Errorf("the state is at %d", positionIn(&state))
		}
		must(t, held.Close())
	})
}

// TestSuspended: a holder whose host was suspended for longer than it may not be heard of works on when a swap tells that it still holds the state, and not
// before. A run that stands by, and was suspended, begins its wait anew: it has not looked meanwhile.
func TestSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &claimtest.Memory{}
		store := &away{Store: memory}
		a, b := newHost(store, "a/1"), newHost(memory, "b/2")
		hostA, hostB := &claimtest.Clock{}, &claimtest.Clock{}
		a.Clock, b.Clock = hostA, hostB
		held := a.take(t)
		must(t, held.Await(t.Context()))
		store.now.Store(true)
		hostA.Suspend(ttl)
		awaitStore(t, held, store)

		taken := b.standBy(t)
		time.Sleep(ttl)
		store.now.Store(true)
		stopped := time.Now()
		hostB.Suspend(10 * ttl)
		next := <-taken
		if took := time.Since(stopped); took < ttl {
			t.Errorf("taken over after %s", took)
		}
		store.now.Store(false)
		<-held.Lost()
		must(t, held.Close())
		must(t, next.Close())
	})
}

// standBy has a run wait for its turn. That it waits is known before it is said.
func (h *host) standBy(t *testing.T) <-chan *claim.Held {
	t.Helper()
	taken := make(chan *claim.Held, 1)
	go func() {
		held, err := claim.StandBy(t.Context(), h.Options, func(checkpoint.State) error {
			if text := strings.Join(h.told, "\n"); strings.Contains(text, "standing by") {
				t.Errorf("said before it is so: %s", text)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		taken <- held
	}()
	return taken
}

// TestGone: a state that is removed while it is in use ends the run, and is not made anew.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		held := newHost(store, "a/1").take(t)
		store.Remove()
		<-held.Lost()
		if _, ok := errors.AsType[*claim.GoneError](held.Err()); !ok {
			t.Errorf("it ends with %v", held.Err())
		}
		if err := held.Save(at(1)); err == nil {
			t.Error("it was saved all the same")
		}
		must(t, held.Close())
	})
}

// TestSeize: a command fences the holder, and leaves a state that anybody may claim. A damaged one is replaced by a later term.
func TestSeize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &claimtest.Memory{}
		a, by := newHost(store, "a/1"), newHost(store, "command/2")
		held := a.take(t)
		must(t, held.Save(at(7)))
		seized, err := claim.Seize(t.Context(), by.Options, false)
		must(t, err)
		must(t, seized.Save(at(3)))
		must(t, seized.Close())
		<-held.Lost()
		must(t, held.Close())
		next := a.take(t)
		if state, _ := next.State(); positionIn(&state) != 3 || next.Term() != 3 {
			t.Errorf("the next run begins at %d, term %d", positionIn(&state), next.Term())
		}
		must(t, next.Close())

		value, version, err := store.Load(t.Context())
		must(t, err)
		_, err = store.Swap(t.Context(), version, []byte(strings.Replace(string(value), `"0:3"`, `"0:4"`, 1)))
		must(t, err)
		if _, err := claim.Take(t.Context(), a.Options); !isDamaged(err) {
			t.Errorf("a damaged state: %v", err)
		}
		if _, err := claim.Seize(t.Context(), by.Options, false); !isDamaged(err) {
			t.Errorf("a damaged state: %v", err)
		}
		seized, err = claim.Seize(t.Context(), by.Options, true)
		must(t, err)
		if _, ok := seized.State(); ok || seized.Term() != 4 {
			t.Errorf("a damaged state is kept, term %d", seized.Term())
		}
		must(t, seized.Close())
	})
}

func isDamaged(err error) bool {
	_, ok := errors.AsType[*claim.DamagedError](err)
	return ok
}
