package encode

import (
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaHash is for tests.
var KafkaHash = kafkaHash

// KillKafka ends the connections of the sink, as the death of the process does: nothing is committed or given back.
func KillKafka(s Sink) { s.(exactKafka).client.Close() }

// NewZstdBatches is for tests.
func NewZstdBatches() kgo.Compressor { return &zstdBatches{} }

// KafkaRecords gives a function that makes the records of a batch for one topic, and says how many they are.
func KafkaRecords(b *Batch) func() (int, error) {
	topic := &kafkaTopic{name: "t", limit: math.MaxInt, byKey: kafkaHash()}
	topic.found(12)
	topics := &logTopics{name: "db0/", byType: []*kafkaTopic{topic}, all: []*kafkaTopic{topic}}
	d := &kafkaDelivery{sink: &kafkaSink{o: &kafkaOptions{tombstones: true}, ops: opTexts()}, batch: b}
	return func() (int, error) {
		err := d.build(topics)
		return len(d.records), err
	}
}
