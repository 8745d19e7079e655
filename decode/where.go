package decode

import (
	"fmt"
	"strconv"
	"time"

	"pikabin/decode/units"
)

// Where is a place in a log as a user names it. The zero value is unset.
type Where struct {
	kind     whereKind
	position Position
	time     time.Time
}

type whereKind uint8

const (
	whereUnset whereKind = iota
	whereStart
	whereEnd
	wherePosition
	whereTime
)

// timeLayouts are the forms of a time, the ones without a zone in local time.
var timeLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
}

// ParseWhere reads start, end, a position (12:4096), a time, seconds or milliseconds since 1970, or how long ago (2h, 2d3h,
// 1w). now is what "ago" counts from, and its zone that of times without one.
func ParseWhere(s string, now time.Time) (Where, error) {
	switch s {
	case "":
		return Where{}, nil
	case "start":
		return Where{kind: whereStart}, nil
	case "end":
		return Where{kind: whereEnd}, nil
	}
	if p, err := ParsePosition(s); err == nil {
		return Where{kind: wherePosition, position: p}, nil
	}
	if t, ok := parseUnix(s); ok {
		return Where{kind: whereTime, time: t.In(now.Location())}, nil
	}
	if ago, err := units.ParseDuration(s); err == nil && s != "0" { // more likely the start than the present
		return Where{kind: whereTime, time: now.Add(-ago)}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return Where{kind: whereTime, time: t}, nil
		}
	}
	return Where{}, fmt.Errorf("%q is not a place in a log: expected start, end, a position (12:4096), "+
		"a time (2025-06-01T12:00:00+08:00, or without a zone for local time), "+
		"seconds or milliseconds since 1970, or how long ago (2h, 2d3h, 1w)", s)
}

// parseUnix reads seconds since 1970, or milliseconds where there are more than eleven digits. Fewer than nine are no time: that
// was in 1973, and is more likely the offset of a position.
func parseUnix(s string) (time.Time, bool) {
	const fewest, seconds, milliseconds = 9, 11, 14
	n, err := strconv.ParseUint(s, 10, 64)
	switch digits := len(s); {
	case err != nil || digits < fewest || digits > milliseconds:
		return time.Time{}, false
	case digits <= seconds:
		return time.Unix(int64(n), 0), true
	}
	return time.UnixMilli(int64(n)), true
}

// At is the place at a position.
func At(p Position) Where { return Where{kind: wherePosition, position: p} }

// IsPosition reports whether the place is one in one DB's log, which means nothing in another's.
func (w Where) IsPosition() bool { return w.kind == wherePosition }

// Before reports whether a place is before another one in every log. Of two that only a log can compare it is false.
func (w Where) Before(other Where) bool {
	switch {
	case w.kind == wherePosition && other.kind == wherePosition:
		return w.position.Before(other.position)
	case w.kind == whereTime && other.kind == whereTime:
		return w.time.Before(other.time)
	}
	return false
}

// String says the place with its zone, for the line that tells where a run starts.
func (w Where) String() string {
	switch w.kind {
	case whereStart:
		return "the start of the log"
	case whereEnd:
		return "the end"
	case wherePosition:
		return "position " + w.position.String()
	case whereTime:
		return "the first record at or after " + w.time.Format(time.RFC3339)
	case whereUnset:
	}
	return "nowhere"
}

// Or is w, or other when w is unset.
func (w Where) Or(other Where) Where {
	if w.kind == whereUnset {
		return other
	}
	return w
}

// LogStart and LogEnd are the places that need no words.
var (
	LogStart = Where{kind: whereStart}
	LogEnd   = Where{kind: whereEnd}
)

// IsEnd reports whether the place is the end of what is committed.
func (w Where) IsEnd() bool { return w.kind == whereEnd }

// Position is the place, if it was given as one.
func (w Where) Position() (p Position, ok bool) { return w.position, w.kind == wherePosition }

// Seconds is the place, if it was given as a time, as a whole unix time: a record that is a fraction of a second older than
// the time has the same whole second, and is not at or after it.
func (w Where) Seconds() (t int64, ok bool) {
	t = w.time.Unix()
	if w.time.Nanosecond() > 0 {
		t++
	}
	return t, w.kind == whereTime
}
