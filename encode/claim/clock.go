package claim

import "time"

// systemClock is that of the machine. Its times have no date, and can only be compared with each other.
type systemClock struct{}

// Now implements Clock.
func (systemClock) Now() time.Time { return sinceBoot() }

// After implements Clock. A timer stands still while the host is suspended: whoever waits for one looks at Now after that.
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
