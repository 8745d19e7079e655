// Package lease says which of several runs for a source works: the one to which the group of all of them gives a partition of the topic
// of positions. Whoever has it keeps it while it lives.
package lease

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Timeout is how long a run may not be heard of before a standby takes over.
const Timeout = 10 * time.Second

// Lease says which of several runs for a source works: the one that the group of all of them gives a partition of the topic of
// positions. Whoever has it keeps it while it lives. That another one writes no more the claim sees to.
type Lease struct {
	client  *kgo.Client
	topic   string
	granted chan struct{}
	denied  chan error
	held    atomic.Bool
}

// leasePartition is the one, whichever holds the positions: the group is the source's own.
const leasePartition = 0

// Join joins the group.
func Join(opts []kgo.Opt, source, topic string) (*Lease, error) {
	l := &Lease{topic: topic, granted: make(chan struct{}, 1), denied: make(chan error, 1)}
	var err error
	l.client, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup("pikabin-"+source), kgo.ConsumeTopics(l.topic), kgo.DisableAutoCommit(),
		kgo.Balancers(leaseBalancer{kgo.CooperativeStickyBalancer()}), kgo.SessionTimeout(Timeout), kgo.HeartbeatInterval(Timeout/10),
		kgo.WithHooks(l), kgo.OnPartitionsAssigned(l.assigned), kgo.OnPartitionsRevoked(l.lost), kgo.OnPartitionsLost(l.lost),
	)...)
	if err != nil {
		return nil, err
	}
	l.client.PauseFetchTopics(l.topic) // the group is all that is wanted
	return l, nil
}

// Granted receives when the lease has come to this run.
func (l *Lease) Granted() <-chan struct{} { return l.granted }

// Denied receives why this run may not have it.
func (l *Lease) Denied() <-chan error { return l.denied }

func (l *Lease) assigned(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	if !slices.Contains(partitions[l.topic], leasePartition) {
		return
	}
	l.held.Store(true)
	select {
	case l.granted <- struct{}{}:
	default:
	}
}

// lost is called when the group has not heard of this run for too long, too.
func (l *Lease) lost(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	if slices.Contains(partitions[l.topic], leasePartition) {
		l.held.Store(false)
	}
}

// OnGroupManageError implements kgo.HookGroupManageError: without the right to the group a run would wait for ever, and seem to wait for
// another one.
func (l *Lease) OnGroupManageError(err error) {
	if !errors.Is(err, kerr.GroupAuthorizationFailed) {
		return
	}
	select {
	case l.denied <- err:
	default:
	}
}

// MayBeLost reports whether another run may have taken over.
func (l *Lease) MayBeLost() bool { return l != nil && !l.held.Load() }

// Close gives the lease back, if there is one.
func (l *Lease) Close() {
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
