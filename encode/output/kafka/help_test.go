package kafka_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/kafka"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// fakeKafka is a cluster of three brokers in this process.
func fakeKafka(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// brokersOf is the address of a cluster as it is in a URL.
func brokersOf(cluster *kfake.Cluster) string { return strings.Join(cluster.ListenAddrs(), ",") }

// warnings collects lines for the user.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

func (w *warnings) add(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line)
}

func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.lines, "\n")
}

// jsonl is the format that most tests of messages use.
func jsonl(t *testing.T) formats.Format {
	t.Helper()
	format, ok := formats.Lookup("jsonl")
	if !ok {
		t.Fatal("no jsonl")
	}
	return format
}

// written puts a log into a folder.
func written(t *testing.T, w *binlogtest.Writer) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openKafka opens the sink for a target after the scheme.
func openKafka(t *testing.T, target string, o sink.Options) (sink.Sink, error) {
	t.Helper()
	o.Target = "kafka://" + target
	if o.ContentType == "" {
		o.ContentType = jsonl(t).ContentType
	}
	if o.Format == "" {
		o.Format = jsonl(t).Name
	}
	return kafka.Type.Open(o)
}

// toKafka runs the logs under dir into Kafka.
func toKafka(t *testing.T, dir, target string, chunk int64, so sink.Options, o encode.Options) (encode.Result, error) {
	t.Helper()
	to, err := openKafka(t, target, so)
	if err != nil {
		return encode.Result{}, err
	}
	if o.Format.New == nil {
		o.Format = jsonl(t)
	}
	return encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), chunk), to, o)
}

// client is one of the test's own.
func client(t *testing.T, brokers string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(strings.Split(brokers, ",")...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// admin is a client for topics.
func admin(t *testing.T, brokers string) *kadm.Client {
	t.Helper()
	return kadm.NewClient(client(t, brokers))
}

// makeTopic creates a topic.
func makeTopic(t *testing.T, brokers, topic string, partitions int32, config map[string]*string) {
	t.Helper()
	if _, err := admin(t, brokers).CreateTopic(t.Context(), partitions, -1, config, topic); err != nil {
		t.Fatal(err)
	}
}

// settledEnds are the ends of a topic's partitions after all transactions. Brokers answer a commit before they have told the partitions of it.
func settledEnds(t *testing.T, brokers, topic string) kadm.ListedOffsets {
	t.Helper()
	a := admin(t, brokers)
	for {
		committed, err1 := a.ListCommittedOffsets(t.Context(), topic)
		all, err2 := a.ListEndOffsets(t.Context(), topic)
		if err := errors.Join(err1, err2, committed.Error(), all.Error()); err != nil {
			t.Fatal(err)
		}
		open := false
		all.Each(func(end kadm.ListedOffset) {
			seen, _ := committed.Lookup(topic, end.Partition)
			open = open || seen.Offset != end.Offset
		})
		if !open {
			return all
		}
	}
}

// consume reads all of a topic, the records of each partition in their order, read committed.
func consume(t *testing.T, brokers, topic string) [][]*kgo.Record {
	t.Helper()
	ends := settledEnds(t, brokers, topic)
	partitions := make([][]*kgo.Record, len(ends[topic]))
	offsets := map[int32]kgo.Offset{}
	left := map[int32]int64{}
	for p, end := range ends[topic] {
		if end.Offset > 0 {
			offsets[p], left[p] = kgo.NewOffset().AtStart(), end.Offset
		}
	}
	if len(left) == 0 {
		return partitions
	}
	c := client(t, brokers, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	for len(left) > 0 {
		fetches := c.PollFetches(t.Context())
		if err := fetches.Err(); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				partitions[r.Partition] = append(partitions[r.Partition], r)
			}
			if r.Offset+1 == left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return partitions
}

// header is the value of a record's header, "" if it has none.
func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
