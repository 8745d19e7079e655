package claim

import "golang.org/x/sys/unix"

// bootClock continues while macOS sleeps. It is not the clock that has this name on Linux, which is CLOCK_UPTIME_RAW here.
const bootClock = unix.CLOCK_MONOTONIC
