package kafka_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// withSchemas runs the logs under dir into Kafka in a format, with a registry.
func withSchemas(t *testing.T, dir, format, target string, reg *srfake.Registry) error {
	t.Helper()
	f, _ := formats.Lookup(format)
	o := encode.Options{Format: f}
	_, err := toKafka(t, dir, target+"&registry="+reg.URL(), 1<<16, sink.Env{Format: f.Name, Content: f.ContentType, Schema: o.Schema()}, o)
	return err
}

// newRegistry is a registry in this process.
func newRegistry(t *testing.T) *srfake.Registry {
	t.Helper()
	reg := srfake.New()
	t.Cleanup(reg.Close)
	return reg
}

// TestRegistry finds the id of its topic's schema before each event, in every format, though it is another one for each topic.
func TestRegistry(t *testing.T) {
	t.Parallel()
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "a", "1")
	w.Command("HSET", "h", "f", "v")
	w.Command("FLUSHDB")
	w.Command("DEL", "a")
	dir := written(t, w)
	for format, lead := range map[string]int{"avro": 5, "jsonl": 5, "protobuf": 6} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			reg, f := newRegistry(t), formatNamed(t, format)
			reg.SeedSchema("pika.hash-value", 1, 77, sr.Schema{Schema: f.Schema, Type: map[string]sr.SchemaType{"jsonl": sr.TypeJSON, "protobuf": sr.TypeProtobuf}[format]})
			brokers := kafkatest.Brokers(kafkatest.Fake(t))
			if err := withSchemas(t, dir, format, brokers+"/pika.{type}?create-topics&partitions=1&register-schemas&tombstones", reg); err != nil {
				t.Fatal(err)
			}
			for topic, n := range map[string]int{"pika.string": 2, "pika.hash": 2, "pika.any": 3} {
				stored, _ := reg.GetSchema(topic+"-value", 1)
				records := kafkatest.Consume(t, brokers, topic)[0]
				if len(records) != n {
					t.Errorf("%s has %d records, want %d", topic, len(records), n)
				}
				for _, r := range records {
					checkFramed(t, r, f, stored.ID, lead)
				}
			}
		})
	}
}

func formatNamed(t *testing.T, name string) formats.Format {
	t.Helper()
	f, ok := formats.Lookup(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return f
}

// checkFramed compares a value with the message of its op: the events of this test differ in it.
func checkFramed(t *testing.T, r *kgo.Record, f formats.Format, id, lead int) {
	t.Helper()
	if r.Value == nil && kafkatest.Header(r, "pikabin-op") == decode.OpDelete.String() {
		return // a tombstone
	}
	if len(r.Value) < lead || r.Value[0] != 0 || int(binary.BigEndian.Uint32(r.Value[1:])) != id || lead > 5 && r.Value[5] != 0 {
		t.Errorf("%s: a value begins with %x, its schema's id is %d", r.Topic, r.Value[:min(len(r.Value), 8)], id)
		return
	}
	if message := r.Value[lead:]; !bytes.Contains(message, []byte("db0")) || bytes.HasPrefix(message, []byte{0xc3, 1}) {
		t.Errorf("%s: the message is %.40q", r.Topic, message)
	}
	if got := kafkatest.Header(r, "content-type"); got != f.ContentType+"; framing=confluent" {
		t.Errorf("the content type is %s", got)
	}
}

// TestRegistryMessages are what the format makes of each change.
func TestRegistryMessages(t *testing.T) {
	t.Parallel()
	dir := written(t, oneRecord())
	brokers := kafkatest.Brokers(kafkatest.Fake(t, kfake.SeedTopics(1, "plain", "framed")))
	if _, err := toKafka(t, dir, brokers+"/plain", 1<<16, sink.Env{}, encode.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := withSchemas(t, dir, "jsonl", brokers+"/framed?register-schemas", newRegistry(t)); err != nil {
		t.Fatal(err)
	}
	plain, framed := kafkatest.Consume(t, brokers, "plain")[0], kafkatest.Consume(t, brokers, "framed")[0]
	if len(plain) != 1 || len(framed) != 1 || !bytes.Equal(plain[0].Value, framed[0].Value[5:]) {
		t.Errorf("%d and %d records: %q, %q", len(plain), len(framed), plain[0].Value, framed[0].Value)
	}
}

// TestRegistryRefuses ends before a topic is made or an event is sent.
func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, options, want string }{
		"not there": {options: "&register-schemas=false", want: "registry http://", answer: ""},
		"refused":   {answer: `{"error_code":409,"message":"a field is gone"}`, want: "(a field is gone): write to another topic"},
	} {
		for _, exactly := range []string{"", "&exactly-once"} {
			t.Run(name+exactly, func(t *testing.T) {
				t.Parallel()
				reg := newRegistry(t)
				reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
					if c.answer == "" || r.URL.Path != "/subjects/pika-value/versions" {
						return false
					}
					w.WriteHeader(http.StatusConflict)
					fmt.Fprint(w, c.answer)
					return true
				})
				brokers := kafkatest.Brokers(kafkatest.Fake(t))
				err := withSchemas(t, written(t, oneRecord()), "avro", brokers+"/pika?create-topics&register-schemas"+c.options+exactly, reg)
				if target, ok := errors.AsType[*sink.TargetError](err); !ok || !strings.Contains(target.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				found, err := kafkatest.Admin(t, brokers).ListTopics(t.Context(), "pika")
				if err != nil || found["pika"].Err == nil {
					t.Errorf("the topic is there: %v, %v", found, err)
				}
			})
		}
	}
}

// TestRegistryLetters leaves marks that every consumer can read, and that forget no key.
func TestRegistryLetters(t *testing.T) {
	t.Parallel()
	limit, compact := strconv.Itoa(hour), "compact"
	brokers := kafkatest.Brokers(kafkatest.Fake(t))
	kafkatest.MakeTopic(t, brokers, "pika", 1, map[string]*string{"message.timestamp.before.max.ms": &limit, "cleanup.policy": &compact})
	kafkatest.MakeTopic(t, brokers, "letters", 1, nil)
	if err := withSchemas(t, written(t, oneRecord()), "avro", brokers+"/pika?register-schemas&on-refused=dlq:letters", newRegistry(t)); err != nil {
		t.Fatal(err)
	}
	marks, letters := kafkatest.Consume(t, brokers, "pika")[0], kafkatest.Consume(t, brokers, "letters")[0]
	if len(marks) != 1 || marks[0].Value != nil || !strings.HasPrefix(string(marks[0].Key), "\x00pikabin-barrier db0/0:") || kafkatest.Header(marks[0], "pikabin-dead") != "letters" {
		t.Errorf("the marks are %v", marks)
	}
	if len(letters) != 1 || string(letters[0].Key) != "k" || !bytes.HasPrefix(letters[0].Value, []byte{0, 0, 0, 0, 1}) {
		t.Errorf("the letters are %v", letters)
	}
}

// TestRegistryChange does not continue with values of another form.
func TestRegistryChange(t *testing.T) {
	t.Parallel()
	dir := written(t, oneRecord())
	brokers := kafkatest.Brokers(kafkatest.Fake(t, kfake.SeedTopics(1, "pika")))
	if _, err := toKafka(t, dir, brokers+"/pika?exactly-once&create-topics", 1<<16, sink.Env{}, encode.Options{}); err != nil {
		t.Fatal(err)
	}
	err := withSchemas(t, dir, "jsonl", brokers+"/pika?exactly-once&register-schemas", newRegistry(t))
	if err == nil || !strings.Contains(err.Error(), "in the format jsonl up to now, and not in jsonl+registry") {
		t.Errorf("got %v", err)
	}
}

// TestRegistryRehearsal says what would be registered, and registers nothing.
func TestRegistryRehearsal(t *testing.T) {
	t.Parallel()
	reg, f := newRegistry(t), formatNamed(t, "avro")
	brokers := kafkatest.Brokers(kafkatest.Fake(t, kfake.SeedTopics(1, "pika")))
	text, err := rehearse(t, brokers+"/pika?register-schemas&registry="+reg.URL(), sink.Env{Format: f.Name, Schema: f.Schema, DBs: []string{"db0"}, Monitor: &sinktest.Monitor{}})
	if err != nil || !strings.Contains(text, "the schema would be registered for: pika-value") || reg.SubjectExists("pika-value") {
		t.Errorf("got %q, %v", text, err)
	}
}

// rehearse is what a dry run says.
func rehearse(t *testing.T, target string, e sink.Env) (string, error) {
	t.Helper()
	o, ok, err := kafka.Type.Parse("kafka://"+target, nil)
	if err != nil || !ok {
		t.Fatal(err)
	}
	r, err := o.(sink.Rehearser).Rehearse(t.Context(), e) //nolint:forcetypeassert // Kafka's output is one
	return r.Text, err
}
