package object

import "time"

// Hurry makes the waits between attempts short.
func Hurry() { firstWait, lastWait = time.Millisecond, 10*time.Millisecond }
