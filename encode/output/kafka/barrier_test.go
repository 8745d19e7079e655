package kafka_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
)

// TestBarrier applies the partitions of a topic at random speeds. A consumer that waits at a barrier until all partitions have
// come to it ends in the state of the source; one that does not ends in another one, at least now and then.
func TestBarrier(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	rng := rand.New(rand.NewPCG(1, 4))
	source := map[string]string{}
	for i := range 600 {
		key := fmt.Sprintf("key%d", rng.IntN(40))
		switch n := rng.IntN(40); {
		case n == 0:
			w.Command("FLUSHDB")
			clear(source)
		case n < 8:
			w.Command("DEL", key)
			delete(source, key)
		default:
			source[key] = strconv.Itoa(i)
			w.Command("SET", key, source[key])
		}
	}
	cluster := kafkatest.Fake(t, kfake.SeedTopics(5, "pika"))
	if _, err := toKafka(t, written(t, w), kafkatest.Brokers(cluster)+"/pika", 1<<16, sink.Env{}, encode.Options{}); err != nil {
		t.Fatal(err)
	}
	partitions := kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika")
	wrong := 0
	for seed := range sample.Count(uint64(200), 20) {
		if got := apply(t, rand.New(rand.NewPCG(seed, 5)), partitions, true); !maps.Equal(got, source) {
			t.Fatalf("seed %d (-source +consumer):\n%s", seed, cmp.Diff(source, got))
		}
		if !maps.Equal(apply(t, rand.New(rand.NewPCG(seed, 5)), partitions, false), source) {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("without the barrier rule all ends were right: the test shows nothing")
	}
}

// apply is a consumer of all partitions, of which any may be ahead of the others.
func apply(t *testing.T, rng *rand.Rand, partitions [][]*kgo.Record, barriers bool) map[string]string {
	t.Helper()
	state, next, waits := map[string]string{}, make([]int, len(partitions)), map[int]bool{}
	for left := len(partitions); left > 0; {
		p := rng.IntN(len(partitions))
		if waits[p] || next[p] == len(partitions[p]) {
			continue
		}
		r := partitions[p][next[p]]
		if barriers && kafkatest.Header(r, "pikabin-barrier") != "" {
			if waits[p] = true; len(waits) < len(partitions) {
				continue
			}
			for q := range partitions {
				delete(waits, q)
				if next[q]++; next[q] == len(partitions[q]) {
					left--
				}
			}
			applyEvent(t, state, r)
			continue
		}
		applyEvent(t, state, r)
		if next[p]++; next[p] == len(partitions[p]) {
			left--
		}
	}
	return state
}

func applyEvent(t *testing.T, state map[string]string, r *kgo.Record) {
	t.Helper()
	var event struct{ Op, Key, Value string }
	if err := json.Unmarshal(r.Value, &event); err != nil {
		t.Fatal(err)
	}
	switch event.Op {
	case "set":
		state[event.Key] = event.Value
	case "delete":
		delete(state, event.Key)
	case "flush":
		clear(state)
	}
}
