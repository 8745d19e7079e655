package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/sink"
)

// anyType is in the name of a topic for commands on keys of any type, and on no key.
const anyType = "any"

// defaultBatchBytes is max.message.bytes where the broker does not tell: what the Java producer and older brokers take.
const defaultBatchBytes = 1_000_012

// largestBatch leaves room for the rest of a request of 100 MiB, which is socket.request.max.bytes of a broker as it comes: a
// larger one would be cut off each time it is tried.
const largestBatch = 100<<20 - 64<<10

// topic is a topic as it was found.
type topic struct {
	name       string
	id         string                  // "" where the brokers have no ids
	partitions atomic.Int32            // that every lane has seen
	seen       [mostLanes]atomic.Int32 // by each lane
	limit      int                     // of a batch, and so of a record: max.message.bytes, segment.bytes and batch-bytes
	segment    int                     // segment.bytes, 0 if it is not known: no batch is larger
	appendTime bool                    // records get the time of the broker, whatever theirs is
	compacted  bool                    // every record needs a key
	retention  time.Duration           // how old an event may be before the brokers delete it; 0: any age
	aged       bool                    // somebody has been told that events are older
	expires    bool                    // records are deleted when they are old
	times      timeBounds              // that records may have
	log        string                  // the last one that has begun to send to it
	shared     bool                    // somebody has been told that several logs do

	byKey     kgo.TopicPartitioner
	onChanged func(t *topic, lane int, partitions int32) bool
}

// keyHash places keys as the Java client does: murmur2, its highest bit cleared, modulo the number of partitions.
func keyHash() kgo.TopicPartitioner { return kgo.StickyKeyPartitioner(nil).ForTopic("") }

// anyPartition in a record asks for the partition of its key.
const anyPartition = -1

// logTopics are the topics that the changes of one log go to.
type logTopics struct {
	name   string // of the log, and a slash
	byType []*topic
	all    []*topic  // each once
	last   time.Time // of the last event with a time
}

// aging tells once of each topic that the brokers delete what it is given, since they go by the time of the events.
func (l *logTopics) aging(now time.Time, warn func(string)) {
	for _, t := range l.all {
		if age := now.Sub(l.last); t.expires && t.retention > 0 && !t.aged && !l.last.IsZero() && age > t.retention {
			t.aged = true
			warn(fmt.Sprintf("kafka: topic %s keeps %v (retention.ms), and these events are %v old: the brokers may delete them at once",
				t.name, t.retention, age.Round(time.Hour)))
		}
	}
}

// topics knows the topics. Its maps are also read by the client's goroutines.
type topics struct {
	o     *options
	admin *kadm.Client
	warn  func(string)

	onChanged func(t *topic, lane int, partitions int32) bool

	format string                      // of the values
	saved  map[string]positions.Output // what saved positions are of, by the names of logs
	note   *positions.Output           // what those in a state are of

	mu     sync.Mutex
	byName map[string]*topic
	byLog  map[*decode.Log]*logTopics
}

// batchBytes is the bound of a batch for the client, which asks with no name, too.
func (k *topics) batchBytes(name string) int32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.byName[name]; t != nil {
		return int32(t.limit)
	}
	return defaultBatchBytes
}

// start finds the topics of the DBs that are known, and that of too large records, as far as they are there. Those that are to be made
// are made when nothing speaks against it.
func (k *topics) start(ctx context.Context, o *sink.Options) error {
	cluster, err := k.identify(ctx)
	if err == nil && o.Belongs != nil {
		err = o.Belongs(scheme + cluster + "/" + k.o.topic) // brokers come and go, the cluster stays
	}
	if err != nil {
		return err
	}
	if !k.o.create {
		err = k.find(ctx, k.wanted(o.DBs), k.forEvents())
	}
	if err != nil || !k.o.exactlyOnce {
		return err
	}
	return k.findPositions(ctx)
}

// wanted are the topics of some DBs, and that of too large records.
func (k *topics) wanted(dbs []string) []string {
	var names []string
	if !strings.Contains(k.o.topic, "{db}") {
		dbs = []string{""}
	}
	for _, db := range dbs {
		names = append(names, k.names(db)...)
	}
	if k.o.onOversize == oversizeToTopic {
		names = append(names, k.o.oversizeTo)
	}
	if k.o.refusedTo != "" {
		names = append(names, k.o.refusedTo)
	}
	return names
}

// findPositions finds the topic of positions, and refuses one that forgets them in time: the next run would begin elsewhere, and nobody
// would know.
func (k *topics) findPositions(ctx context.Context) error {
	name := k.o.positionsTopic
	err := k.find(ctx, []string{name}, topicPlan{partitions: 1, config: positions.Config()})
	if err == nil && k.byName[name].expires {
		err = fmt.Errorf("topic %s deletes what is old, and positions are not to be deleted: set its cleanup.policy to compact", name)
	}
	return err
}

// identify asks which cluster this is. One that does not tell is known by its addresses.
func (k *topics) identify(ctx context.Context) (cluster string, err error) {
	err = patiently(ctx, func() error {
		metadata, err := k.admin.BrokerMetadata(ctx)
		cluster = cmp.Or(metadata.Cluster, strings.Join(k.o.brokers, ","))
		return err
	})
	if err != nil {
		err = fmt.Errorf("asking the brokers who they are: %w", err)
	}
	return cluster, err
}

// topicPlan is how a topic is made that is not there.
type topicPlan struct {
	partitions int32
	config     map[string]string
}

func (k *topics) forEvents() topicPlan { return topicPlan{int32(k.o.partitions), k.o.config} }

// names are those of the topics of a DB, the first of them for events without a type.
func (k *topics) names(db string) []string {
	name := strings.ReplaceAll(k.o.topic, "{db}", db)
	if !strings.Contains(name, "{type}") {
		return []string{name}
	}
	names := []string{strings.ReplaceAll(name, "{type}", anyType)}
	for _, typ := range decode.TypeNames() {
		names = append(names, strings.ReplaceAll(name, "{type}", typ))
	}
	return names
}

// of are the topics of a log.
func (k *topics) of(ctx context.Context, log *decode.Log) (*logTopics, error) {
	if l := k.byLog[log]; l != nil {
		return l, nil
	}
	names := k.names(log.DB)
	if err := k.check(ctx, log.String(), names); err != nil {
		return nil, err
	}
	if err := k.find(ctx, names, k.forEvents()); err != nil {
		return nil, err
	}
	l := &logTopics{name: log.String() + "/"}
	for _, name := range names {
		l.all = append(l.all, k.byName[name])
	}
	for i := range len(decode.TypeNames()) + 1 {
		l.byType = append(l.byType, l.all[min(i, len(l.all)-1)])
	}
	k.sharing(l)
	k.byLog[log] = l
	return l, nil
}

// find asks the brokers for topics that are not known yet, and has them made if that is wanted.
func (k *topics) find(ctx context.Context, names []string, plan topicPlan) error {
	names = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(names))), func(name string) bool { return k.byName[name] != nil })
	if len(names) == 0 {
		return nil
	}
	found, missing, err := k.look(ctx, names)
	if err == nil && len(missing) > 0 {
		if err = k.make(ctx, missing, plan); err == nil {
			found, err = k.await(ctx, names)
		}
	}
	if err != nil {
		return err
	}
	settings := k.settings(ctx, names)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range names {
		t := settings[name]
		t.id = topicID(found[name])
		t.found(int32(len(found[name].Partitions)))
		k.byName[name] = t
	}
	return nil
}

// look asks until the brokers answer, or ctx ends.
func (k *topics) look(ctx context.Context, names []string) (kadm.TopicDetails, []string, error) {
	var found kadm.TopicDetails
	err := patiently(ctx, func() (err error) {
		found, err = k.admin.ListTopics(ctx, names...)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("asking the brokers for the topics: %w", err)
	}
	var missing []string
	for _, name := range names {
		switch detail := found[name]; {
		case detail.Err == nil && len(detail.Partitions) > 0:
		case detail.Err == nil, errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			missing = append(missing, name)
		default:
			return nil, nil, fmt.Errorf("topic %s: %w", name, detail.Err)
		}
	}
	return found, missing, nil
}

// make creates topics, or says that they are not there.
func (k *topics) make(ctx context.Context, missing []string, plan topicPlan) error {
	if !k.o.create {
		return fmt.Errorf("there is no topic %s: make it, or let --create-topics do so (options partitions, replication and topic-config)", strings.Join(missing, ", "))
	}
	config := map[string]*string{}
	for key, value := range plan.config {
		config[key] = &value
	}
	var made kadm.CreateTopicResponses
	err := patiently(ctx, func() (err error) {
		made, err = k.admin.CreateTopics(ctx, plan.partitions, int16(k.o.replication), config, missing...)
		for _, topic := range made {
			if kerr.IsRetriable(topic.Err) {
				err = errors.Join(err, topic.Err)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("creating topics: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if err := made[name].Err; err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating topic %s: %w: %s", name, err, made[name].ErrMessage)
		}
		k.warn("kafka: created topic " + name)
	}
	return nil
}

// await looks for new topics until every broker that is asked knows them.
func (k *topics) await(ctx context.Context, names []string) (kadm.TopicDetails, error) {
	var found kadm.TopicDetails
	err := patiently(ctx, func() error {
		var missing []string
		var err error
		if found, missing, err = k.look(ctx, names); err == nil && len(missing) > 0 {
			err = fmt.Errorf("%w: %s", kerr.UnknownTopicOrPartition, strings.Join(missing, ", "))
		}
		return err
	})
	return found, err
}

// settings makes topics with what they are set to. Who may not read that gets what every broker takes.
func (k *topics) settings(ctx context.Context, names []string) map[string]*topic {
	topics := map[string]*topic{}
	configs, err := k.admin.DescribeTopicConfigs(ctx, names...)
	for _, name := range names {
		t := &topic{name: name, byKey: keyHash(), onChanged: k.onChanged, limit: defaultBatchBytes}
		topics[name] = t
		config, errTopic := configs.On(name, nil)
		for _, c := range config.Configs {
			t.set(c.Key, c.MaybeValue())
		}
		t.bound(k.o.batchBytes)
		if err := cmp.Or(err, errTopic, config.Err); err != nil {
			k.warn(fmt.Sprintf("kafka: the settings of topic %s cannot be read, taking %d bytes for its largest message: %v", name, defaultBatchBytes, err))
		}
	}
	return topics
}

// found says how many partitions there are before any lane has seen the topic.
func (t *topic) found(partitions int32) {
	t.partitions.Store(partitions)
	for lane := range t.seen {
		t.seen[lane].Store(partitions)
	}
}

// bound brings together what bounds batches and records.
func (t *topic) bound(batchBytes int64) {
	if t.segment > 0 {
		t.limit = min(t.limit, t.segment)
	}
	if batchBytes > 0 {
		t.limit = min(t.limit, max(int(batchBytes), 512))
	}
	if t.appendTime {
		t.times = timeBounds{}
	}
}

// set takes a setting of the topic.
func (t *topic) set(key, value string) {
	switch key {
	case "max.message.bytes":
		if n, err := strconv.Atoi(value); err == nil {
			t.limit = min(max(n, 512), largestBatch)
		}
	case "segment.bytes":
		if n, err := strconv.Atoi(value); err == nil {
			t.segment = max(n, 512)
		}
	case "message.timestamp.type":
		t.appendTime = value == "LogAppendTime"
	case "message.timestamp.before.max.ms", "message.timestamp.after.max.ms":
		t.times.set(key, value)
	case "cleanup.policy":
		t.compacted, t.expires = strings.Contains(value, "compact"), strings.Contains(value, "delete")
	case "retention.ms":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n < math.MaxInt64/int64(time.Millisecond) {
			t.retention = time.Duration(max(n, 0)) * time.Millisecond
		}
	}
}

// patiently tries again while that may help. An attempt that the end of ctx has cut short does not say why.
func patiently(ctx context.Context, try func() error) error {
	var why error
	wait := 100 * time.Millisecond
	for {
		err := try()
		if err == nil || hopeless(err) || isFenced(err) {
			return err
		}
		if why == nil || ctx.Err() == nil {
			why = err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			wait = min(2*wait, 2*time.Second)
		case <-ctx.Done():
			timer.Stop()
			return why
		}
	}
}
