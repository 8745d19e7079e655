package kafka

import (
	"context"
	"fmt"
	"time"

	"pikabin/encode/output/kafka/lease"
)

// pingInterval is how often a run that waits asks whether the brokers are there.
const pingInterval = time.Second

// standBy waits until the lease comes to this run.
func (s *producer) standBy(ctx context.Context) error {
	var err error
	if s.lease, err = lease.Join(s.wire.Options(), s.o.Source, s.o.PositionsTopic); err != nil {
		return err
	}
	patience := time.NewTimer(lease.Timeout / 2)
	defer patience.Stop()
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case <-s.lease.Granted():
			s.monitor.StandsBy(false)
			s.monitor.Waits(nil)
			return nil
		case err := <-s.lease.Denied():
			return fmt.Errorf("standing by for source %q, group pikabin-%[1]s: %w", s.o.Source, err)
		case <-patience.C:
			s.monitor.StandsBy(true) // before it is said: who reads that may ask /healthz at once
			s.monitor.Warn(fmt.Sprintf("kafka: standing by until no other run writes for source %q", s.o.Source))
		case <-ping.C:
			s.monitor.Waits(s.ping(ctx))
		case <-ctx.Done():
			return fmt.Errorf("standing by for source %q: %w", s.o.Source, context.Cause(ctx))
		}
	}
}

// ping asks whether the brokers are there, without which nothing can be taken over.
func (s *producer) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lease.Timeout)
	defer cancel()
	return s.lanes.First().Ping(ctx)
}
