package kafka

import "time"

// pace bounds a transaction, so that it takes a part of the time that the brokers give it, however slow the way to them is.
type pace struct {
	limit  int64 // bytes of a transaction
	most   int64
	target time.Duration
}

// firstLimit is that of the first transaction, of which nobody knows how long it takes. A faster way is found in a few steps.
const firstLimit = 4 << 20

// leastLimit is that of the slowest way. A batch is never parted.
const leastLimit = 64 << 10

func newPace(most int64, timeout time.Duration) pace {
	return pace{limit: min(firstLimit, most), most: most, target: timeout / 4}
}

// took learns from a transaction that was committed.
func (p *pace) took(bytes int64, took time.Duration) {
	switch {
	case took > p.target:
		p.set(int64(float64(bytes) * float64(p.target) / float64(took)))
	case bytes > p.limit/2:
		p.set(2 * p.limit)
	}
}

// lost learns from one that the brokers have given up.
func (p *pace) lost() { p.set(p.limit / 4) }

func (p *pace) set(limit int64) { p.limit = min(max(limit, leastLimit), p.most) }
