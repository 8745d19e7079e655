package kafka_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// poison is in the values of records that the brokers of these tests refuse.
const poison = "poison"

// poisoned is a log with some of these records. Their positions are given.
func poisoned(rng *rand.Rand) (w *binlogtest.Writer, bad map[string]bool) {
	w, bad = binlogtest.NewWriter(binlogtest.Options{}), map[string]bool{}
	for i := range 600 {
		value := strconv.Itoa(i)
		if rng.IntN(60) == 0 {
			value += poison
		}
		w.Command("SET", fmt.Sprint("key", rng.IntN(40)), value)
	}
	for _, record := range w.Records() {
		if bytes.HasSuffix(record.Argv()[2], []byte(poison)) {
			bad[fmt.Sprintf("db0/%d:%d", record.Segment, record.Offset)] = true
		}
	}
	return w, bad
}

// refusePoison has the brokers refuse each batch that holds such a record, as a whole.
func refusePoison(cluster *kfake.Cluster, topic string, partitions int32, err *kerr.Error) {
	for p := range partitions {
		cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{p}, Err: err, Count: -1,
			When: func(request kmsg.Request) bool {
				return slices.ContainsFunc(request.(*kmsg.ProduceRequest).Topics, func(t kmsg.ProduceRequestTopic) bool {
					return slices.ContainsFunc(t.Partitions, func(q kmsg.ProduceRequestTopicPartition) bool {
						return q.Partition == p && bytes.Contains(q.Records, []byte(poison))
					})
				})
			},
		})
	}
}

// TestPoison sends events that the brokers refuse for reasons of their own: each is named, or goes to the dead-letter topic with a mark in
// its place, and all others come in their order.
func TestPoison(t *testing.T) {
	for seed := range sample.Count(uint64(6), 3) {
		for _, options := range []string{"", "&exactly-once&create-topics&commit-interval=5ms"} {
			t.Run(fmt.Sprint(seed, options), func(t *testing.T) {
				t.Parallel()
				cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "fails", "sorts"), kfake.SeedTopics(1, "letters"))
				why := []*kerr.Error{kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.PolicyViolation}[seed%3]
				refusePoison(cluster, "fails", 3, why)
				refusePoison(cluster, "sorts", 3, why)
				w, bad := poisoned(rand.New(rand.NewPCG(seed, 21)))
				dir, target := written(t, w), kafkatest.Brokers(cluster)+"/%s?compression=none&linger=0s&source=%[1]s"+options
				_, err := toKafka(t, dir, fmt.Sprintf(target, "fails"), 1<<12, sink.Env{}, encode.Options{Workers: 1})
				named := regexp.MustCompile(`the event at (\S+) cannot be sent`).FindStringSubmatch(fmt.Sprint(err))
				if !errors.Is(err, why) || named == nil || !bad[named[1]] {
					t.Errorf("named %q of %v: %v", named, bad, err)
				}
				if _, err := toKafka(t, dir, fmt.Sprintf(target, "sorts")+"&on-refused=dlq:letters", 1<<12, sink.Env{}, encode.Options{}); err != nil {
					t.Fatal(err)
				}
				main := kafkatest.Consume(t, kafkatest.Brokers(cluster), "sorts")
				checkDead(t, slices.Concat(main...), slices.Concat(kafkatest.Consume(t, kafkatest.Brokers(cluster), "letters")...), bad)
				if options == "" {
					main = withoutRepeats(t, main)
				}
				checkOrder(t, w, main)
			})
		}
	}
}

// withoutRepeats is what a consumer sees that passes over what is not after the last position.
func withoutRepeats(t *testing.T, partitions [][]*kgo.Record) [][]*kgo.Record {
	t.Helper()
	for i, records := range partitions {
		last := ""
		partitions[i] = slices.DeleteFunc(records, func(r *kgo.Record) bool {
			at := kafkatest.Header(r, "pikabin-position")
			if last != "" && !position(t, last).Before(position(t, at)) {
				return true
			}
			last = at
			return false
		})
	}
	return partitions
}

// checkDead finds the bad events in the dead-letter topic, and their marks in the main one.
func checkDead(t *testing.T, main, letters []*kgo.Record, bad map[string]bool) {
	t.Helper()
	dead := map[string]bool{}
	for _, r := range letters {
		dead[kafkatest.Header(r, "pikabin-position")] = true
		if !bytes.Contains(r.Value, []byte(poison)) || kafkatest.Header(r, "pikabin-topic") != "sorts" || kafkatest.Header(r, "pikabin-reason") == "" {
			t.Errorf("letter %s", describe(0, r))
		}
	}
	for _, r := range main {
		at := kafkatest.Header(r, "pikabin-position")
		if marked := kafkatest.Header(r, "pikabin-dead") == "letters"; marked != bad[at] || marked && !dead[at] || bytes.Contains(r.Value, []byte(poison)) {
			t.Errorf("%s: marked %t, bad %t, dead %t", at, marked, bad[at], dead[at])
		}
	}
	if len(dead) != len(bad) {
		t.Errorf("%d dead letters of %d", len(dead), len(bad))
	}
}

// endings are answers after which a transaction is lost, by the request.
var endings = map[kmsg.Key][]*kerr.Error{
	kmsg.Produce: {kerr.InvalidProducerEpoch, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping, kerr.TransactionAbortable, kerr.UnknownProducerID},
	kmsg.EndTxn:  {kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping, kerr.UnknownServerError},
}

// TestLostTransactions has the brokers forget transactions at random, as they do after a time: what was in them is sent again, and each
// event is there once.
func TestLostTransactions(t *testing.T) {
	for seed := range sample.Count(uint64(6), 3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			cluster, rng := kafkatest.Fake(t), rand.New(rand.NewPCG(seed, 22))
			w := keyedLog(rng, 3000, 30)
			left, calls := 4, 0
			var told sinktest.Monitor
			to, err := openKafka(t, kafkatest.Brokers(cluster)+"/pika?exactly-once&create-topics&partitions=3&linger=0s&commit-interval=5ms", sink.Env{Monitor: &told})
			if err != nil {
				t.Fatal(err)
			}
			for key, errs := range endings {
				for _, err := range errs {
					cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: err, Count: 1, When: func(kmsg.Request) bool {
						if calls++; left == 0 || calls != 20 && rng.IntN(40) > 0 {
							return false
						}
						left--
						return true
					}})
				}
			}
			result, err := runKafka(t, written(t, w), to, 1<<14)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Committed[result.Logs[0]]; got != w.Position() {
				t.Errorf("committed %v, want %v", got, w.Position())
			}
			if !strings.Contains(told.String(), "sending again what was not acknowledged") {
				t.Errorf("no transaction was lost: %s", &told)
			}
			// The client tells of batches in its own time, so of the last ones maybe after the end.
			if told.Counts(sink.TopicRecords, "pika") == 0 || told.Counts(sink.TopicWire, "pika") == 0 {
				t.Error("no records were counted")
			}
			if c, a := told.Counts(sink.Transactions, "committed"), told.Counts(sink.Transactions, "aborted"); c == 0 || a == 0 {
				t.Errorf("counted %d transactions that were committed, and %d that were not", c, a)
			}
			checkOrder(t, w, kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
		})
	}
}

// TestRefusedPosition has the brokers refuse positions beside the events of their transactions: a right that is missing ends the run and
// names the topic, all else is sent again, and each event is there once.
func TestRefusedPosition(t *testing.T) {
	for _, why := range []*kerr.Error{kerr.TopicAuthorizationFailed, kerr.InvalidRecord, kerr.InvalidTxnState, kerr.TransactionAbortable} {
		t.Run(why.Message, func(t *testing.T) {
			t.Parallel()
			cluster, rng := kafkatest.Fake(t), rand.New(rand.NewPCG(1, 23))
			w := keyedLog(rng, 3000, 30)
			target := kafkatest.Brokers(cluster) + "/pika?exactly-once&create-topics&partitions=3&commit-interval=5ms"
			to, err := openKafka(t, target, sink.Env{})
			if err != nil {
				t.Fatal(err)
			}
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "pikabin-positions", Err: why, Count: 1})
			_, err = runKafka(t, written(t, w), to, 1<<14)
			if why == kerr.TopicAuthorizationFailed {
				if !errors.Is(err, why) || !strings.Contains(fmt.Sprint(err), "sending the position to topic pikabin-positions") {
					t.Errorf("the run ended with %v", err)
				}
				if _, err = toKafka(t, written(t, w), target, 1<<14, sink.Env{}, encode.Options{}); err != nil {
					t.Fatal(err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			checkOrder(t, w, kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
		})
	}
}
