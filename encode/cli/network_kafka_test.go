//go:build unix

package cli_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"pikabin/decode"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/output/kafka/kafkatest"
)

// TestNetworkKafkaKilled kills a run from a server into Kafka again and again with -9, and the server as well, while the log grows: with exactly-once
// each record of the log is there once, and those of a partition are in its order.
func TestNetworkKafkaKilled(t *testing.T) {
	t.Parallel()
	const partitions = 3
	g := newGrowing(t)
	brokers, topic := kafkatest.Brokers(kafkatest.Fake(t)), kafkatest.NewTopic(t)
	admin := kafkatest.Admin(t, brokers)
	args := []string{
		"tail", g.address, "--from", "start", "--exactly-once", "--create-topics", "--state", filepath.Join(t.TempDir(), "state"),
		"-o", fmt.Sprintf("kafka://%s/%s?partitions=%d&commit-interval=20ms", brokers, topic, partitions),
	}
	random := rand.New(rand.NewPCG(11, 7))
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	stop := g.grow(t)
	for range rounds {
		g.put(t, 200)
		p := clitest.Start(t, nil, args...)
		grows(t.Context(), p, admin, topic)
		if random.IntN(2) == 0 {
			g.Kill(false)
			g.put(t, 100)
			grows(t.Context(), p, admin, topic)
		}
		p.Kill()
	}
	stop()
	args[0] = "convert" // to the end
	clitest.Start(t, nil, args...).Exits(0)
	seen := map[string]bool{}
	for _, records := range kafkatest.Consume(t, brokers, topic) {
		var last decode.Position
		for i, r := range records {
			name := kafkatest.Header(r, "pikabin-position")
			at, err := decode.ParsePosition(strings.TrimPrefix(name, "db0/"))
			if err != nil || seen[name] || i > 0 && !last.Before(at) {
				t.Fatalf("%q after %v: it was there before: %v; %v", name, last, seen[name], err)
			}
			seen[name], last = true, at
		}
	}
	if want := strings.Count(string(runs(t, "convert", g.dir)), "\n"); len(seen) != want {
		t.Errorf("%d records in Kafka, want %d", len(seen), want)
	}
}

// grows waits until more has been committed in a topic.
func grows(ctx context.Context, p *clitest.Program, admin *kadm.Client, topic string) {
	committed := func() (n int64) {
		ends, err := admin.ListCommittedOffsets(ctx, topic)
		if err == nil {
			ends.Each(func(o kadm.ListedOffset) { n += max(o.Offset, 0) })
		}
		return n
	}
	before := committed()
	p.Until("events in the topic", func() bool { return committed() > before })
}
