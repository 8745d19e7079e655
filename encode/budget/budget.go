// Package budget bounds the bytes in flight.
package budget

import (
	"context"
	"sync"
)

// Budget bounds the bytes in flight. Chunks take their share in any order, but the oldest chunk that
// is not yet delivered never waits: it may exceed the budget, alone, so that a record larger than the
// budget passes and nothing can lock up.
type Budget struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	next    uint64          // the oldest chunk in flight
	done    map[uint64]bool // younger ones that have been released
	changed chan struct{}   // closed and replaced on every release
}

// New gives a budget of so many bytes.
func New(limit int64) *Budget {
	return &Budget{limit: limit, done: map[uint64]bool{}, changed: make(chan struct{})}
}

// Acquire takes n bytes for chunk seq. It waits for room unless seq is the oldest.
func (b *Budget) Acquire(ctx context.Context, seq uint64, n int64) error {
	for {
		b.mu.Lock()
		if b.used+n <= b.limit || b.next == seq {
			b.used += n
			b.mu.Unlock()
			return nil
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Refund gives back n bytes of what a chunk has taken, before it is delivered.
func (b *Budget) Refund(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.wake()
}

// Release gives back all n bytes that chunk seq has taken. It is called once for every chunk.
func (b *Budget) Release(seq uint64, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.done[seq] = true
	for b.done[b.next] {
		delete(b.done, b.next)
		b.next++
	}
	b.wake()
}

// wake lets all that wait look again. The caller holds the lock.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}
