package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pikabin/encode/sink"
)

// The times between two attempts.
const (
	firstWait = 10 * time.Millisecond
	mostWait  = 3 * time.Second
)

// patience waits between attempts, longer each time until something has been delivered.
type patience struct {
	monitor sink.Monitor
	address string
	mu      sync.Mutex
	next    time.Duration // 0: nothing is waited for
	within  time.Duration // what a start may take; 0: it waits until it helps
}

// limit says for how long from now on it is tried; 0: until it helps.
func (p *patience) limit(within time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.within = within
}

// wait says why nothing is delivered, and waits. It ends early with the context.
func (p *patience) wait(ctx context.Context, why error) error {
	p.mu.Lock()
	first := p.next == 0
	p.next = min(max(2*p.next, firstWait), mostWait)
	wait, long := p.next, "until it helps"
	if p.within > 0 {
		long = fmt.Sprintf("for up to %v, the option start-timeout", p.within)
	}
	p.mu.Unlock()
	if first {
		p.monitor.Warn(fmt.Sprintf("redis: %s: %v: trying again %s", p.address, why, long))
	}
	p.monitor.Waits(why)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// over is told when something was delivered.
func (p *patience) over() {
	p.mu.Lock()
	waited := p.next > 0
	p.next = 0
	p.mu.Unlock()
	if waited {
		p.monitor.Waits(nil)
	}
}
