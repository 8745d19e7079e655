package topics

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/settings"
)

// mostLanes is how many clients send. All that a client has for a broker is put into batches and compressed by one goroutine, which
// is what bounds a backfill where there are few brokers. More than two are no faster on four CPUs that the broker has, too.
const mostLanes = 2

// Lanes is how many clients send: one where one partition takes everything, and where all is in the transactions of one.
func Lanes(o *settings.Options) int {
	if o.Single || o.ExactlyOnce {
		return 1
	}
	return mostLanes
}

// AnyPartition in a record asks for the partition of its key.
const AnyPartition = -1

// KeyHash places keys as the Java client does: murmur2, its highest bit cleared, modulo the number of partitions.
func KeyHash() kgo.TopicPartitioner { return kgo.StickyKeyPartitioner(nil).ForTopic("") }

// Partitioner puts the records of one lane where they are to go, and sees how many partitions its client knows of.
func (k *Topics) Partitioner(lane int) kgo.Partitioner { return &lanePartitioner{k, lane} }

type lanePartitioner struct {
	topics *Topics
	lane   int
}

// ForTopic implements kgo.Partitioner.
func (p *lanePartitioner) ForTopic(name string) kgo.TopicPartitioner {
	return &laneTopic{p.topics.Named(name), p.topics, p.lane}
}

// laneTopic is a topic as one lane sees it.
type laneTopic struct {
	*Topic
	topics *Topics
	lane   int
}

// RequiresConsistency implements kgo.TopicPartitioner: a record never goes elsewhere because a partition is down.
func (*laneTopic) RequiresConsistency(*kgo.Record) bool { return true }

// Partition implements kgo.TopicPartitioner. With -1 the client refuses the record.
func (t *laneTopic) Partition(r *kgo.Record, n int) int {
	if t.seen[t.lane].Load() != int32(n) && !t.topics.repartitioned(t.Topic, t.lane, int32(n)) {
		return -1
	}
	return int(r.Partition)
}

// Partitions is how many of a topic's are used.
func (k *Topics) Partitions(t *Topic) int32 {
	if k.o.Single {
		return 1
	}
	return t.partitions.Load()
}

// Place finds the partition of a record's key.
func (t *Topic) Place(r *kgo.Record) {
	if r.Partition == AnyPartition {
		r.Partition = int32(t.byKey.Partition(r, int(t.partitions.Load())))
	}
}

// repartitioned decides what to do when a lane sees another number of partitions than before. Those are used that all lanes know of.
// The client asks, and holds locks meanwhile.
func (k *Topics) repartitioned(t *Topic, lane int, now int32) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := t.partitions.Load()
	text := func(now int32) string {
		return fmt.Sprintf("topic %s had %d partitions and has %d now, which moves keys to other partitions and breaks their order", t.Name, was, now)
	}
	if !k.o.AllowRepartition {
		k.fail(fmt.Errorf("%s: begin a new topic, or accept it with on-repartition=allow", text(now)))
		return false
	}
	t.seen[lane].Store(now)
	for other := range Lanes(k.o) {
		now = min(now, t.seen[other].Load())
	}
	if now != was {
		t.partitions.Store(now)
		k.warn("kafka: " + text(now))
	}
	return true
}
