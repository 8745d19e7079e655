package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	leaseTimeout = 10 * time.Second // how long a run may not be heard of before a standby takes over
	pingInterval = time.Second      // how often one that waits asks whether the brokers are there
)

// lease says which of several runs for a source works: the one that the group of all of them gives a partition of the topic of
// positions. Whoever has it keeps it while it lives. That another one writes no more the claim sees to.
type lease struct {
	client *kgo.Client
	topic  string
	turn   chan struct{} // receives when the lease has come to this run
	barred chan error    // receives why this run may not have it
	held   atomic.Bool
}

// leasePartition is the one, whichever holds the positions: the group is the source's own.
const leasePartition = 0

// standBy waits until the lease comes to this run.
func (s *producer) standBy(ctx context.Context, told func(bool)) error {
	if err := s.openLease(); err != nil {
		return err
	}
	patience := time.NewTimer(leaseTimeout / 2)
	defer patience.Stop()
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case <-s.lease.turn:
			told(false)
			s.waits(nil)
			return nil
		case err := <-s.lease.barred:
			return fmt.Errorf("standing by for source %q: %w", s.o.source, err)
		case <-patience.C:
			s.warn(fmt.Sprintf("kafka: standing by until no other run writes for source %q", s.o.source))
			told(true)
		case <-ping.C:
			s.waits(s.ping(ctx))
		case <-ctx.Done():
			return fmt.Errorf("standing by for source %q: %w", s.o.source, context.Cause(ctx))
		}
	}
}

// ping asks whether the brokers are there, without which nothing can be taken over.
func (s *producer) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return s.client.Ping(ctx)
}

// openLease joins the group.
func (s *producer) openLease() error {
	opts, err := s.clientBase()
	if err != nil {
		return err
	}
	l := &lease{topic: s.o.positionsTopic, turn: make(chan struct{}, 1), barred: make(chan error, 1)}
	l.client, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup("pikabin-"+s.o.source), kgo.ConsumeTopics(l.topic), kgo.DisableAutoCommit(),
		kgo.Balancers(leaseBalancer{kgo.CooperativeStickyBalancer()}), kgo.SessionTimeout(leaseTimeout), kgo.HeartbeatInterval(leaseTimeout/10),
		kgo.WithHooks(l), kgo.OnPartitionsAssigned(l.assigned), kgo.OnPartitionsRevoked(l.lost), kgo.OnPartitionsLost(l.lost),
	)...)
	if err != nil {
		return err
	}
	l.client.PauseFetchTopics(l.topic) // the group is all that is wanted
	s.lease = l
	return nil
}

func (l *lease) assigned(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	if !slices.Contains(partitions[l.topic], leasePartition) {
		return
	}
	l.held.Store(true)
	select {
	case l.turn <- struct{}{}:
	default:
	}
}

// lost is called when the group has not heard of this run for too long, too.
func (l *lease) lost(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	if slices.Contains(partitions[l.topic], leasePartition) {
		l.held.Store(false)
	}
}

// OnGroupManageError implements kgo.HookGroupManageError: without the right to the group a run would wait for ever, and seem to wait for
// another one.
func (l *lease) OnGroupManageError(err error) {
	if !errors.Is(err, kerr.GroupAuthorizationFailed) {
		return
	}
	select {
	case l.barred <- err:
	default:
	}
}

// doubtful reports whether another run may have taken over.
func (l *lease) doubtful() bool { return l != nil && !l.held.Load() }

func (l *lease) close() {
	if l != nil {
		l.client.Close()
	}
}

// leaseBalancer hands out one partition. With all of them, the balance of their numbers would take the lease from who has it.
type leaseBalancer struct{ kgo.GroupBalancer }

// MemberBalancer implements kgo.GroupBalancer.
func (b leaseBalancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	inner, topics, err := b.GroupBalancer.MemberBalancer(members)
	if balancer, ok := inner.(kgo.GroupMemberBalancerOrError); ok {
		return onePartition{balancer}, topics, err
	}
	return inner, topics, err
}

type onePartition struct {
	kgo.GroupMemberBalancerOrError
}

// BalanceOrError implements kgo.GroupMemberBalancerOrError.
func (b onePartition) BalanceOrError(topics map[string]int32) (kgo.IntoSyncAssignment, error) {
	for topic := range topics {
		topics[topic] = leasePartition + 1
	}
	return b.GroupMemberBalancerOrError.BalanceOrError(topics)
}
