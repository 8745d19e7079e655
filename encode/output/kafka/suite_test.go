package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"pikabin/encode/output/kafka"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sinktest"
)

// TestSuite is what every output has to do.
func TestSuite(t *testing.T) {
	sinktest.Suite{Type: kafka.Type, Elsewhere: func(t *testing.T) (string, func() []byte) {
		t.Helper()
		brokers := kafkatest.Brokers(kafkatest.Fake(t, kfake.SeedTopics(1, "pika")))
		return "kafka://" + brokers + "/pika", func() (all []byte) {
			for _, r := range kafkatest.Consume(t, brokers, "pika")[0] {
				all = append(all, r.Value...)
			}
			return all
		}
	}}.Run(t)
}
