package cli_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli/exit"
	"pikabin/encode/output/kafka/kafkatest"
)

// TestVerifyTopics: what convert sends to topics is what the log says, in every format whose values can be read back, by one topic or many.
func TestVerifyTopics(t *testing.T) {
	t.Parallel()
	from := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log")
	n := bytes.Count(convert(t, from), []byte("\n"))
	brokers := kafkatest.Brokers(kafkatest.Fake(t))
	reg := srfake.New()
	t.Cleanup(reg.Close)
	for _, way := range []struct{ format, topic, options string }{
		{"avro", "plain", ""},
		{"avro", "framed-avro", "&register-schemas&registry=" + reg.URL()},
		{"jsonl", "once", "&exactly-once&tombstones"},
		{"jsonl", "framed-jsonl", "&register-schemas&registry=" + reg.URL()},
		{"protobuf", "many.{db}.{type}", ""},
		{"protobuf", "framed-protobuf", "&register-schemas&registry=" + reg.URL()},
	} {
		t.Run(way.topic, func(t *testing.T) {
			t.Parallel()
			target := "kafka://" + brokers + "/" + way.topic + "?create-topics&partitions=3&replication=1" + way.options
			convert(t, from, "-q", "-f", way.format, "-o", target)
			code, text := verifyOutput(t, from, "-f", way.format, target)
			if want := fmt.Sprintf("%d events are equal: the output is what the log says\n", n); code != 0 || text != want {
				t.Errorf("exit code %d: %s", code, text)
			}
		})
	}
}

// TestVerifyTopicsDamaged: what came twice is told, unless that is allowed, and so are events that are missing, marks in their places, and those of other sources.
func TestVerifyTopicsDamaged(t *testing.T) {
	t.Parallel()
	from := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log")
	brokers := kafkatest.Brokers(kafkatest.Fake(t))
	target := "kafka://" + brokers + "/topic?create-topics&partitions=3&replication=1"
	convert(t, from, "-q", "-o", target)
	convert(t, from, "-q", "-o", target)
	check := func(code int, want string, args ...string) {
		t.Helper()
		if got, text := verifyOutput(t, append([]string{from}, args...)...); got != code || !strings.Contains(text, want) {
			t.Errorf("exit code %d, %q is not in %.300s", got, want, text)
		}
	}
	check(exit.Differs, "it comes again", target)
	check(0, "310 come again", target, "--allow-repeats")
	check(exit.Differs, "310 missing", target+"&source=another")
	check(exit.Differs, "say with --format", target, "-f", "protobuf")
	check(exit.Usage, "the brokers have no topic none", "kafka://"+brokers+"/none")
	if err := kafkatest.Client(t, brokers).ProduceSync(t.Context(), &kgo.Record{Topic: "topic", Value: []byte("x"), Headers: []kgo.RecordHeader{
		{Key: "pikabin-position", Value: []byte("db0/0:4096")}, {Key: "pikabin-dead", Value: []byte("letters")}, {Key: "pikabin-source", Value: []byte("topic")},
	}}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	check(exit.Differs, "in the place of the event at db0/0:4096 is a mark: it is in letters", target, "--allow-repeats")
}
