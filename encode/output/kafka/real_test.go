//go:build kafka

package kafka_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestRealKafkaOrder sends a log with every compression, in topics that are made for it.
func TestRealKafkaOrder(t *testing.T) {
	brokers := kafkatest.Real(t)
	w := keyedLog(rand.New(rand.NewPCG(2, 2)), 20_000, 100)
	dir := written(t, w)
	for _, compression := range []string{"zstd", "lz4", "snappy", "gzip", "none"} {
		t.Run(compression, func(t *testing.T) {
			topic := kafkatest.NewTopic(t)
			result, err := toKafka(t, dir, brokers+"/"+topic+"?create-topics&partitions=6&compression="+compression, 1<<18,
				sink.Env{}, encode.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Committed[result.Logs[0]]; got != w.Position() {
				t.Errorf("committed %v, want %v", got, w.Position())
			}
			checkOrder(t, w, kafkatest.Consume(t, brokers, topic))
		})
	}
}

// TestRealKafkaOversize meets a record that the topic does not take, by our measure and by the broker's.
func TestRealKafkaOversize(t *testing.T) {
	brokers := kafkatest.Real(t)
	dir, w := largeAmongSmall(t)
	large := w.Records()[200]
	topic, letters, limit := kafkatest.NewTopic(t), kafkatest.NewTopic(t)+"-letters", "5000"
	kafkatest.MakeTopic(t, brokers, topic, 2, map[string]*string{"max.message.bytes": &limit})
	kafkatest.MakeTopic(t, brokers, letters, 2, nil)
	_, err := toKafka(t, dir, brokers+"/"+topic, 1<<16, sink.Env{}, encode.Options{})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the event at db0/%d:%d is a record of 20", large.Segment, large.Offset)) {
		t.Errorf("got %v", err)
	}
	if n := len(slices.Concat(kafkatest.Consume(t, brokers, topic)...)); n != 200 {
		t.Errorf("%d records are in the topic, want the 200 in front of the large one", n)
	}
	if _, err := toKafka(t, dir, brokers+"/"+topic+"?on-oversize=dlq:"+letters, 1<<16, sink.Env{}, encode.Options{}); err != nil {
		t.Error(err)
	}
	if n := len(slices.Concat(kafkatest.Consume(t, brokers, letters)...)); n != 1 {
		t.Errorf("%d records in the dead-letter topic", n)
	}
}

// TestRealKafkaLimit sends records of exactly the size that a topic takes, uncompressed: what the broker counts is never more than
// what the sink does.
func TestRealKafkaLimit(t *testing.T) {
	brokers := kafkatest.Real(t)
	topic, limit := kafkatest.NewTopic(t), "5000"
	kafkatest.MakeTopic(t, brokers, topic, 1, map[string]*string{"max.message.bytes": &limit})
	taken, refused := 0, 0
	for size := 4400; size < 5100; size += 25 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command("SET", "k", sinktest.Filler(rand.New(rand.NewPCG(uint64(size), 1)), size))
		_, err := toKafka(t, written(t, w), brokers+"/"+topic+"?compression=none", 1<<16, sink.Env{}, encode.Options{})
		switch {
		case err == nil:
			taken++
		case errors.Is(err, kerr.MessageTooLarge):
			t.Errorf("a value of %d bytes: %v", size, err)
		case strings.Contains(err.Error(), "max.message.bytes"):
			refused++
		default:
			t.Error(err)
		}
	}
	if taken == 0 || refused == 0 {
		t.Errorf("%d were taken, %d refused", taken, refused)
	}
}

// TestRealKafkaTopicGone deletes the topic during the run: it ends, and says so.
func TestRealKafkaTopicGone(t *testing.T) {
	brokers := kafkatest.Real(t)
	topic := kafkatest.NewTopic(t)
	kafkatest.MakeTopic(t, brokers, topic, 2, nil)
	to, err := openKafka(t, brokers+"/"+topic, sink.Env{})
	if err != nil {
		t.Fatal(err)
	}
	w := keyedLog(rand.New(rand.NewPCG(5, 5)), 2000, 20)
	to.Sink = &interrupting{Sink: to.Sink, act: func() {
		if _, err := kafkatest.Admin(t, brokers).DeleteTopics(t.Context(), topic); err != nil {
			t.Error(err)
		}
	}}
	_, err = encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, written(t, w)), 1<<16), to, encode.Options{Format: jsonl(t), Workers: 1})
	var sinkErr *sink.Error
	if !errors.As(err, &sinkErr) || !strings.Contains(err.Error(), "the topic was deleted") {
		t.Errorf("got %v", err)
	}
}

// TestRealKafkaExactlyOnce kills runs at random, as TestExactlyOnce does.
func TestRealKafkaExactlyOnce(t *testing.T) {
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 12))
		killUntilDone(t, rng, kafkatest.Real(t), kafkatest.NewTopic(t), keyedLog(rng, 20_000, 100))
	}
}

// TestRealKafkaTombstones has a broker that compacts check the keys.
func TestRealKafkaTombstones(t *testing.T) {
	checkTombstones(t, kafkatest.Real(t), kafkatest.NewTopic(t))
}
