package kafka_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// hour is how far from the broker's clock the topics of these tests take times.
const hour = 3_600_000

// wayward is a log of which some records are more than an hour off. Those are given.
func wayward(seed uint64) (w *binlogtest.Writer, off map[string]bool) {
	rng := rand.New(rand.NewPCG(seed, 1))
	w, off = binlogtest.NewWriter(binlogtest.Options{Time: uint32(time.Now().Unix())}), map[string]bool{}
	for i := range 200 {
		far := 0
		if rng.IntN(20) == 0 {
			far = 7200 - rng.IntN(2)*14400
			off[fmt.Sprint("key", i)] = true
		}
		w.Advance(far)
		w.Command("SET", fmt.Sprint("key", i), "v")
		w.Advance(-far)
	}
	return w, off
}

// TestRefused sends events whose times the topic does not take.
func TestRefused(t *testing.T) {
	t.Parallel()
	for seed := range sample.Count(uint64(5), 2) {
		cluster := kafkatest.Fake(t)
		brokers := kafkatest.Brokers(cluster)
		limit := strconv.Itoa(hour)
		config := map[string]*string{"message.timestamp.before.max.ms": &limit, "message.timestamp.after.max.ms": &limit}
		for _, topic := range []string{"fails", "sorts", "clamps", "nows", "letters"} {
			kafkatest.MakeTopic(t, brokers, topic, 3, config)
		}
		w, off := wayward(seed)
		dir := written(t, w)
		first := slices.IndexFunc(w.Records(), func(r binlogtest.Want) bool {
			return time.Since(time.Unix(r.Time, 0)).Abs() > time.Hour
		})
		want := len(w.Records())
		if first >= 0 {
			want = first
			_, err := toKafka(t, dir, brokers+"/fails", 1<<16, sink.Env{}, encode.Options{Workers: 1})
			at := fmt.Sprintf("the event at db0/0:%d cannot be sent to topic fails: its time", w.Records()[first].Offset)
			if err == nil || !strings.Contains(err.Error(), at) {
				t.Errorf("seed %d: want %q, got %v", seed, at, err)
			}
		}
		if n := len(slices.Concat(kafkatest.Consume(t, brokers, "fails")...)); first >= 0 && n != want {
			t.Errorf("seed %d: %d records are in the topic, want the %d in front", seed, n, want)
		}
		for topic, options := range map[string]string{"sorts": "on-refused=dlq:letters", "clamps": "timestamp=clamp", "nows": "timestamp=now"} {
			if _, err := toKafka(t, dir, brokers+"/"+topic+"?"+options, 1<<16, sink.Env{}, encode.Options{}); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, topic, err)
			}
			checkTimes(t, kafkatest.Consume(t, brokers, topic), len(w.Records()))
		}
		checkLetters(t, slices.Concat(kafkatest.Consume(t, brokers, "sorts")...), slices.Concat(kafkatest.Consume(t, brokers, "letters")...), off)
	}
}

// checkTimes finds one record for each event, with a time that the topic takes.
func checkTimes(t *testing.T, partitions [][]*kgo.Record, want int) {
	t.Helper()
	records := slices.Concat(partitions...)
	if len(records) != want {
		t.Errorf("%d records, want %d", len(records), want)
	}
	for _, r := range records {
		if age := time.Since(r.Timestamp).Abs(); age > time.Hour {
			t.Errorf("%s is off by %v", r.Key, age)
		}
	}
}

// checkLetters finds the events that are off in the dead-letter topic, and marks in their places.
func checkLetters(t *testing.T, main, letters []*kgo.Record, off map[string]bool) {
	t.Helper()
	dead := map[string]bool{}
	for _, r := range letters {
		dead[string(r.Key)] = true
		ms, err := strconv.ParseInt(kafkatest.Header(r, "pikabin-time"), 10, 64)
		if kafkatest.Header(r, "pikabin-topic") != "sorts" || !strings.Contains(kafkatest.Header(r, "pikabin-reason"), "message.timestamp.") || err != nil ||
			time.Since(time.UnixMilli(ms)).Abs() < time.Hour || !strings.HasPrefix(string(r.Value), `{"db":"db0"`) {
			t.Errorf("letter %s, %s", describe(0, r), r.Value)
		}
	}
	for _, r := range main {
		if marked := kafkatest.Header(r, "pikabin-dead") == "letters"; marked != off[string(r.Key)] || marked != dead[string(r.Key)] {
			t.Errorf("%s: marked %t, off %t, dead %t", r.Key, marked, off[string(r.Key)], dead[string(r.Key)])
		}
		var mark struct {
			Dead struct{ Topic, Reason string } `json:"dead_letter"`
		}
		if err := json.Unmarshal(r.Value, &mark); err != nil || (mark.Dead.Topic != "") != off[string(r.Key)] {
			t.Errorf("%s: %s, %v", r.Key, r.Value, err)
		}
	}
}

// batchSizes watches the requests, and gives the size of the largest batch.
func batchSizes(cluster *kfake.Cluster) func() int {
	var most atomic.Int64
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		for _, topic := range request.(*kmsg.ProduceRequest).Topics {
			for _, partition := range topic.Partitions {
				most.Store(max(most.Load(), int64(len(partition.Records))))
			}
		}
		return nil, nil, false
	})
	return func() int { return int(most.Load()) }
}

// TestBatchBytes sends records into a topic whose segments are smaller than its largest message, which no batch may be larger than.
func TestBatchBytes(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	brokers := kafkatest.Brokers(cluster)
	large, segment := "8000000", "100000"
	kafkatest.MakeTopic(t, brokers, "pika", 1, map[string]*string{"max.message.bytes": &large, "segment.bytes": &segment})
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 1000 {
		w.Command("SET", fmt.Sprint("key", i), strings.Repeat("v", 1000))
	}
	for options, most := range map[string]int{"compression=none": 100_000, "compression=none&batch-bytes=20000": 20_000} {
		sizes := batchSizes(cluster)
		if _, err := toKafka(t, written(t, w), brokers+"/pika?"+options, 1<<20, sink.Env{}, encode.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := sizes(); got > most || got < most/2 {
			t.Errorf("%s: the largest batch has %d bytes, want at most %d", options, got, most)
		}
	}
}

// TestWiden sends events that are larger than a batch among small ones, in a topic that takes them.
func TestWiden(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", "&exactly-once&create-topics"} {
		cluster, large := kafkatest.Fake(t), "8000000"
		brokers := kafkatest.Brokers(cluster)
		kafkatest.MakeTopic(t, brokers, "pika", 3, map[string]*string{"max.message.bytes": &large})
		rng := rand.New(rand.NewPCG(1, 23))
		w := binlogtest.NewWriter(binlogtest.Options{})
		for i := range 2000 {
			size := rng.IntN(500)
			if i%400 == 200 {
				size = 30_000 * (1 + rng.IntN(20))
			}
			w.Command("SET", fmt.Sprint("key", rng.IntN(30)), strings.Repeat("v", size))
		}
		var told sinktest.Monitor
		result, err := toKafka(t, written(t, w), brokers+"/pika?batch-bytes=20kB&compression=none&linger=0s"+options, 1<<16, sink.Env{Monitor: &told}, encode.Options{})
		if err != nil || result.Committed[result.Logs[0]] != w.Position() {
			t.Fatalf("%v, committed %v of %v: %s", err, result.Committed, w.Position(), &told)
		}
		checkOrder(t, w, kafkatest.Consume(t, brokers, "pika"))
	}
}
