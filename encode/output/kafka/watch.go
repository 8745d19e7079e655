package kafka

import (
	"context"
	"fmt"
	"time"

	"pikabin/encode/output/kafka/connect"
)

// watch tells the user of trouble, and ends the sink when it is told to end and cannot deliver in time what waits.
func (s *producer) watch(stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	s.wire.Trouble.Begin(time.Now())
	var (
		late <-chan time.Time
		last error
	)
	hurried := s.hurried
	for {
		select {
		case <-s.closing:
			return
		case now := <-tick.C:
			line, err := s.wire.Trouble.Look(now, s.acked.Load(), s.lanes.Busy() || s.committing.Load() || s.asking.Load())
			if err != nil {
				s.fail(err)
			}
			if line != "" {
				s.monitor.Warn(line)
			}
			lasting := s.wire.Trouble.Lasting()
			if lasting != nil || last != nil { // a file that waits for room tells of that, too
				s.monitor.Waits(lasting)
			}
			last = lasting
		case <-stop:
			stop, late = nil, time.After(s.o.CloseTimeout)
		case <-hurried:
			hurried, late = nil, time.After(s.o.CloseTimeout)
		case <-late:
			s.fail(fmt.Errorf("what was under way was not acknowledged within %v (close-timeout): %w", s.o.CloseTimeout, s.wire.Trouble.Reason()))
		}
	}
}

// tellWaits says why the start takes long, until ctx ends.
func (s *producer) tellWaits(ctx context.Context) {
	began := time.Now()
	for wait := connect.TroubleAfter; ; wait = min(2*wait, connect.TroubleAgain) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			why := s.wire.Trouble.Reason()
			s.monitor.Warn(fmt.Sprintf("kafka: not ready after %v, trying on: %v", time.Since(began).Round(time.Second), why))
			s.monitor.Waits(why)
		case <-ctx.Done():
			timer.Stop()
			s.monitor.Waits(nil)
			return
		}
	}
}
