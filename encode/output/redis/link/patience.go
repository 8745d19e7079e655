package link

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// The times between two attempts.
const (
	firstWait = 10 * time.Millisecond
	mostWait  = 3 * time.Second
)

// Watcher is told what is waited for.
type Watcher interface {
	Warn(text string)
	Waits(why error) // nil: for nothing any more
}

// Patience waits between attempts, longer each time until something has been delivered.
type Patience struct {
	Watcher Watcher
	Address string

	mu     sync.Mutex
	next   time.Duration // 0: nothing is waited for
	within time.Duration // what a start may take; 0: it waits until it helps
}

// Limit says for how long from now on it is tried; 0: until it helps.
func (p *Patience) Limit(within time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.within = within
}

// Wait says why nothing is delivered, and waits. It ends early with the context.
func (p *Patience) Wait(ctx context.Context, why error) error {
	p.mu.Lock()
	first := p.next == 0
	p.next = min(max(2*p.next, firstWait), mostWait)
	wait, long := p.next, "until it helps"
	if p.within > 0 {
		long = fmt.Sprintf("for up to %v, the option start-timeout", p.within)
	}
	p.mu.Unlock()
	if first {
		p.Watcher.Warn(fmt.Sprintf("redis: %s: %v: trying again %s", p.Address, why, long))
	}
	p.Watcher.Waits(why)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Over is told when something was delivered.
func (p *Patience) Over() {
	p.mu.Lock()
	waited := p.next > 0
	p.next = 0
	p.mu.Unlock()
	if waited {
		p.Watcher.Waits(nil)
	}
}
