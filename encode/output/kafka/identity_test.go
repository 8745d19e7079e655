package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// changes are what may become of a topic between two runs, and what the second one says.
var changes = map[string]struct {
	change  func(t *testing.T, brokers, topic string)
	options string
	want    string // "" for no error
}{
	"nothing": {func(*testing.T, string, string) {}, "", ""},
	"deleted": {func(t *testing.T, brokers, topic string) {
		t.Helper()
		if _, err := kafkatest.Admin(t, brokers).DeleteTopics(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}, "", "is gone"},
	"made anew": {func(t *testing.T, brokers, topic string) {
		t.Helper()
		if _, err := kafkatest.Admin(t, brokers).DeleteTopics(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		kafkatest.MakeTopic(t, brokers, topic, 3, nil)
	}, "", "was deleted and made anew"},
	"more partitions":             {morePartitions, "", "had 3 partitions and has 5 now"},
	"more partitions are allowed": {morePartitions, "&on-repartition=allow", ""},
}

func morePartitions(t *testing.T, brokers, topic string) {
	t.Helper()
	if _, err := kafkatest.Admin(t, brokers).UpdatePartitions(t.Context(), 5, topic); err != nil {
		t.Fatal(err)
	}
}

// TestTopicChanged opens an output twice. What has become of the topic meanwhile the second run finds out before it makes one.
func TestTopicChanged(t *testing.T) {
	for name, c := range changes {
		for _, exactly := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", exactly once: ", exactly), func(t *testing.T) {
				t.Parallel()
				cluster := kafkatest.Fake(t)
				brokers := kafkatest.Brokers(cluster)
				target := brokers + "/pika?create-topics&partitions=3"
				if exactly {
					target += "&exactly-once"
				}
				w := keyedLog(rand.New(rand.NewPCG(1, 1)), 50, 10)
				note := deliver(t, w, target)
				c.change(t, brokers, "pika")
				to, err := openKafka(t, target+c.options, sink.Env{DBs: []string{"db0"}, Note: note})
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v", err)
				}
				topics, errList := kafkatest.Admin(t, brokers).ListTopics(t.Context())
				if errList != nil || topics.Has("pika") == (name == "deleted") {
					t.Errorf("topics %v, %v", topics.Names(), errList)
				}
				if to.Sink != nil {
					if err := to.Sink.Close(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// deliver sends a log, and gives the note that a state would hold.
func deliver(t *testing.T, w *binlogtest.Writer, target string) (note []byte) {
	t.Helper()
	to, err := openKafka(t, target, sink.Env{DBs: []string{"db0"}})
	if err != nil {
		t.Fatal(err)
	}
	log := sinktest.Find(t, written(t, w))[0]
	_, err = encode.Run(t.Context(), fromMark(t, log, checkpoint.Mark{}), to, encode.Options{
		Format: jsonl(t), Save: func(c encode.Checkpoint) error {
			note = c.Note
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// TestOtherFormat opens the output of a source in another format, and with another topic.
func TestOtherFormat(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "other"))
	target := kafkatest.Brokers(cluster) + "/pika?create-topics&partitions=3&exactly-once&source=one"
	deliver(t, keyedLog(rand.New(rand.NewPCG(1, 1)), 50, 10), target)
	_, err := openKafka(t, target, sink.Env{DBs: []string{"db0"}, Format: "protobuf"})
	var wrong *sink.TargetError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "in the format jsonl up to now") || !strings.Contains(err.Error(), "--clear") {
		t.Errorf("another format: %v", err)
	}
	_, err = openKafka(t, strings.Replace(target, "/pika", "/other", 1), sink.Env{DBs: []string{"db0"}})
	if err == nil || !strings.Contains(err.Error(), "to topic pika up to now, and not to other") {
		t.Errorf("another topic: %v", err)
	}
}

// TestPositionsBroken finds records in the topic of positions that pikabin has not written, and such as forget a position.
func TestPositionsBroken(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	brokers := kafkatest.Brokers(cluster)
	target := brokers + "/pika?create-topics&partitions=3&exactly-once"
	w := keyedLog(rand.New(rand.NewPCG(1, 1)), 50, 10)
	deliver(t, w, target)
	put := func(value []byte) {
		r := &kgo.Record{Topic: "pikabin-positions", Key: []byte("pika/db0"), Value: value}
		if err := kafkatest.Client(t, brokers, kgo.RecordPartitioner(kgo.ManualPartitioner())).ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	found := func() map[string]checkpoint.Mark {
		to, err := openKafka(t, target, sink.Env{DBs: []string{"db0"}})
		if err != nil {
			t.Fatal(err)
		}
		defer to.Sink.Close(context.WithoutCancel(t.Context()))
		return to.Found.Positions
	}
	put([]byte("{half a rec"))
	if got := found()["db0"].Position; got != w.Position() {
		t.Errorf("after a broken record: %v, want %v", got, w.Position())
	}
	put(nil)
	if got := found(); len(got) != 0 {
		t.Errorf("after a tombstone: %v", got)
	}
	put([]byte("{half a rec"))
	_, err := openKafka(t, target, sink.Env{DBs: []string{"db0"}})
	if err == nil || !strings.Contains(err.Error(), "the position of db0: offset") || !strings.Contains(err.Error(), "--clear") {
		t.Errorf("a broken record alone: %v", err)
	}
	configs, err := kafkatest.Admin(t, brokers).DescribeTopicConfigs(t.Context(), "pikabin-positions")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range positions.Config() {
		i := slices.IndexFunc(configs[0].Configs, func(c kadm.Config) bool { return c.Key == key })
		if i < 0 || configs[0].Configs[i].MaybeValue() != value {
			t.Errorf("%s is not %s", key, value)
		}
	}
}

// TestDBOfOurName has a DB whose name is that of the claim: its position is found again, and forgotten.
func TestDBOfOurName(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	target := kafkatest.Brokers(cluster) + "/pika?create-topics&exactly-once"
	dir := t.TempDir()
	want := map[string]decode.Position{}
	for i, name := range []string{"claim", "db0", "pikabin"} {
		w := keyedLog(rand.New(rand.NewPCG(1, uint64(i))), 5, 3)
		if err := w.WriteDir(filepath.Join(dir, "log_"+name)); err != nil {
			t.Fatal(err)
		}
		want[name] = w.Position()
	}
	if _, err := toKafka(t, dir, target, 1<<12, sink.Env{}, encode.Options{Fences: true}); err != nil {
		t.Fatal(err)
	}
	for len(want) > 0 {
		state, err := kafka.OpenState(t.Context(), "kafka://"+target)
		if err != nil {
			t.Fatal(err)
		}
		held, _ := state.State()
		got := map[string]decode.Position{}
		for name, mark := range held.DBs {
			got[name] = mark.Position
		}
		if !maps.Equal(got, want) {
			t.Fatalf("the topic holds %v, want %v", got, want)
		}
		first := slices.Min(slices.Collect(maps.Keys(want)))
		delete(want, first)
		delete(held.DBs, first)
		if err := errors.Join(state.Save(held), state.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestState shows, sets and forgets positions, also where a run can not start for them.
func TestState(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	brokers := kafkatest.Brokers(cluster)
	target := brokers + "/pika?create-topics&partitions=3&exactly-once"
	w := keyedLog(rand.New(rand.NewPCG(1, 1)), 50, 10)
	deliver(t, w, target)
	change := func(change func(*checkpoint.State)) {
		t.Helper()
		k, err := kafka.OpenState(t.Context(), "kafka://"+target)
		if err != nil {
			t.Fatal(err)
		}
		state, _ := k.State()
		change(&state)
		if err := errors.Join(k.Save(state), k.Close()); err != nil {
			t.Fatal(err)
		}
	}
	shown := func() string {
		t.Helper()
		state, _, err := kafka.LoadState(t.Context(), "kafka://"+target)
		if err != nil {
			t.Fatal(err)
		}
		return state.Places()
	}
	if got := shown(); got != "db0 "+w.Position().String() {
		t.Errorf("shown %s", got)
	}
	changes["made anew"].change(t, brokers, "pika")
	if _, err := openKafka(t, target, sink.Env{DBs: []string{"db0"}}); err == nil {
		t.Error("the topic is another one")
	}
	first := w.Records()[1].Prev
	change(func(s *checkpoint.State) { s.DBs = map[string]checkpoint.Mark{"db0": {Position: first}, "db1": {}} })
	if got := shown(); got != "db0 "+first.String()+", db1 0:0" {
		t.Errorf("shown %s", got)
	}
	to, err := openKafka(t, target, sink.Env{DBs: []string{"db0", "db1"}})
	if err != nil {
		t.Fatalf("after a position was set: %v", err)
	}
	if got := to.Found.Positions["db0"].Position; got != first {
		t.Errorf("the run begins at %v", got)
	}
	if err := to.Sink.Close(t.Context()); err != nil {
		t.Error(err)
	}
	change(func(s *checkpoint.State) { *s = checkpoint.State{} })
	if got := shown(); got != "no position" {
		t.Errorf("shown %s", got)
	}
}
