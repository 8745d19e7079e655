// Package topics knows the topics that events go to.
package topics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/output/kafka/settings"
)

// anyType is in the name of a topic for commands on keys of any type, and on no key.
const anyType = "any"

// Topics knows the topics. What has a lock is also read by the client's goroutines.
type Topics struct {
	o     *settings.Options
	admin *kadm.Client // on connections of its own: those of who sends are cut when something is refused
	warn  func(string)
	fail  func(error) // ends the run

	format string                      // of the values
	saved  map[string]positions.Output // what saved positions are of, by the names of logs
	note   *positions.Output           // what those in a state are of

	mu     sync.Mutex
	byName map[string]*Topic
	byLog  map[*decode.Log]*Routes
}

// Open makes a list of topics of which none is known yet, and asks for nothing. Trouble that ends the run is told to fail.
func Open(wire *connect.Wire, o *settings.Options, format string, warn func(string), fail func(error)) (*Topics, error) {
	client, err := kgo.NewClient(wire.Options()...)
	if err != nil {
		return nil, err
	}
	return &Topics{
		o: o, admin: kadm.NewClient(client), format: format, warn: warn, fail: fail,
		byName: map[string]*Topic{}, byLog: map[*decode.Log]*Routes{},
	}, nil
}

// Close ends the client that asks.
func (k *Topics) Close() { k.admin.Close() }

// Named is the topic of a name, nil if nobody has asked for it yet.
func (k *Topics) Named(name string) *Topic {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.byName[name]
}

// BatchBytes is the bound of a batch for the client, which asks with no name, too.
func (k *Topics) BatchBytes(name string) int32 {
	if t := k.Named(name); t != nil {
		return int32(t.batch.Load())
	}
	return defaultBatchBytes
}

// Saved are what saved positions are of, by the names of logs.
func (k *Topics) Saved(found *positions.Found) {
	k.saved = map[string]positions.Output{}
	for log, saved := range found.Saved {
		k.saved[log] = saved.Output
	}
}

// Start finds the topics of the DBs that are known, and that of too large records, as far as they are there. Those that are to be made
// are made when nothing speaks against it.
func (k *Topics) Start(ctx context.Context, dbs []string) error {
	if !k.o.Create {
		if err := k.find(ctx, k.wanted(dbs), k.forEvents()); err != nil {
			return err
		}
	}
	if !k.o.ExactlyOnce {
		return nil
	}
	return k.FindPositions(ctx)
}

// Events are the topics of the events of some DBs.
func (k *Topics) Events(dbs []string) []string {
	var names []string
	if !strings.Contains(k.o.Topic, "{db}") {
		dbs = []string{""}
	}
	for _, db := range dbs {
		names = append(names, k.Names(db)...)
	}
	return names
}

// wanted are the topics of some DBs, and that of too large records.
func (k *Topics) wanted(dbs []string) []string {
	names := k.Events(dbs)
	if k.o.OnOversize == settings.OversizeToTopic {
		names = append(names, k.o.OversizeTo)
	}
	if k.o.RefusedTo != "" {
		names = append(names, k.o.RefusedTo)
	}
	return names
}

// Missing are the topics that would be made, those of events and that of positions. Without leave to make them they are refused.
func (k *Topics) Missing(ctx context.Context, dbs []string) ([]string, error) {
	names := k.wanted(dbs)
	if k.o.ExactlyOnce {
		names = append(names, k.o.PositionsTopic)
	}
	slices.Sort(names)
	_, missing, err := k.look(ctx, slices.Compact(names))
	if err == nil && len(missing) > 0 && !k.o.Create {
		err = k.make(ctx, missing, k.forEvents()) // which refuses
	}
	return missing, err
}

// FindPositions finds the topic of positions, and refuses one that forgets them in time: the next run would begin elsewhere, and nobody
// would know.
func (k *Topics) FindPositions(ctx context.Context) error {
	name := k.o.PositionsTopic
	err := k.find(ctx, []string{name}, topicPlan{partitions: 1, config: positions.Config()})
	if err == nil && k.byName[name].expires {
		err = fmt.Errorf("topic %s deletes what is old, and positions are not to be deleted: set its cleanup.policy to compact", name)
	}
	return err
}

// Cluster asks which cluster this is. One that does not tell is known by its addresses.
func (k *Topics) Cluster(ctx context.Context) (cluster string, err error) {
	err = connect.Retry(ctx, func() error {
		metadata, err := k.admin.BrokerMetadata(ctx)
		cluster = cmp.Or(metadata.Cluster, strings.Join(k.o.Brokers, ","))
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

func (k *Topics) forEvents() topicPlan { return topicPlan{int32(k.o.Partitions), k.o.Config} }

// Names are those of the topics of a DB, the first of them for events without a type.
func (k *Topics) Names(db string) []string {
	name := strings.ReplaceAll(k.o.Topic, "{db}", db)
	if !strings.Contains(name, "{type}") {
		return []string{name}
	}
	names := []string{strings.ReplaceAll(name, "{type}", anyType)}
	for _, typ := range decode.TypeNames() {
		names = append(names, strings.ReplaceAll(name, "{type}", typ))
	}
	return names
}

// Of are the topics of a log.
func (k *Topics) Of(ctx context.Context, log *decode.Log) (*Routes, error) {
	if l := k.byLog[log]; l != nil {
		return l, nil
	}
	names := k.Names(log.DB)
	if err := k.check(ctx, log.String(), names); err != nil {
		return nil, err
	}
	if err := k.find(ctx, names, k.forEvents()); err != nil {
		return nil, err
	}
	l := &Routes{Name: log.String() + "/"}
	for _, name := range names {
		l.All = append(l.All, k.byName[name])
	}
	for i := range len(decode.TypeNames()) + 1 {
		l.ByType = append(l.ByType, l.All[min(i, len(l.All)-1)])
	}
	k.sharing(l)
	k.byLog[log] = l
	return l, nil
}

// find asks the brokers for topics that are not known yet, and has them made if that is wanted.
func (k *Topics) find(ctx context.Context, names []string, plan topicPlan) error {
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
	read := k.configured(ctx, names)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range names {
		t := read[name]
		t.id = topicID(found[name])
		t.found(int32(len(found[name].Partitions)))
		k.byName[name] = t
	}
	return nil
}

// look asks until the brokers answer, or ctx ends.
func (k *Topics) look(ctx context.Context, names []string) (kadm.TopicDetails, []string, error) {
	var found kadm.TopicDetails
	err := connect.Retry(ctx, func() (err error) {
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

// configured makes topics with what they are set to. Who may not read that gets what every broker takes.
func (k *Topics) configured(ctx context.Context, names []string) map[string]*Topic {
	topics := map[string]*Topic{}
	configs, err := k.admin.DescribeTopicConfigs(ctx, names...)
	for _, name := range names {
		t := New(name, 0)
		topics[name] = t
		config, errTopic := configs.On(name, nil)
		for _, c := range config.Configs {
			t.set(c.Key, c.MaybeValue())
		}
		t.bound(k.o.BatchBytes)
		if err := cmp.Or(err, errTopic, config.Err); err != nil {
			k.warn(fmt.Sprintf("kafka: the settings of topic %s cannot be read, taking %d bytes for its largest message: %v", name, defaultBatchBytes, err))
		}
	}
	return topics
}

// sharing warns of several DBs whose keys replace each other.
func (k *Topics) sharing(log *Routes) {
	for _, t := range log.All {
		if t.Compacted && t.log != "" && t.log != log.Name && k.o.Key == settings.KeyRaw && !t.shared {
			t.shared = true
			k.warn(fmt.Sprintf("kafka: topic %s is compacted and holds several DBs: their keys replace each other, unless the option key is db or json", t.Name))
		}
		t.log = log.Name
	}
}
