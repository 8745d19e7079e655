package kafka_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/output/kafka/topics"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// TestRecords looks at everything that a record has.
func TestRecords(t *testing.T) {
	cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "pika"))
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "a", "1")
	w.Advance(5)
	w.Command("DEL", "a", "")
	w.Command("FLUSHDB")
	w.Command("SET", "\xff", "2")
	dir := written(t, w)
	if _, err := toKafka(t, dir, kafkatest.Brokers(cluster)+"/pika", 1<<16, sink.Env{}, encode.Options{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for p, records := range kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika") {
		for _, r := range records {
			got = append(got, describe(p, r))
		}
	}
	slices.Sort(got)
	at := w.Records()
	line := func(i, p int, key string, time int, rest string) string {
		return fmt.Sprintf("db0/%d:%d p%d %s %d %s application/json", at[i].Segment, at[i].Offset, p, key, time, rest)
	}
	const began, later = binlogtest.DefaultTime, binlogtest.DefaultTime + 5
	want := []string{
		line(0, 1, `"a"`, began, "set - -"),
		line(1, 1, `"a"`, later, "delete 0/2 -"),
		line(1, 0, `""`, later, "delete 1/2 -"),
		line(2, 0, "none", later, "flush - 0/3"),
		line(2, 1, "none", later, "flush - 1/3"),
		line(2, 2, "none", later, "flush - 2/3"),
		line(3, 0, `"\xff"`, later, "set - -"),
	}
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// describe is all of a record but its value, in one line.
func describe(p int, r *kgo.Record) string {
	key := "none"
	if r.Key != nil {
		key = fmt.Sprintf("%q", r.Key)
	}
	return fmt.Sprintf("%s p%d %s %d %s %s %s %s", kafkatest.Header(r, "pikabin-position"), p, key, r.Timestamp.Unix(), kafkatest.Header(r, "pikabin-op"),
		cmp.Or(kafkatest.Header(r, "pikabin-part"), "-"), cmp.Or(kafkatest.Header(r, "pikabin-barrier"), "-"), kafkatest.Header(r, "content-type"))
}

// TestValues sends every format, and wants each value to be the message by itself.
func TestValues(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", strings.Repeat("v", 200))
	w.Command("HMSET", "h", "f", "v")
	dir := written(t, w)
	for _, format := range formats.All() {
		kafkatest.MakeTopic(t, kafkatest.Brokers(cluster), format.Name, 1, nil)
		o := sink.Env{Content: format.ContentType}
		if _, err := toKafka(t, dir, kafkatest.Brokers(cluster)+"/"+format.Name, 1<<16, o, encode.Options{Format: format}); err != nil {
			t.Fatal(err)
		}
		to := &sinktest.Messages{}
		if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to, Traits: sink.Traits{Messages: true}}, encode.Options{Format: format}); err != nil {
			t.Fatal(err)
		}
		records := kafkatest.Consume(t, kafkatest.Brokers(cluster), format.Name)[0]
		if len(records) != 2 || len(to.Values) != 2 {
			t.Fatalf("%s: %d records, %d messages", format.Name, len(records), len(to.Values))
		}
		for i, r := range records {
			if !bytes.Equal(r.Value, to.Values[i]) || kafkatest.Header(r, "content-type") != format.ContentType {
				t.Errorf("%s: got %q as %s, want %q", format.Name, r.Value, kafkatest.Header(r, "content-type"), to.Values[i])
			}
			if format.Name == "jsonl" && (bytes.Contains(r.Value, []byte("\n")) || !bytes.HasSuffix(r.Value, []byte("}"))) {
				t.Errorf("%q is not one object", r.Value)
			}
		}
	}
}

// faults are answers of brokers that are worth another try.
func faults() []kfake.Fault {
	produce := []kmsg.Key{kmsg.Produce}
	return []kfake.Fault{
		{Keys: produce, Err: kerr.NotLeaderForPartition, Count: 4},
		{Keys: produce, Err: kerr.RequestTimedOut, Count: 3}, // after the records were written
		{Keys: produce, Err: kerr.NotEnoughReplicasAfterAppend, Count: 3},
		{Keys: produce, Err: kerr.NotEnoughReplicas, Count: 4},
		{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: 2},
	}
}

// TestOrder sends a log of few keys through brokers that fail, hang up and move the partitions: each key's events come in
// the order of the log, each once.
func TestOrder(t *testing.T) {
	for seed := range sample.Count(uint64(4), 2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			cluster := kafkatest.Fake(t, kfake.SeedTopics(7, "pika"))
			rng := rand.New(rand.NewPCG(seed, 3))
			w := keyedLog(rng, 3000, 20)
			dir := written(t, w)
			cluster.Fault(faults()...)
			hangUp(cluster, rng)
			target := kafkatest.Brokers(cluster) + "/pika?linger=0s&compression=" + []string{"zstd", "lz4", "snappy", "gzip"}[seed]
			result, err := toKafka(t, dir, target, 1<<16, sink.Env{}, encode.Options{Workers: 4})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Committed[result.Logs[0]]; got != w.Position() {
				t.Errorf("committed %v, want %v", got, w.Position())
			}
			checkOrder(t, w, kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
		})
	}
}

// keyedLog has many records of few keys, and a FLUSHDB now and then.
func keyedLog(rng *rand.Rand, records, keys int) *binlogtest.Writer {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for range records {
		if rng.IntN(500) == 0 {
			w.Command("FLUSHDB")
		}
		w.Command("SET", fmt.Sprintf("key%d", rng.IntN(keys)), sinktest.Filler(rng, rng.IntN(900)))
	}
	return w
}

// hangUp makes brokers close connections instead of an answer, and move partitions, some of the times.
func hangUp(cluster *kfake.Cluster, rng *rand.Rand) {
	left := 6
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if left == 0 || rng.IntN(3) > 0 {
			return nil, nil, false
		}
		left--
		if left%2 == 0 {
			go cluster.ShufflePartitionLeaders()
		}
		return nil, errors.New("the broker hangs up"), true
	})
}

// checkOrder wants in each partition the events of its keys, and all those without a key, each once and in the order of the log.
func checkOrder(t *testing.T, w *binlogtest.Writer, partitions [][]*kgo.Record) {
	t.Helper()
	seen := map[string]int{}
	for p, records := range partitions {
		last := ""
		for _, r := range records {
			at := kafkatest.Header(r, "pikabin-position")
			if last != "" && !position(t, last).Before(position(t, at)) {
				t.Fatalf("partition %d: %s comes after %s", p, at, last)
			}
			seen[at]++
			last = at
		}
	}
	for _, record := range w.Records() {
		at := fmt.Sprintf("db0/%d:%d", record.Segment, record.Offset)
		want := 1
		if string(record.Argv()[0]) == "FLUSHDB" {
			want = len(partitions)
		}
		if seen[at] != want {
			t.Fatalf("%s came %d times, want %d", at, seen[at], want)
		}
		delete(seen, at)
	}
	if len(seen) > 0 {
		t.Errorf("%d positions that no record has", len(seen))
	}
}

func position(t *testing.T, at string) decode.Position {
	t.Helper()
	p, err := decode.ParsePosition(strings.TrimPrefix(at, "db0/"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRefuses ends the run at what cannot be mended by trying again. Nothing is committed that is not in the topic.
func TestRefuses(t *testing.T) {
	w := keyedLog(rand.New(rand.NewPCG(1, 1)), 2000, 20)
	dir := written(t, w)
	for name, c := range map[string]struct {
		fault kfake.Fault
		want  string
	}{
		"no right to write":       {kfake.Fault{Err: kerr.TopicAuthorizationFailed}, "needs the rights"},
		"a limit was lowered":     {kfake.Fault{Err: kerr.MessageTooLarge}, "was lowered"},
		"the broker lost some":    {kfake.Fault{Err: kerr.OutOfOrderSequenceNumber}, "has lost records"},
		"a record makes no sense": {kfake.Fault{Err: kerr.InvalidRecord}, "INVALID_RECORD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "pika"))
			n := 0
			c.fault.Keys, c.fault.Count = []kmsg.Key{kmsg.Produce}, -1
			c.fault.When = func(kmsg.Request) bool { n++; return n > 1 }
			cluster.Fault(c.fault)
			result, err := toKafka(t, dir, kafkatest.Brokers(cluster)+"/pika?linger=0s", 1<<16, sink.Env{}, encode.Options{})
			var sinkErr *sink.Error
			if !errors.As(err, &sinkErr) || !errors.Is(err, c.fault.Err) || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), "the event at db0/0:") {
				t.Errorf("got %v", err)
			}
			checkCommitted(t, w, result.Committed[result.Logs[0]], kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
		})
	}
}

// checkCommitted wants every event in front of a position in the topic.
func checkCommitted(t *testing.T, w *binlogtest.Writer, committed decode.Position, partitions [][]*kgo.Record) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range slices.Concat(partitions...) {
		seen[kafkatest.Header(r, "pikabin-position")] = true
	}
	for _, record := range w.Records() {
		at := decode.Position{Segment: record.Segment, Offset: record.Offset}
		if at.Before(committed) && !seen["db0/"+at.String()] {
			t.Fatalf("committed %v, and the event at %v is not in the topic", committed, at)
		}
	}
}

// TestPlacesAsJava has what Utils.murmur2 of kafka-clients 4.4.0 gives, negative hashes among them. Modulo 2^31 the
// partition is the hash without its sign.
func TestPlacesAsJava(t *testing.T) {
	hash := topics.KeyHash()
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107, "": 275646681, "\x80\xff\x00\x01\xfe": -1075157062,
	} {
		if got := hash.Partition(&kgo.Record{Key: []byte(key)}, 1<<31); got != int(want&0x7fffffff) {
			t.Errorf("%q: got %d, want %d", key, got, want)
		}
	}
}
