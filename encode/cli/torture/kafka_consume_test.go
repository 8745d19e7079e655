//go:build kafka && unix

package torture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/cli/clitest"
)

var tortureKcat = flag.Bool("torture.kcat", false, "read the topics with kcat instead of the client that pikabin has, too")

// consumeAll hands all that is committed in a topic to take, each partition in its order.
type consumeAll func(t *testing.T, brokers, topic string, take func(topic string, c *consumed)) error

func chosenConsumer() consumeAll {
	if *tortureKcat {
		return consumeWithKcat
	}
	return consumeWithClient
}

// committedEnds waits until no transaction is open, also of those that were committed a moment ago, and returns the ends.
func committedEnds(t *testing.T, client *kgo.Client, topic string) map[int32]int64 {
	t.Helper()
	admin := kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(t.Context(), clitest.Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		committed, errCommitted := admin.ListCommittedOffsets(ctx, topic)
		ends, errEnds := admin.ListEndOffsets(ctx, topic)
		settled, offsets := errCommitted == nil && errEnds == nil && len(ends[topic]) > 0, map[int32]int64{}
		for p, end := range ends[topic] {
			settled = settled && end.Err == nil && committed[topic][p].Err == nil && committed[topic][p].Offset == end.Offset
			offsets[p] = end.Offset
		}
		if settled {
			return offsets
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: a transaction stays open: committed %v (%v), end %v (%v)", topic, committed[topic], errCommitted, ends[topic], errEnds)
		}
	}
}

func newConsumer(t *testing.T, brokers string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(strings.Split(brokers, ",")...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// consumeWithKcat reads with librdkafka.
func consumeWithKcat(t *testing.T, brokers, topic string, take func(topic string, c *consumed)) error {
	t.Helper()
	committedEnds(t, newConsumer(t, brokers), topic)
	cmd := exec.CommandContext(t.Context(), "kcat", "-C", "-q", "-e", "-J", "-b", brokers, "-t", topic, "-o", "beginning",
		"-X", "isolation.level=read_committed", "-X", "check.crcs=true")
	var says bytes.Buffer
	cmd.Stderr = &says
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	in := json.NewDecoder(bufio.NewReaderSize(stdout, 1<<20))
	for {
		var c consumed
		if err := in.Decode(&c); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("what kcat prints: %w", err)
		}
		take(topic, &c)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("kcat: %w: %s", err, &says)
	}
	return nil
}

// consumeWithClient reads with the client that pikabin has, too.
func consumeWithClient(t *testing.T, brokers, topic string, take func(topic string, c *consumed)) error {
	t.Helper()
	left := committedEnds(t, newConsumer(t, brokers), topic)
	offsets := map[int32]kgo.Offset{}
	for p, end := range left {
		if offsets[p] = kgo.NewOffset().AtStart(); end == 0 {
			delete(left, p)
		}
	}
	reader := newConsumer(t, brokers, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	ctx, cancel := context.WithTimeout(t.Context(), clitest.Patience)
	defer cancel()
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				take(topic, fromClient(r))
			}
			if r.Offset+1 == left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return nil
}

func fromClient(r *kgo.Record) *consumed {
	c := consumed{Partition: r.Partition}
	for _, h := range r.Headers {
		c.Headers = append(c.Headers, h.Key, string(h.Value))
	}
	text := func(b []byte) *string {
		if b == nil {
			return nil
		}
		s := string(b)
		return &s
	}
	c.Key, c.Payload = text(r.Key), text(r.Value)
	return &c
}
