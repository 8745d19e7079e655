package topics

import (
	"fmt"
	"strconv"
	"time"
)

// clampMargin keeps clamped times from the edge of what a broker takes, whose clock is another one.
const clampMargin = time.Minute

// Times are how far the time of a record may be from the broker's clock; 0: any distance.
type Times struct{ before, after time.Duration }

// set takes a setting of a topic.
func (b *Times) set(key, value string) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n >= int64(1<<63-1)/int64(time.Millisecond) {
		return
	}
	switch key {
	case "message.timestamp.before.max.ms":
		b.before = time.Duration(n) * time.Millisecond
	case "message.timestamp.after.max.ms":
		b.after = time.Duration(n) * time.Millisecond
	}
}

// Check says why a broker refuses a time, "" if it does not.
func (b *Times) Check(t, now time.Time) string {
	switch {
	case t.IsZero():
	case b.after > 0 && t.Sub(now) > b.after:
		return fmt.Sprintf("its time %s is %v ahead, and the topic takes %v (message.timestamp.after.max.ms)",
			t.UTC().Format(time.RFC3339), t.Sub(now).Round(time.Second), b.after)
	case b.before > 0 && now.Sub(t) > b.before:
		return fmt.Sprintf("its time %s is %v ago, and the topic takes %v (message.timestamp.before.max.ms)",
			t.UTC().Format(time.RFC3339), now.Sub(t).Round(time.Second), b.before)
	}
	return ""
}

// Clamp gives the nearest time that a broker takes.
func (b *Times) Clamp(t, now time.Time) time.Time {
	if last := now.Add(b.after - min(clampMargin, b.after/2)); b.after > 0 && t.After(last) {
		return last
	}
	if first := now.Add(min(clampMargin, b.before/2) - b.before); b.before > 0 && t.Before(first) {
		return first
	}
	return t
}
