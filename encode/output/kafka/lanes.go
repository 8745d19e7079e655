package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/sink"
)

// mostLanes is how many clients send. All that a client has for a broker is put into batches and compressed by one goroutine, which
// is what bounds a backfill where there are few brokers. More than two are no faster on four CPUs that the broker has, too.
const mostLanes = 2

// lanes are the clients that send. Each partition belongs to one of them, which keeps its order.
type lanes []*kgo.Client

// openLanes makes the clients: one where one partition takes everything, and where all is in the transactions of one.
func (s *producer) openLanes() error {
	opts, err := s.clientOptions()
	if err != nil {
		return err
	}
	count := mostLanes
	if s.o.single || s.o.exactlyOnce {
		count = 1
	}
	for lane := range count {
		client, err := kgo.NewClient(append(slices.Clip(opts), kgo.RecordPartitioner(&lanePartitioner{s.topics, lane}))...)
		if err != nil {
			s.lanes.close()
			return &sink.TargetError{Err: err}
		}
		s.lanes = append(s.lanes, client)
	}
	s.client = s.lanes[0]
	return nil
}

// of is the client that sends to a partition.
func (l lanes) of(partition int32) *kgo.Client { return l[int(partition)%len(l)] }

// flush waits until nothing is under way.
func (l lanes) flush(ctx context.Context) error {
	for _, client := range l {
		if err := client.Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// busy reports whether something is under way.
func (l lanes) busy() bool {
	return slices.ContainsFunc(l, func(client *kgo.Client) bool { return client.BufferedProduceRecords() > 0 })
}

func (l lanes) abort() {
	for _, client := range l {
		client.UnsafeAbortBufferedRecords()
	}
}

func (l lanes) close() {
	for _, client := range l {
		client.Close()
	}
}

// lanePartitioner puts the records of one lane where they are to go, and sees how many partitions its client knows of.
type lanePartitioner struct {
	topics *topics
	lane   int
}

// ForTopic implements kgo.Partitioner.
func (p *lanePartitioner) ForTopic(name string) kgo.TopicPartitioner {
	p.topics.mu.Lock()
	defer p.topics.mu.Unlock()
	return &laneTopic{p.topics.byName[name], p.lane}
}

// laneTopic is a topic as one lane sees it.
type laneTopic struct {
	*topic
	lane int
}

// RequiresConsistency implements kgo.TopicPartitioner: a record never goes elsewhere because a partition is down.
func (*laneTopic) RequiresConsistency(*kgo.Record) bool { return true }

// Partition implements kgo.TopicPartitioner. With -1 the client refuses the record.
func (t *laneTopic) Partition(r *kgo.Record, n int) int {
	if t.seen[t.lane].Load() != int32(n) && !t.onChanged(t.topic, t.lane, int32(n)) {
		return -1
	}
	return int(r.Partition)
}

// partitions is how many of a topic's are used.
func (s *producer) partitions(t *topic) int32 {
	if s.o.single {
		return 1
	}
	return t.partitions.Load()
}

// place finds the partition of a record's key.
func (t *topic) place(r *kgo.Record) {
	if r.Partition == anyPartition {
		r.Partition = int32(t.byKey.Partition(r, int(t.partitions.Load())))
	}
}

// repartitioned decides what to do when a lane sees another number of partitions than before. Those are used that all lanes know of.
// The client asks, and holds locks meanwhile.
func (s *producer) repartitioned(t *topic, lane int, now int32) bool {
	s.topics.mu.Lock()
	defer s.topics.mu.Unlock()
	was := t.partitions.Load()
	text := func(now int32) string {
		return fmt.Sprintf("topic %s had %d partitions and has %d now, which moves keys to other partitions and breaks their order", t.name, was, now)
	}
	if !s.o.allowRepartion {
		s.fail(fmt.Errorf("%s: begin a new topic, or accept it with on-repartition=allow", text(now)))
		return false
	}
	t.seen[lane].Store(now)
	for other := range s.lanes {
		now = min(now, t.seen[other].Load())
	}
	if now != was {
		t.partitions.Store(now)
		s.warn("kafka: " + text(now))
	}
	return true
}
