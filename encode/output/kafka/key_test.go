package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestKeys sends two DBs into one compacted topic, in each form of the key.
func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, db := range []string{"db0", "db1"} {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command("SET", "k", "v")
		w.Command("SET", "\xff", "v")
		if err := w.WriteDir(dir + "/log_" + db); err != nil {
			t.Fatal(err)
		}
	}
	for form, want := range map[string][]string{
		"":         {"\xff", "\xff", "k", "k"},
		"key=db":   {"db0/k", "db0/\xff", "db1/k", "db1/\xff"},
		"key=json": {`{"db":"db0","key":"k"}`, `{"db":"db0","key_b64":"/w=="}`, `{"db":"db1","key":"k"}`, `{"db":"db1","key_b64":"/w=="}`},
	} {
		cluster := kafkatest.Fake(t)
		kafkatest.MakeTopic(t, kafkatest.Brokers(cluster), "pika", 2, map[string]*string{"cleanup.policy": new("compact")})
		var told sinktest.Monitor
		so := sink.Env{DBs: []string{"db0", "db1"}, Monitor: &told}
		if _, err := toKafka(t, dir, kafkatest.Brokers(cluster)+"/pika?source=s&"+form, 1<<16, so, encode.Options{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range slices.Concat(kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika")...) {
			got = append(got, string(r.Key))
			if kafkatest.Header(r, "pikabin-source") != "s" {
				t.Errorf("the source is %q", kafkatest.Header(r, "pikabin-source"))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
		if warned := strings.Contains(told.String(), "their keys replace each other"); warned != (form == "") {
			t.Errorf("%s: told %q", form, &told)
		}
	}
}

// TestUnknown sends what has no key: a flush is for all partitions, an unknown command if that is asked for. A delete on a condition
// deletes no key.
func TestUnknown(t *testing.T) {
	t.Parallel()
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("FLUSHDB")
	w.Command("NOBODYKNOWS", "this")
	w.Command("DELVX", "k", "v")
	w.Command("DEL", "k")
	dir := written(t, w)
	for options, want := range map[string]string{"": "flush:3 other:1 delete:3", "unknown-to-all": "flush:3 other:3 delete:3"} {
		cluster := kafkatest.Fake(t)
		target := kafkatest.Brokers(cluster) + "/pika?create-topics&partitions=3&tombstones&" + options
		if _, err := toKafka(t, dir, target, 1<<16, sink.Env{}, encode.Options{}); err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, r := range slices.Concat(kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika")...) {
			n[kafkatest.Header(r, "pikabin-op")]++
		}
		if got := fmt.Sprintf("flush:%d other:%d delete:%d", n["flush"], n["other"], n["delete"]); got != want {
			t.Errorf("%q: %s, want %s", options, got, want)
		}
	}
}
