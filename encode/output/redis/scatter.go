package redis

import (
	"context"
	"fmt"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/words"
)

// scatter is a session with all masters of a cluster.
func (s *replay) scatter(ctx context.Context, left []*unit) ([]*unit, error) {
	nodes, err := s.openNodes(ctx, s.takeOver)
	if err != nil {
		return left, err
	}
	defer nodes.Close()
	session := cluster.Session{Nodes: nodes, Next: s.nextScattered, Pace: s.pace, Most: s.pieceMost()}
	batches := make([]cluster.Batch, len(left))
	for i, u := range left {
		batches[i] = s.scatteredOf(u)
	}
	batches, err = session.Run(ctx, batches)
	left = nil
	for _, b := range batches {
		if b, ok := b.(*scattered); ok {
			left = append(left, b.unit)
		}
	}
	return left, err
}

// openNodes connects to all masters, by the help of one that answers.
func (s *replay) openNodes(ctx context.Context, take func(*link.Conn, string) error) (*cluster.Nodes, error) {
	s.mu.Lock()
	seeds := append(cluster.Masters(s.owners), s.seeds...)
	s.mu.Unlock()
	a := cluster.Access{Dialer: s.dialer, Take: take, Learnt: s.learnt, Replicas: s.o.Replicas, Short: s.patience.Wait}
	return a.Open(ctx, seeds)
}

// learnt keeps who has which slot for the next time, and tells where a replica has taken over. What that lacks of deadlines that are in effect is
// done again by another walk.
func (s *replay) learnt(owners []string) {
	s.mu.Lock()
	before := s.owners
	s.owners = owners
	s.mu.Unlock()
	for _, c := range cluster.Successions(before, owners) {
		text := fmt.Sprintf("redis: the node %s has all slots now that %s had", c.By, c.Of)
		if s.o.Replicas == 0 {
			text += ": if it is a replica that has taken over after a failure, it may lack the last of what the other one has confirmed (the option replicas=1 waits for replicas)"
		}
		s.monitor.Warn(text)
		s.deadlines.lost()
	}
}

// nextScattered waits for a unit.
func (s *replay) nextScattered(ctx context.Context, dead <-chan struct{}) (cluster.Batch, error) {
	u, err := s.nextUnit(ctx, dead)
	if u == nil {
		return nil, err
	}
	return s.scatteredOf(u), err
}

// scattered is a unit whose messages go to the nodes of a cluster. After them comes what puts deadlines of its keys into effect.
type scattered struct {
	*replay
	unit   *unit
	events []cluster.Event
}

// scatteredOf is always the same one, which knows what is done.
func (s *replay) scatteredOf(u *unit) *scattered {
	if u.scattered != nil {
		return u.scattered
	}
	u.scattered = &scattered{replay: s, unit: u, events: make([]cluster.Event, 0, len(u.messages)+words.Count(u.due))}
	for i := range u.messages {
		u.scattered.add(u.of(i))
	}
	for due := u.due; len(due) > 0; {
		var command []byte
		command, due = words.Cut(due)
		u.scattered.add(command)
	}
	return u.scattered
}

func (s *scattered) add(commands []byte) { s.events = append(s.events, cluster.NewEvent(commands)) }

// Events implements cluster.Batch.
func (s *scattered) Events() []cluster.Event { return s.events }

// Delivered implements cluster.Batch.
func (s *scattered) Delivered() { s.delivered(s.unit) }

// Refused implements cluster.Batch.
func (s *scattered) Refused(ctx context.Context, event, command int, why redis.Error) error {
	if event >= len(s.unit.messages) {
		return fmt.Errorf("putting deadlines into effect: %w", why)
	}
	return s.refused.take(ctx, s.unit, event, command, why)
}
