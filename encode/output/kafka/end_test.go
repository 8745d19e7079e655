package kafka_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// deaf makes brokers close the connection at each produce request after the first n.
func deaf(cluster *kfake.Cluster, n int) (reached <-chan struct{}) {
	at := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if n--; n >= 0 {
			return nil, nil, false
		}
		if n == -1 {
			close(at)
		}
		return nil, errors.New("the broker hangs up"), true
	})
	return at
}

// TestEnds tells a run to end while the brokers take nothing: it ends after close-timeout, and commits only what is in the
// topic.
func TestEnds(t *testing.T) {
	w := keyedLog(rand.New(rand.NewPCG(9, 9)), 4000, 20)
	dir := written(t, w)
	errStop := errors.New("stop")
	for name, byContext := range map[string]bool{"by Stop": false, "by the context": true} {
		for size, buffer := range map[string]string{"all is written": "", "a write blocks": "&buffer=100000"} {
			t.Run(name+", "+size, func(t *testing.T) {
				t.Parallel()
				cluster := kafkatest.Fake(t, kfake.SeedTopics(3, "pika"))
				reached := deaf(cluster, 1)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				stop, cancelStop := context.WithCancel(ctx)
				go func() {
					<-reached
					if byContext {
						cancel(errStop)
					} else {
						cancelStop()
					}
				}()
				o := sink.Env{Stop: stop.Done()}
				to, err := openKafka(t, kafkatest.Brokers(cluster)+"/pika?linger=0s&close-timeout=200ms"+buffer, o)
				if err != nil {
					t.Fatal(err)
				}
				if to.Traits.Drain <= 3*200*time.Millisecond {
					t.Error("close-timeout is cut short")
				}
				began := time.Now()
				result, err := encode.Run(ctx, sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), to, encode.Options{Format: jsonl(t)})
				if err == nil || !strings.Contains(err.Error(), "was not acknowledged within 200ms") && !errors.Is(err, errStop) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("took %v", took)
				}
				checkCommitted(t, w, result.Committed[result.Logs[0]], kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
			})
		}
	}
}
