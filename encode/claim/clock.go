package claim

import "time"

// systemClock is that of the machine. Its times have no date, and can only be compared with each other.
type systemClock struct{}

// Now implements Clock.
func (systemClock) Now() time.Time { return sinceBoot() }

// After implements Clock. A timer stops while the host is suspended: its caller looks at Now after it.
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
