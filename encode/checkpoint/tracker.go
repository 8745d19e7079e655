// Package checkpoint keeps the place in each log up to which everything has been delivered: a Tracker during a run,
// and a File from run to run.
package checkpoint

import (
	"sync"

	"pikabin/decode"
)

// Mark is a place in a log, and how to recognise it.
type Mark struct {
	Position decode.Position `json:"position"`
	Epoch    uint32          `json:"epoch"`          // how many times the history of the log has been replaced: positions compare within one epoch
	Fence    decode.Fence    `json:"fence,omitzero"` // of what is before it
}

// Tracker follows the batches of one log from the reader to the sink. Batches are tracked in log
// order and acknowledged in any order; the committed position is the end of the longest run of
// acknowledged ones, and nothing else moves it. It is safe for concurrent use.
type Tracker struct {
	mu        sync.Mutex
	committed Mark
	pending   []*pending
}

// pending is one batch on its way.
type pending struct {
	end   Mark
	acked bool
}

// NewTracker starts at the place from which the log is read.
func NewTracker(start Mark) *Tracker { return &Tracker{committed: start} }

// Track adds the next batch, which ends at end, and returns its acknowledgement. A batch that is never
// acknowledged holds the position for good.
func (t *Tracker) Track(end Mark) (ack func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(end)
}

// Hold adds something that has no position of its own: until it is acknowledged it holds what is tracked after it.
func (t *Tracker) Hold() (ack func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.pending); n > 0 {
		return t.add(t.pending[n-1].end)
	}
	return t.add(t.committed)
}

func (t *Tracker) add(end Mark) (ack func()) {
	p := &pending{end: end}
	t.pending = append(t.pending, p)
	return func() { t.ack(p) }
}

func (t *Tracker) ack(p *pending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.acked = true
	n := 0
	for n < len(t.pending) && t.pending[n].acked {
		t.committed = t.pending[n].end
		n++
	}
	clear(t.pending[:n])
	if t.pending = t.pending[n:]; len(t.pending) == 0 { // else what is before it goes when the slice grows
		t.pending = nil
	}
}

// Committed is the place up to which nothing is missing.
func (t *Tracker) Committed() Mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.committed
}
