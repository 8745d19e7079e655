package encode

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"pikabin/encode/sink"
)

// A record with many keys has an event for each, many times as long as the key. When a worker sees that the text of one is more than a few portions,
// it lets go of the text and notes that the chunk is large. The joiner, which has one chunk at a time, encodes that chunk once more and delivers each
// portion as soon as there is one. Only the last one moves the position.

// defaultPortion is how much is made of such a record at a time, unless told otherwise: as much as a buffer that is used again has room for.
const defaultPortion = keepBuffer - 2*nearlyFull

// largePortions is how many portions a worker makes before it leaves the chunk to the joiner, which works on it alone.
const largePortions = 4

// portion is how much may be made of one record at a time, 0 for all of it. What is counted by a limit is small, and a transaction has to hold
// the whole record in any case.
func (o *Options) portion(to sink.Sink) int64 {
	_, whole := to.(sink.Transactional)
	switch {
	case whole || o.Limit > 0:
		return 0
	case o.Portion > 0:
		return o.Portion
	}
	return defaultPortion
}

// seam tells the places between records from those inside of one. What a sink has of half a record is followed by the rest of it, or by nothing:
// a checkpoint would have the half in the output, and its position before it.
type seam struct {
	mu     sync.Mutex
	inside bool
}

// enter begins to deliver a record in portions, and waits until no checkpoint is being taken.
func (s *seam) enter() {
	s.mu.Lock()
	s.inside = true
}

// leave ends that. The output stays inside of the record if that has not come whole.
func (s *seam) leave(whole bool) {
	s.inside = !whole
	s.mu.Unlock()
}

// take calls take between two records. Nothing is taken any more after half a record.
func (s *seam) take(take func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside {
		return nil
	}
	return take()
}

// deliverLarge delivers a chunk in portions. b, which a worker has made of it, stands for it in the budget until all are with the sink.
func (j *joiner) deliverLarge(ctx context.Context, b *parcel) (err error) {
	defer j.pool.put(b)
	j.seam.enter()
	defer func() { j.seam.leave(err == nil) }()
	w := j.again
	w.next = func(p *parcel) (*parcel, error) {
		next := j.pool.get()
		next.follow(p)
		j.teller.take(&p.doubts)
		return next, j.deliver(ctx, p)
	}
	defer func() { w.next = nil }()
	if w.portion >= defaultPortion {
		runtime.GC() // what the worker had of the record goes before it is there again
	}
	first := j.pool.get()
	first.chunk, first.Epoch, first.Portion = b.chunk, b.Epoch, true
	w.encode(ctx, first, -1)
	last := w.b
	if err = last.err; err == nil && (last.End != b.End || last.Fence != b.Fence) {
		err = fmt.Errorf("%s: what is before %v was changed while it was read", b.Log, b.End)
	}
	if err != nil {
		j.pool.put(last)
		return err
	}
	j.teller.take(&last.doubts)
	return j.deliver(ctx, last)
}

// follow makes the parcel the one after p, which ends inside of a record.
func (p *parcel) follow(before *parcel) {
	p.chunk, p.Epoch, p.Log, p.Portion = before.chunk, before.Epoch, before.Log, true
	if n := len(before.cuts); n > 0 { // a change without a time stays in the hour of those before it
		c := before.cuts[n-1]
		c.at, c.begin = 0, before.End
		p.cuts = append(p.cuts, c)
	}
}
