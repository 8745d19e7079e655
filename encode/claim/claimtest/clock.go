package claimtest

import (
	"sync/atomic"
	"time"
)

// Clock is that of Go, and so that of a bubble of testing/synctest. The zero value is ready.
type Clock struct{ suspended atomic.Int64 }

// Now implements claim.Clock.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.suspended.Load())) }

// After implements claim.Clock.
func (*Clock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Suspend has the host have been suspended: what was to happen in that time happens after it.
func (c *Clock) Suspend(d time.Duration) { c.suspended.Add(int64(d)) }
