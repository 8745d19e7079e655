package traffic

import "math"

// bounds are the lengths of life, in milliseconds, by which deadlines are grouped: each group is of those below its bound, and the last one is
// of those that have none.
var bounds = [...]int64{1, 60e3, 600e3, 3600e3, 6 * 3600e3, 86400e3, 7 * 86400e3, 30 * 86400e3, 365 * 86400e3}

// spans are how long keys were given to live.
type spans struct {
	given, taken, unknown int64 // deadlines given, and taken away; of events without a time
	shortest, longest     int64 // milliseconds, if any is known
	counts                [len(bounds) + 1]int64
}

func (s *spans) add(d digest) {
	deadline := d.number(atDeadline)
	switch {
	case deadline == 0:
		s.taken++
		return
	case !d.has(hasTime):
		s.given++
		s.unknown++
		return
	}
	span := max(deadline, math.MinInt64+1000*d.number(atTime)) - 1000*d.number(atTime) // a deadline can be any number
	s.note(span, span)
	s.given++
	i := 0
	for i < len(bounds) && span >= bounds[i] {
		i++
	}
	s.counts[i]++
}

// note moves the shortest and the longest one. It comes before the count of those that are noted.
func (s *spans) note(shortest, longest int64) {
	if s.given == s.unknown {
		s.shortest, s.longest = shortest, longest
	}
	s.shortest, s.longest = min(s.shortest, shortest), max(s.longest, longest)
}

func (s *spans) merge(o *spans) {
	if o.given > o.unknown {
		s.note(o.shortest, o.longest)
	}
	s.given += o.given
	s.taken += o.taken
	s.unknown += o.unknown
	for i, n := range o.counts {
		s.counts[i] += n
	}
}
