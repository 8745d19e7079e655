package reading

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/kafkatest"
)

// deaf is a client of a broker that takes connections and answers nothing.
func deaf(t *testing.T) *kgo.Client {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	client, err := kgo.NewClient(kgo.SeedBrokers(listener.Addr().String()), kgo.ConsumeTopics("topic"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestStandingStill: a client to which nothing comes is given up, and the next one continues where it was. Where nothing ever comes that is said.
func TestStandingStill(t *testing.T) {
	brokers := kafkatest.Brokers(kafkatest.Fake(t))
	kafkatest.MakeTopic(t, brokers, "topic", 1, nil)
	for i := range 3 {
		if err := kafkatest.Client(t, brokers).ProduceSync(t.Context(), &kgo.Record{Topic: "topic", Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	topics, err := Open(t.Context(), Scheme+brokers+"/topic")
	if err != nil {
		t.Fatal(err)
	}
	defer topics.Close()
	p := topics.Partitions[0]
	p.begin = 1
	r, err := topics.Records(p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { r.Close() }()
	replace := func(wait time.Duration) {
		r.client.Close()
		r.client, topics.wait = deaf(t), wait
	}
	replace(patience * time.Second)
	for want := int64(1); want < 3; want++ {
		got, err := r.Next(t.Context())
		if err != nil || got.Offset != want || string(got.Value) != strconv.FormatInt(want, 10) {
			t.Fatalf("%+v, %v, want offset %d", got, err, want)
		}
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	r.p.end = 4
	replace(patience * time.Millisecond)
	if _, err := r.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "ends at offset 4, and nothing came from offset 3 for 3ms (option start-timeout)") {
		t.Error(err)
	}
}
