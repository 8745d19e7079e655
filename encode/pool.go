package encode

import (
	"sync"

	"pikabin/decode"
	"pikabin/encode/budget"
	"pikabin/encode/stats"
)

// keepBuffer is the size up to which a parcel's buffers are used again, keepMessages the number of messages.
const (
	keepBuffer   = 8 << 20
	keepMessages = 1 << 16
)

// pool keeps parcels for use again. The few that came back last are given out first, since their buffers are still in
// the caches of a CPU. The garbage collector lets go of the rest.
type pool struct {
	budget *budget.Budget
	stats  *stats.Stats

	mu   sync.Mutex
	warm []*parcel // as many as its capacity, the last one on top
	rest sync.Pool
}

func newPool(room *budget.Budget, counted *stats.Stats, warm int) *pool {
	return &pool{budget: room, stats: counted, warm: make([]*parcel, 0, warm)}
}

func (p *pool) get() *parcel {
	p.stats.InFlight(1)
	if b := p.takeWarm(); b != nil {
		return b
	}
	if b, ok := p.rest.Get().(*parcel); ok {
		return b
	}
	b := &parcel{covered: decode.Coverage{First: -1}}
	b.OnRelease(func() { p.put(b) })
	return b
}

// put takes a parcel back and gives its share of the budget to others.
func (p *pool) put(b *parcel) {
	if b.sent {
		p.stats.Released()
	} else {
		p.stats.InFlight(-1)
	}
	if b.inFlight {
		p.budget.Release(b.seq, b.charged)
	}
	if cap(b.plain) > keepBuffer || cap(b.packed) > keepBuffer || cap(b.Keys) > keepBuffer || cap(b.Messages) > keepMessages {
		return
	}
	b.reset()
	if !p.keepWarm(b) {
		p.rest.Put(b)
	}
}

// takeWarm gives the parcel that came back last, nil if there is none.
func (p *pool) takeWarm() *parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.warm) - 1
	if last < 0 {
		return nil
	}
	b := p.warm[last]
	p.warm = p.warm[:last]
	return b
}

func (p *pool) keepWarm(b *parcel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.warm) == cap(p.warm) {
		return false
	}
	p.warm = append(p.warm, b)
	return true
}
