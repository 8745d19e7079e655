//go:build !linux && !darwin

package claim

import "time"

// sinceBoot is the clock of time.Now. On Windows that is the interrupt time, which continues while the machine sleeps.
func sinceBoot() time.Time { return time.Now() }
