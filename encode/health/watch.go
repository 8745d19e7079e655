package health

import (
	"time"

	"pikabin/decode"
	"pikabin/encode/stats"
)

// watch remembers of one log what a single look does not show.
type watch struct {
	place stats.Delivered
	moved time.Time // when the acknowledged position was first seen where it is
	begun time.Time // when the log was first looked at

	// clear is the latest time known by which all that was committed has been delivered. goal is an end of the log to
	// reach, and when it was seen: once it is reached, that becomes clear. So a log that is never without something to
	// deliver has a lag too.
	clear, goalAt time.Time
	goal          decode.Position
}

// look compares a log with what has been acknowledged of it.
func (w *watch) look(now time.Time, s *LogStatus, place stats.Delivered, stalled time.Duration) LogReport {
	w.move(now, s, place)
	l := LogReport{
		DB: s.Log.String(), Acknowledged: place.Position, End: s.End, Segments: s.Segments,
		SegmentsBeforePurge: s.Older(place.Position), grew: s.Grew, Remote: s.Remote,
	}
	if s.Trouble != nil {
		l.Trouble, l.trouble = s.Trouble.Error(), s.TroubleSince
	}
	if place.Position.Before(s.End) {
		l.LagBytes = s.Behind(place.Position)
	}
	if l.LagBytes <= 0 {
		w.clear, w.goal, w.goalAt = now, s.End, now
		return l
	}
	l.LagSegments = int64(s.End.Segment) - int64(place.Position.Segment)
	l.LagSeconds = w.lag(now).Seconds()
	still := now.Sub(later(w.moved, w.clear))
	l.StillSeconds, l.Stalled = still.Seconds(), still >= stalled
	return l
}

// move takes notice of where the acknowledged position is now.
func (w *watch) move(now time.Time, s *LogStatus, place stats.Delivered) {
	first, another := w.begun.IsZero(), place.Epoch != w.place.Epoch
	if first {
		w.begun = now
	}
	if first || another || place.Position != w.place.Position {
		w.moved = now
	}
	switch {
	case first || another: // positions of two histories do not compare
		w.goal, w.goalAt = s.End, now
	case !place.Position.Before(w.goal):
		w.clear = w.goalAt
		w.goal, w.goalAt = s.End, now
	}
	w.place = place
}

// lag is how old the oldest record can be that has not been delivered. It was committed after the last one that has
// been, and after the last time by which all had been. The server's clock is taken to be ours, but for this: nothing was
// committed after it had been delivered. Where neither is known it is how long the log has been watched.
func (w *watch) lag(now time.Time) time.Duration {
	since := w.clear
	if w.place.Time > 0 {
		committed := time.Unix(w.place.Time, 0)
		if committed.After(w.moved) {
			committed = w.moved
		}
		since = later(since, committed)
	}
	if since.IsZero() {
		since = w.begun
	}
	return max(now.Sub(since), 0)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
