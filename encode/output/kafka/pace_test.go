package kafka

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPace sends transactions over ways of all speeds, which change: none but the first few takes longer than the brokers allow, and a fast
// way is used.
func TestPace(t *testing.T) {
	const most, timeout = 32 << 20, time.Minute
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p, lost := newPace(most, timeout), 0
		rate := float64(int64(1) << (12 + rng.IntN(20))) // bytes a second, from 4 KiB on
		for range 40 {
			rate *= 0.8 + 0.4*rng.Float64()
			bytes := p.limit
			took := time.Duration(float64(bytes) / rate * float64(time.Second))
			if took > timeout {
				lost++
				p.lost()
				continue
			}
			p.took(bytes, took)
		}
		if lost > 4 {
			t.Errorf("seed %d: %d transactions were lost at %.0f bytes a second", seed, lost, rate)
		}
		if rate > 4*most && p.limit < most {
			t.Errorf("seed %d: a transaction has %d bytes at %.0f bytes a second", seed, p.limit, rate)
		}
	}
}
