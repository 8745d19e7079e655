package kafka

import (
	"math"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/sink"
)

// KeyHash is for tests.
var KeyHash = keyHash

// Kill ends the connections of the sink, as the death of the process does: nothing is committed or given back.
func Kill(s sink.Sink) { s.(exactly).client.Close() }

// NewZstdBatches is for tests.
func NewZstdBatches() kgo.Compressor { return &zstdBatches{} }

// Records gives a function that makes the records of a batch for one topic, and says how many they are.
func Records(b *sink.Batch) func() (int, error) {
	one := &topic{name: "t", limit: math.MaxInt, byKey: keyHash()}
	one.found(12)
	topics := &logTopics{name: "db0/", byType: []*topic{one}, all: []*topic{one}}
	d := &delivery{sink: &producer{o: &options{tombstones: true}, ops: opTexts()}, batch: b}
	return func() (int, error) {
		err := d.build(topics)
		return len(d.records), err
	}
}
