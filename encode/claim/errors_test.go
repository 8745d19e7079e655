package claim_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
)

// TestNoAnswer: a save that took effect without an answer has happened, and the run that made it continues.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &claimtest.Memory{}
		held := newHost(&deaf{Memory: memory}, "a/1").take(t)
		must(t, held.Save(at(7)))
		must(t, held.Save(at(8)))
		must(t, held.Err())
		must(t, held.Close())
		if state, _, err := claim.Peek(t.Context(), newHost(memory, "b/2").Options); err != nil || positionIn(&state) != 8 || !state.Run.Ended {
			t.Errorf("%+v, %v", state, err)
		}
	})
}

// TestErrorsBetween: a run that waits begins its wait anew at each error of the store, however short that was: the holder could not show itself then.
func TestErrorsBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &claimtest.Memory{}
		cut, flaky := &away{Store: memory}, &flaky{Memory: memory}
		held := newHost(cut, "a/1").take(t)
		cut.now.Store(true) // nothing is heard of it any more
		taken := newHost(flaky, "b/2").standBy(t)
		select {
		case <-taken:
			t.Error("taken over, though the store had errors in between")
		case <-time.After(20 * ttl):
		}
		flaky.mended.Store(true)
		mended := time.Now()
		next := <-taken
		if took := time.Since(mended); took < ttl/2 || took > 2*ttl {
			t.Errorf("taken over after %s", took)
		}
		cut.now.Store(false)
		<-held.Lost()
		must(t, held.Close())
		must(t, next.Close())
	})
}

// flaky is a store that every fourth load fails of, which is more often than once in a time to live.
type flaky struct {
	*claimtest.Memory
	loads  atomic.Int64
	mended atomic.Bool
}

func (f *flaky) Load(ctx context.Context) ([]byte, string, error) {
	if f.loads.Add(1)%4 == 0 && !f.mended.Load() {
		return nil, "", errNoAnswer
	}
	return f.Memory.Load(ctx)
}

// TestRace: of two runs that claim at one moment the one that is too late waits on, and is the next one.
func TestRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &claimtest.Memory{}
		held := newHost(memory, "a/1").take(t)
		c := newHost(memory, "c/3")
		first := make(chan *claim.Held, 1)
		taken := newHost(&overtaken{Memory: memory, by: func() { first <- c.take(t) }}, "b/2").standBy(t)
		must(t, held.Close())
		other := <-first
		time.Sleep(5 * ttl)
		select {
		case <-taken:
			t.Error("both have it")
		default:
		}
		must(t, other.Close())
		next := <-taken
		if next.Term() != 3 {
			t.Errorf("term %d", next.Term())
		}
		must(t, next.Close())
	})
}

// overtaken is a store in which another run is a moment earlier at the first swap.
type overtaken struct {
	*claimtest.Memory
	by   func()
	once sync.Once
}

func (o *overtaken) Swap(ctx context.Context, version string, value []byte) (string, error) {
	o.once.Do(o.by)
	return o.Memory.Swap(ctx, version, value)
}
