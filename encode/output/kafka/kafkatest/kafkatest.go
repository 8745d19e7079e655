// Package kafkatest is what tests need of Kafka: clusters in the test's own process, those that scripts/kafka.sh has started,
// topics, and consumers.
package kafkatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fake is a cluster of three brokers in this process. It ends with the test.
func Fake(tb testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	tb.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cluster.Close)
	return cluster
}

// Brokers is the address of a cluster as it is in a URL.
func Brokers(cluster *kfake.Cluster) string { return strings.Join(cluster.ListenAddrs(), ",") }

// Real is the address of the brokers that scripts/kafka.sh has started.
func Real(tb testing.TB) string {
	tb.Helper()
	return Variable(tb, "PIKABIN_TEST_KAFKA")
}

// Variable is one that scripts/kafka.sh sets.
func Variable(tb testing.TB, name string) string {
	tb.Helper()
	value := os.Getenv(name)
	if value == "" {
		tb.Fatalf("%s is empty: run scripts/kafka.sh test, or eval \"$(scripts/kafka.sh env)\"", name)
	}
	return value
}

// NewTopic is the name of a topic that no test has used.
func NewTopic(tb testing.TB) string {
	tb.Helper()
	return fmt.Sprintf("%s-%08x", strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(tb.Name()), rand.Uint32()) //nolint:gosec // a name and no secret
}

// Client is a client that ends with the test.
func Client(tb testing.TB, brokers string, opts ...kgo.Opt) *kgo.Client {
	tb.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(strings.Split(brokers, ",")...)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// Admin is a client for topics that ends with the test.
func Admin(tb testing.TB, brokers string) *kadm.Client {
	tb.Helper()
	return kadm.NewClient(Client(tb, brokers))
}

// MakeTopic creates a topic. It is over when every broker knows the topic: the one that made it answers before the others have heard of it.
func MakeTopic(tb testing.TB, brokers, topic string, partitions int32, config map[string]*string) {
	tb.Helper()
	client := Client(tb, brokers)
	if _, err := kadm.NewClient(client).CreateTopic(tb.Context(), partitions, -1, config, topic); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	for _, broker := range client.SeedBrokers() {
		knows(ctx, tb, broker, topic, int(partitions))
	}
}

// knows waits until a broker knows all partitions of a topic.
func knows(ctx context.Context, tb testing.TB, broker *kgo.Broker, topic string, partitions int) {
	tb.Helper()
	ask := kmsg.NewPtrMetadataRequest()
	ask.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := ask.RequestWith(ctx, broker)
		if err == nil && len(answer.Topics) == 1 && answer.Topics[0].ErrorCode == 0 && len(answer.Topics[0].Partitions) == partitions {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("broker %v does not learn of %s: %v", broker, topic, cmp.Or(err, context.Cause(ctx)))
		}
	}
}

// patience is for transactions to end.
const patience = time.Minute

// Ends are the ends of a topic's partitions after all transactions, for which it waits so long. Brokers answer a commit before they have told
// the partitions of it.
func Ends(tb testing.TB, admin *kadm.Client, topic string, patience time.Duration) map[int32]int64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		committed, err1 := admin.ListCommittedOffsets(ctx, topic)
		all, err2 := admin.ListEndOffsets(ctx, topic)
		err := errors.Join(err1, err2, committed.Error(), all.Error())
		settled, ends := err == nil && len(all[topic]) > 0, map[int32]int64{}
		for p, end := range all[topic] {
			settled = settled && committed[topic][p].Offset == end.Offset
			ends[p] = end.Offset
		}
		if settled {
			return ends
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: a transaction stays open: %v", topic, cmp.Or(err, context.Cause(ctx)))
		}
	}
}

// Consume reads all of a topic, the records of each partition in their order, read committed.
func Consume(tb testing.TB, brokers, topic string) [][]*kgo.Record {
	tb.Helper()
	ends := Ends(tb, Admin(tb, brokers), topic, patience)
	partitions, offsets, left := make([][]*kgo.Record, len(ends)), map[int32]kgo.Offset{}, map[int32]int64{}
	for p, end := range ends {
		if end > 0 {
			offsets[p], left[p] = kgo.NewOffset().AtStart(), end
		}
	}
	if len(left) == 0 {
		return partitions
	}
	c := Client(tb, brokers, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	for len(left) > 0 {
		fetches := c.PollFetches(tb.Context())
		if err := fetches.Err(); err != nil && !errors.Is(err, context.Canceled) {
			tb.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				partitions[r.Partition] = append(partitions[r.Partition], r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return partitions
}

// Header is the value of a record's header, "" if it has none.
func Header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
