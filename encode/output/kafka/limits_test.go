package kafka_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	"pikabin/encode"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/output/kafka/topics"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// largeAmongSmall is a log with one record of 20 KB.
func largeAmongSmall(t *testing.T) (dir string, w *binlogtest.Writer) {
	t.Helper()
	w = binlogtest.NewWriter(binlogtest.Options{})
	for i := range 200 {
		w.Command("SET", fmt.Sprint("key", i%7), strings.Repeat("v", 1000))
	}
	w.Command("SET", "large", strings.Repeat("v", 20_000))
	w.Command("SET", "behind", "v")
	return written(t, w), w
}

// TestOversize meets a record that the topic does not take.
func TestOversize(t *testing.T) {
	t.Parallel()
	dir, w := largeAmongSmall(t)
	large := w.Records()[200]
	at := fmt.Sprintf("db0/%d:%d", large.Segment, large.Offset)
	cluster := kafkatest.Fake(t)
	brokers, limit := kafkatest.Brokers(cluster), "5000"
	small := map[string]*string{"max.message.bytes": &limit}
	for _, topic := range []string{"fails", "sorts", "narrow"} {
		kafkatest.MakeTopic(t, brokers, topic, 2, small)
	}
	kafkatest.MakeTopic(t, brokers, "letters", 2, nil)

	result, err := toKafka(t, dir, brokers+"/fails", 1<<16, sink.Env{}, encode.Options{})
	var sinkErr *sink.Error
	if !errors.As(err, &sinkErr) || !strings.Contains(err.Error(), "the event at "+at+" is a record of 20") ||
		!strings.Contains(err.Error(), "topic fails takes 5000 at most") {
		t.Errorf("got %v", err)
	}
	records := slices.Concat(kafkatest.Consume(t, brokers, "fails")...)
	if len(records) != 200 {
		t.Errorf("%d records are in the topic, want the 200 in front of the large one", len(records))
	}
	committed := result.Committed[result.Logs[0]]
	if behind := (decode.Position{Segment: large.Segment, Offset: large.Offset}); behind.Before(committed) || committed.Offset < 2*decode.BlockSize {
		t.Errorf("committed %v, the large record is at %v", committed, behind)
	}

	result, err = toKafka(t, dir, brokers+"/once?create-topics&partitions=2&topic-config=max.message.bytes=5000&exactly-once&commit-interval=10m&transaction-timeout=15m",
		1<<16, sink.Env{}, encode.Options{})
	if err == nil || !strings.Contains(err.Error(), "the event at "+at) {
		t.Errorf("in a transaction: %v", err)
	}
	once, before := slices.Concat(kafkatest.Consume(t, brokers, "once")...), 0
	for _, record := range w.Records() {
		if (decode.Position{Segment: record.Segment, Offset: record.Offset}).Before(result.Committed[result.Logs[0]]) {
			before++
		}
	}
	if len(once) != before || before < 100 {
		t.Errorf("%d records are in front of the committed position, %d in the topic", before, len(once))
	}

	var told sinktest.Monitor
	target := brokers + "/sorts?on-oversize=dlq:letters"
	if _, err := toKafka(t, dir, target, 1<<16, sink.Env{Monitor: &told}, encode.Options{}); err != nil {
		t.Fatal(err)
	}
	letters := slices.Concat(kafkatest.Consume(t, brokers, "letters")...)
	if n := len(slices.Concat(kafkatest.Consume(t, brokers, "sorts")...)); n != 201 || len(letters) != 1 {
		t.Fatalf("%d records in the topic, %d in the dead-letter topic", n, len(letters))
	}
	if r := letters[0]; string(r.Key) != "large" || kafkatest.Header(r, "pikabin-position") != at || kafkatest.Header(r, "pikabin-topic") != "sorts" || len(r.Value) < 20_000 {
		t.Errorf("%s, %d bytes", describe(0, r), len(r.Value))
	}
	if text := told.String(); !strings.Contains(text, at) || !strings.Contains(text, "1 events were too large") {
		t.Errorf("told %q", text)
	}
	target = brokers + "/sorts?on-oversize=dlq:narrow"
	if _, err := toKafka(t, dir, target, 1<<16, sink.Env{}, encode.Options{}); err == nil || !strings.Contains(err.Error(), "topic narrow takes") {
		t.Errorf("a dead-letter topic that is too narrow: %v", err)
	}
}

// TestBlob stores the value of a record that the topic does not take, and sends where it is.
func TestBlob(t *testing.T) {
	dir, w := largeAmongSmall(t)
	cluster := kafkatest.Fake(t)
	brokers, limit, blobs := kafkatest.Brokers(cluster), "5000", t.TempDir()
	kafkatest.MakeTopic(t, brokers, "pika", 2, map[string]*string{"max.message.bytes": &limit})
	target := brokers + "/pika?on-oversize=blob:"
	for range 2 { // a repeat writes the same file
		if _, err := toKafka(t, dir, target+blobs, 1<<16, sink.Env{}, encode.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	records := slices.Concat(kafkatest.Consume(t, brokers, "pika")...)
	i := slices.IndexFunc(records, func(r *kgo.Record) bool { return string(r.Key) == "large" })
	if len(records) != 2*202 || kafkatest.Header(records[i], "content-type") != "application/vnd.pikabin.blob+json" {
		t.Fatalf("%d records, %s", len(records), describe(0, records[i]))
	}
	var value struct {
		Blob struct {
			URI, SHA256 string
			Size        int
		}
	}
	if err := json.Unmarshal(records[i].Value, &value); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s/db0-0-%d-%.16s", blobs, w.Records()[200].Offset, value.Blob.SHA256)
	content, err := os.ReadFile(name)
	sum := sha256.Sum256(content)
	if blob := value.Blob; err != nil || blob.URI != "file://"+name || blob.Size != len(content) || blob.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v, %v, %d bytes in the file", blob, err, len(content))
	}
	if !bytes.HasPrefix(content, []byte(`{"db":"db0"`)) || !bytes.Contains(content, []byte(`"key":"large"`)) {
		t.Errorf("the file holds %.100q", content)
	}
	if files, err := os.ReadDir(blobs); err != nil || len(files) != 1 {
		t.Errorf("%v, %d files", err, len(files))
	}
	if _, err := openKafka(t, target+name, sink.Env{}); err == nil || !strings.Contains(err.Error(), "opening the place for oversized events") {
		t.Errorf("a file as folder: %v", err)
	}
	o, _, err := kafka.Type.Parse("kafka://"+target+dir, nil)
	if err != nil || !slices.Equal(o.Target().Paths, []string{dir + "/"}) {
		t.Errorf("the log folder: %v", err)
	}
}

// TestLetterFile puts a record that the topic does not take into a file, at each run.
func TestLetterFile(t *testing.T) {
	dir, w := largeAmongSmall(t)
	cluster := kafkatest.Fake(t)
	brokers, limit, path := kafkatest.Brokers(cluster), "5000", filepath.Join(t.TempDir(), "letters.jsonl")
	kafkatest.MakeTopic(t, brokers, "pika", 2, map[string]*string{"max.message.bytes": &limit, "retention.ms": new("3600000"), "cleanup.policy": new("delete")})
	var told sinktest.Monitor
	for range 2 {
		if _, err := toKafka(t, dir, brokers+"/pika?on-oversize=dlq:"+path, 1<<16, sink.Env{Monitor: &told}, encode.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(slices.Concat(kafkatest.Consume(t, brokers, "pika")...)); n != 2*201 || told.Counted() != 2 {
		t.Errorf("%d records in the topic, %d counted", n, told.Counted())
	}
	if n := strings.Count(told.String(), "topic pika keeps 1h0m0s (retention.ms), and these events are"); n != 2 {
		t.Errorf("told %d times, once in each run, of old events:\n%s", n, &told)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		var l struct {
			Topic      string
			Time       int64
			Headers    map[string]string
			Key, Value []byte
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %d %s %s %s %t", l.Topic, l.Time, l.Headers["pikabin-position"], l.Headers["pikabin-op"], l.Key,
			bytes.HasPrefix(l.Value, []byte(`{"db":"db0"`)) && len(l.Value) > 20_000))
	}
	large := w.Records()[200]
	want := fmt.Sprintf("pika %d000 db0/%d:%d set large true", large.Time, large.Segment, large.Offset)
	if !slices.Equal(lines, []string{want, want}) {
		t.Errorf("got %q, want %q twice", lines, want)
	}
}

// TestTombstones puts a null after each delete, for a compacted topic, in which nothing may be without a key.
func TestTombstones(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	checkTombstones(t, kafkatest.Brokers(cluster), "pika")
}

func checkTombstones(t *testing.T, brokers, topic string) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	w.Command("DEL", "k")
	w.Command("FLUSHDB")
	target := brokers + "/" + topic + "?create-topics&partitions=2&topic-config=cleanup.policy=compact&tombstones"
	if _, err := toKafka(t, written(t, w), target, 1<<16, sink.Env{}, encode.Options{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for p, records := range kafkatest.Consume(t, brokers, topic) {
		for _, r := range records {
			got = append(got, fmt.Sprintf("p%d %q null=%v %s", p, r.Key, r.Value == nil, kafkatest.Header(r, "pikabin-barrier")))
		}
	}
	flush := fmt.Sprintf(`"\x00pikabin-barrier db0/0:%d" null=false `, w.Records()[2].Offset)
	p := fmt.Sprintf("p%d ", topics.KeyHash().Partition(&kgo.Record{Key: []byte("k")}, 2))
	want := []string{p + `"k" null=false `, p + `"k" null=false `, p + `"k" null=true `, "p0 " + flush + "0/2", "p1 " + flush + "1/2"}
	slices.Sort(got)
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// TestTopics makes topics only if that is wanted, and sends to those of DB and type.
func TestTopics(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	brokers := kafkatest.Brokers(cluster)
	var writers []*binlogtest.Writer
	for range 2 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command("SET", "k", "v")
		w.Command("HSET", "h", "f", "v")
		w.Command("DEL", "k")
		w.Command("FLUSHDB")
		writers = append(writers, w)
	}
	dir := t.TempDir()
	for i, w := range writers {
		if err := w.WriteDir(fmt.Sprintf("%s/log_db%d", dir, i)); err != nil {
			t.Fatal(err)
		}
	}
	so := sink.Env{DBs: []string{"db0", "db1"}}
	_, err := toKafka(t, dir, brokers+"/pika.{db}", 1<<16, so, encode.Options{})
	if err == nil || !strings.Contains(err.Error(), "there is no topic pika.db0, pika.db1: make it, or let --create-topics") {
		t.Errorf("got %v", err)
	}
	for name, c := range map[string]struct {
		target string
		want   map[string]int // records in topics
	}{
		"of the DB":          {"pika.{db}", map[string]int{"pika.db0": 3 + 3, "pika.db1": 3 + 3}},
		"of DB and type":     {"{db}.{type}", map[string]int{"db0.string": 1 + 3, "db0.hash": 1 + 3, "db0.any": 1 + 3, "db1.set": 3}},
		"one for all":        {"all", map[string]int{"all": 2 * (3 + 3)}},
		"in one partition":   {"single?single-partition", map[string]int{"single": 2 * (3 + 1)}},
		"known when it came": {"late.{db}", map[string]int{"late.db0": 6}},
	} {
		topic, options, _ := strings.Cut(c.target, "?")
		so := so
		if strings.HasPrefix(topic, "late") {
			so.DBs = nil
		}
		target := brokers + "/" + topic + "?create-topics&partitions=3&topic-config=max.message.bytes=54321&" + options
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.RequestTimedOut, Count: 1}) // no controller for a while
		if _, err := toKafka(t, dir, target, 1<<16, so, encode.Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for topic, want := range c.want {
			partitions := kafkatest.Consume(t, brokers, topic)
			if got := len(slices.Concat(partitions...)); got != want || len(partitions) != 3 {
				t.Errorf("%s: %d records in %d partitions of topic %s, want %d", name, got, len(partitions), topic, want)
			}
		}
	}
	single := kafkatest.Consume(t, brokers, "single")
	if len(single[0]) != 8 || kafkatest.Header(single[0][3], "pikabin-barrier") != "0/1" {
		t.Errorf("in one partition: %d records", len(single[0]))
	}
}

// TestRepartition adds partitions during the run.
func TestRepartition(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{false, true} {
		t.Run(strconv.FormatBool(allowed), func(t *testing.T) {
			cluster := kafkatest.Fake(t, kfake.SeedTopics(2, "pika"))
			w := keyedLog(rand.New(rand.NewPCG(5, 5)), 2000, 20)
			target := kafkatest.Brokers(cluster) + "/pika?linger=0s"
			if allowed {
				target += "&on-repartition=allow"
			}
			var told sinktest.Monitor
			to, err := openKafka(t, target, sink.Env{Monitor: &told})
			if err != nil {
				t.Fatal(err)
			}
			// The third batch goes to two partitions, each by a client of its own, and the answer to each says that the leader is elsewhere: the
			// client asks where, and finds three. They count once both know of them.
			to.Sink = &interrupting{Sink: to.Sink, act: func() {
				if _, err := kafkatest.Admin(t, kafkatest.Brokers(cluster)).CreatePartitions(t.Context(), 1, "pika"); err != nil {
					t.Error(err)
				}
				for partition := range int32(2) {
					cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{partition}, Err: kerr.NotLeaderForPartition})
				}
			}}
			result, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, written(t, w)), 1<<16), to, encode.Options{Format: jsonl(t), Workers: 1})
			if !allowed {
				if err == nil || !strings.Contains(err.Error(), "topic pika had 2 partitions and has 3 now") {
					t.Errorf("got %v", err)
				}
				checkCommitted(t, w, result.Committed[result.Logs[0]], kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
			} else if err != nil || !strings.Contains(told.String(), "had 2 partitions and has 3 now") {
				t.Errorf("got %v, told %q", err, told.String())
			}
		})
	}
}

// interrupting does something in front of the third batch, and continues when all before it has been acknowledged.
type interrupting struct {
	sink.Sink
	writes int
	act    func()
}

func (r *interrupting) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	if r.writes++; r.writes == 3 {
		r.act()
	}
	acked := make(chan struct{})
	r.Sink.Write(ctx, b, func(err error) {
		done(err)
		close(acked)
	})
	<-acked
}
