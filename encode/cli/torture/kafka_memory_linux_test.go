package torture

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/cli/clitest"
)

// TestStalledKafkaMemory: while the brokers answer nothing that is sent, reading stops, though the server writes many times --memory.
// Nothing is lost by it.
func TestStalledKafkaMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes much, and TestTorture runs the same goroutines")
	}
	const memory, buffer, times = 16 << 20, 8 << 20, 4
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "pika"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	answer := make(chan struct{})
	asked := make(chan struct{}, 1)
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		select {
		case asked <- struct{}{}:
		default:
		}
		cluster.SleepControl(func() { <-answer })
		return nil, nil, false
	})
	dir := t.TempDir()
	log, journal := filepath.Join(dir, "log"), filepath.Join(dir, "journal")
	w := process.Start(t, log, "--journal", journal, "--value-size", "1000..20000", "--rate", "1e9", "--segment-size", "20000000")
	output := "kafka://" + strings.Join(cluster.ListenAddrs(), ",") + "/pika?buffer=" + strconv.Itoa(buffer)
	p := clitest.Start(t, nil, "tail", log, "--from", "start", "--memory", strconv.Itoa(memory), "-o", output, "--idle-exit", "300ms")
	<-asked
	at := w.Do("position")
	p.Until("the writer's bytes", func() bool {
		now := w.Do("position")
		return int64(now.Segment-at.Segment)*20_000_000+now.Offset-at.Offset > times*memory
	})
	t.Logf("stalled memory: %d MiB with --memory of %d MiB and a buffer of %d MiB", checkMemory(t, p, memory+buffer)>>20, memory>>20, buffer>>20)
	w.Quit()
	close(answer)
	p.Exits(0)
	c, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("pika"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := account{history: readHistory(t, journal, log), next: map[string]int{}}
	for a.records < a.history.records() {
		fetches := c.PollFetches(t.Context())
		err := fetches.Err()
		for _, r := range fetches.Records() {
			err = errors.Join(err, a.take(r.Value))
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, &p.Messages)
		}
	}
}
