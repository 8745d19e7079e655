package health

import (
	"context"
	"fmt"
	"time"

	"pikabin/decode/units"
)

// lineInterval is how often Watch makes a line.
const lineInterval = 250 * time.Millisecond

// rateSpan is over how long the speed is taken, at least.
const rateSpan = time.Second

// sample is what the speed is reckoned from.
type sample struct {
	at      time.Time
	changes int64
	rate    float64
}

// Line is the state of the run for one line of a terminal: of several logs that which has most to go.
//
//	db0 12:4096  1.2 MiB to go  1234 events/s  ok
func (m *Monitor) Line() string {
	r := m.Report()
	word := r.word()
	if !r.Healthy {
		word = r.Reasons[0]
	}
	line := fmt.Sprintf("%.0f events/s  %s", m.rate(r), word)
	if len(r.Logs) == 0 {
		return line
	}
	worst := &r.Logs[0]
	for i := range r.Logs {
		if l := &r.Logs[i]; l.LagBytes > worst.LagBytes {
			worst = l
		}
	}
	where := fmt.Sprintf("%s %v  %s to go", worst.DB, worst.Acknowledged, units.FormatSize(worst.LagBytes))
	if n := len(r.Logs); n > 1 {
		where = fmt.Sprintf("%d logs, %s", n, where)
	}
	return where + "  " + line
}

// rate is how many changes a second there were of late.
func (m *Monitor) rate(r *Report) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.last
	switch since := r.at.Sub(s.at); {
	case s.at.IsZero():
		*s = sample{at: r.at, changes: r.stats.Changes}
	case since >= rateSpan:
		*s = sample{at: r.at, changes: r.stats.Changes, rate: float64(r.stats.Changes-s.changes) / since.Seconds()}
	}
	return s.rate
}

// Watch shows a line four times a second until the context ends.
func (m *Monitor) Watch(ctx context.Context, show func(line string)) {
	tick := time.NewTicker(lineInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			show(m.Line())
		}
	}
}
