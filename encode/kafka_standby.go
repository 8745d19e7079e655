package encode

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// leaseTimeout is how long a run may not be heard of before a standby takes over.
const leaseTimeout = 10 * time.Second

// standBy waits until the group of the runs for the source gives this one the source's partition of the positions. Whoever has it keeps
// it while it lives. The lease only says whose turn it is: that the other one writes no more, the claim sees to.
func (s *kafkaSink) standBy(ctx context.Context) error {
	opts, err := s.clientBase()
	if err != nil {
		return err
	}
	topic, partition := s.o.positionsTopic, s.positionsPartition()
	turn := make(chan struct{}, 1)
	s.lease, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup("pikabin-"+s.o.source), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.SessionTimeout(leaseTimeout), kgo.HeartbeatInterval(leaseTimeout/10),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			if slices.Contains(assigned[topic], partition) {
				select {
				case turn <- struct{}{}:
				default:
				}
			}
		}))...)
	if err != nil {
		return err
	}
	s.lease.PauseFetchTopics(topic) // the group is all that is wanted
	patience := time.NewTimer(leaseTimeout / 2)
	defer patience.Stop()
	for {
		select {
		case <-turn:
			return nil
		case <-patience.C:
			s.warn(fmt.Sprintf("kafka: standing by until no other run writes for source %q", s.o.source))
		case <-ctx.Done():
			return fmt.Errorf("standing by for source %q: %w", s.o.source, context.Cause(ctx))
		}
	}
}
