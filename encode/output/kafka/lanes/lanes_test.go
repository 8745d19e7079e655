package lanes

import (
	"errors"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/output/kafka/settings"
)

// TestTearWhileSending gives up what is under way at any time, also while the clients learn of the topic: each record is called back for.
func TestTearWhileSending(t *testing.T) {
	cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "pika"))
	o, err := settings.Parse(kafkatest.Brokers(cluster)+"/pika", nil)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := connect.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Unplug()
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
