package pikamaster

import (
	"fmt"
	"time"
)

// behaviour is what differs between versions.
type behaviour struct {
	checks     bool          // TrySync checks that a position is a boundary
	pingAfter  time.Duration // since the last record
	pingIdle   bool          // only when all is acknowledged
	separator  string        // between a DB and its position in INFO
	exists     int           // code of AlreadyExist
	terms      bool          // term and index
	closes     bool          // a read error at the first BinlogSync closes the connection
	runID      bool
	replID     bool
	bytesBound bool // 1 GiB under way at most
}

// behaviourOf is the table of versions, 3.1.0 to 4.0.
func behaviourOf(version string) behaviour {
	v := number(version)
	b := behaviour{
		checks: v >= 30203, pingAfter: 10 * time.Second, pingIdle: v >= 30304, separator: ":", exists: 2, terms: v >= 30300,
		closes: v >= 30300, runID: v >= 30500, replID: v >= 30501, bytesBound: v >= 30300,
	}
	if v >= 30300 {
		b.pingAfter = 2 * time.Second
	}
	if v >= 30200 && v < 30500 {
		b.separator = " "
	}
	if v >= 30304 {
		b.exists = 3
	}
	return b
}

func number(version string) int {
	var major, minor, patch int
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
	return major*10000 + minor*100 + patch
}
