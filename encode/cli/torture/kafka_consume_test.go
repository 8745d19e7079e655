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
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/cli/clitest"
	"pikabin/encode/output/kafka/kafkatest"
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

// consumeWithKcat reads with librdkafka.
func consumeWithKcat(t *testing.T, brokers, topic string, take func(topic string, c *consumed)) error {
	t.Helper()
	kafkatest.Ends(t, kafkatest.Admin(t, brokers), topic, clitest.Patience)
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
	left := kafkatest.Ends(t, kafkatest.Admin(t, brokers), topic, clitest.Patience)
	offsets := map[int32]kgo.Offset{}
	for p, end := range left {
		if offsets[p] = kgo.NewOffset().AtStart(); end == 0 {
			delete(left, p)
		}
	}
	reader := kafkatest.Client(t, brokers, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
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
