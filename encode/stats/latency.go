package stats

import "time"

// latencyBounds are the upper bounds of the buckets of Latency, from a write to memory to a broker that is away.
var latencyBounds = [...]time.Duration{
	100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// Latency counts how long batches took from the sink's Write to their delivery.
type Latency struct {
	Count int64
	Sum   time.Duration
	up    [len(latencyBounds)]uint64 // that took at most so long
}

func (l *Latency) add(d time.Duration) {
	l.Count++
	l.Sum += d
	for i, bound := range latencyBounds {
		if d <= bound {
			l.up[i]++
		}
	}
}

// Buckets says how many batches took at most so many seconds.
func (l *Latency) Buckets() map[float64]uint64 {
	buckets := make(map[float64]uint64, len(l.up))
	for i, bound := range latencyBounds {
		buckets[bound.Seconds()] = l.up[i]
	}
	return buckets
}
