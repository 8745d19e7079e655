//go:build linux || darwin

package claim

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is the time since the machine was started, suspensions included. The clock of time.Now stops during these.
func sinceBoot() time.Time {
	var now unix.Timespec
	_ = unix.ClockGettime(bootClock, &now) // which fails only where there is no such clock: Go runs on nothing that old
	return time.Unix(now.Unix())
}
