package lanes

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
)

// TestTearWhileSending gives up what is under way at any time, also while the clients learn of the topic: each record is called back for.
func TestTearWhileSending(t *testing.T) {
	cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "pika"))
	o, err := settings.Parse(kafkatest.Brokers(cluster)+"/pika", nil)
	if err != nil {
		t.Fatal(err)
	}
	wire := dial(t, o)
	for round := range 100 {
		g := &generation{line: wire.Line()}
		client, err := kgo.NewClient(append(g.line.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		g.clients = []*kgo.Client{client}
		tearAt(t, g, 10*round)
		g.close()
	}
}

// tearAt sends records, and tears the clients somewhere after one of them.
func tearAt(t *testing.T, g *generation, at int) {
	t.Helper()
	records := make([]kgo.Record, 2000)
	var all, tearing sync.WaitGroup
	all.Add(len(records))
	promise := func(_ *kgo.Record, err error) {
		if err != nil && !errors.Is(err, kgo.ErrAborting) {
			t.Error(err)
		}
		all.Done()
	}
	for i := range records {
		records[i] = kgo.Record{Topic: "pika", Partition: int32(i % 3), Value: []byte("v")}
		if i == at {
			tearing.Go(g.tear)
		}
		g.send(t.Context(), &records[i], promise)
	}
	tearing.Wait()
	all.Wait()
	if left := g.clients[0].BufferedProduceRecords(); left > 0 {
		t.Errorf("torn after %d records: the client has %d of them still", at, left)
	}
}

func dial(t *testing.T, o *settings.Options) *connect.Wire {
	t.Helper()
	wire, err := connect.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Unplug)
	return wire
}

// TestAskWhileTorn asks for the topics of a DB while what was sent for another one is given up: an answer that waited for the clients
// that send would never come, since who asks keeps them from being replaced.
func TestAskWhileTorn(t *testing.T) {
	cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "pika"))
	o, err := settings.Parse(kafkatest.Brokers(cluster)+"/pika", nil)
	if err != nil {
		t.Fatal(err)
	}
	wire := dial(t, o)
	k, err := topics.Open(wire, o, "jsonl", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	l, err := Open(wire, o, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Tear()()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it fails by this, and not by the clock of all tests
	defer cancel()
	if present, err := k.Present(ctx, []string{"pika"}); err != nil || present.Topics["pika"].Partitions != 3 {
		t.Errorf("topics %+v: %v", present, err)
	}
}
