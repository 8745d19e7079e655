package claimtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"pikabin/encode/claim"
)

// Suite is what every store has to do. Open gives another client of one object, which is not there yet.
type Suite struct {
	Open func(t *testing.T) claim.Store

	// Lose, if set, gives a client of the same object whose next answer is lost after the swap has taken effect.
	Lose func(t *testing.T) claim.Store
}

// Run tests a store.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	c := &client{t: t, Store: s.Open(t)}
	c.holds("", "")
	first := c.swaps("", "one")
	c.holds("one", first)
	c.conflicts("", "two") // it is there
	c.conflicts("no version of any store", "two")
	c.holds("one", first)

	second := c.swaps(first, "two")
	c.conflicts(first, "three") // an old version
	c.holds("two", second)
	if second == first {
		t.Errorf("two versions are called %s", first)
	}
	third := c.swaps(second, string(everyByte()))
	c.holds(string(everyByte()), third)

	fourth := s.race(t, third)
	if s.Lose != nil {
		s.lost(t, fourth)
	}
}

// everyByte is a value with all bytes, and long enough for a state of many logs.
func everyByte() []byte {
	b := make([]byte, 300<<10)
	for i := range b {
		b[i] = byte(i + i>>8)
	}
	return b
}

// client is a store with what it is expected to answer.
type client struct {
	t *testing.T
	claim.Store
}

func (c *client) holds(value, version string) {
	c.t.Helper()
	v, at, err := c.Load(c.t.Context())
	if err != nil || string(v) != value || at != version {
		c.t.Fatalf("it holds %d bytes, version %q, %v; want %d bytes, version %q", len(v), at, err, len(value), version)
	}
}

func (c *client) swaps(version, value string) (next string) {
	c.t.Helper()
	next, err := c.Swap(c.t.Context(), version, []byte(value))
	if err != nil || next == "" {
		c.t.Fatalf("a swap of version %q gives %q, %v", version, next, err)
	}
	return next
}

func (c *client) conflicts(version, value string) {
	c.t.Helper()
	if _, err := c.Swap(c.t.Context(), version, []byte(value)); !errors.Is(err, claim.ErrConflict) {
		c.t.Fatalf("a swap of version %q, which is not there: %v", version, err)
	}
}

// racers is how many swap one version at a time.
const racers = 8

// race swaps one version from many clients: exactly one wins.
func (s Suite) race(t *testing.T, version string) (next string) {
	t.Helper()
	var mu sync.Mutex
	var won []string
	var all sync.WaitGroup
	for i := range racers {
		store := s.Open(t)
		all.Go(func() {
			value := fmt.Sprintf("racer %d", i)
			got, err := settle(t.Context(), store, version, value)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won, next = append(won, value), got
			} else if !errors.Is(err, claim.ErrConflict) {
				t.Errorf("%s: %v", value, err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%d won: %v", len(won), won)
	}
	(&client{t, s.Open(t)}).holds(won[0], next)
	return next
}

// settle is a swap of which an unknown outcome is looked up: a store may answer racers that they are to try again.
func settle(ctx context.Context, store claim.Store, version, value string) (next string, err error) {
	for range racers {
		next, err = store.Swap(ctx, version, []byte(value))
		if err == nil || errors.Is(err, claim.ErrConflict) {
			return next, err
		}
		now, at, errLoad := store.Load(ctx)
		switch {
		case errLoad != nil:
			return "", errLoad
		case string(now) == value:
			return at, nil
		case at != version:
			return "", claim.ErrConflict
		}
	}
	return next, err
}

// lost swaps without an answer: that is neither a success nor a conflict, and the object tells what happened.
func (s Suite) lost(t *testing.T, version string) {
	t.Helper()
	store := s.Lose(t)
	if _, err := store.Swap(t.Context(), version, []byte("lost")); err == nil || errors.Is(err, claim.ErrConflict) {
		t.Errorf("a swap whose answer was lost: %v", err)
	}
	if now, at, err := store.Load(t.Context()); err != nil || string(now) != "lost" || at == version || at == "" {
		t.Errorf("after it the object holds %q, version %q, %v", now, at, err)
	}
}
