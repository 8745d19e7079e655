package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/filter"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestExactlyOnce kills runs at random, each of which continues where the topic says that the last one has come to: in the end each
// event is there once.
func TestExactlyOnce(t *testing.T) {
	for seed := range sample.Count(uint64(4), 2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			cluster := kafkatest.Fake(t)
			rng := rand.New(rand.NewPCG(seed, 11))
			w := keyedLog(rng, 4000, 30)
			hangUp(cluster, rng)
			killUntilDone(t, rng, kafkatest.Brokers(cluster), "pika", w)
		})
	}
}

// killUntilDone runs a log into a topic, and kills the run several times.
func killUntilDone(t *testing.T, rng *rand.Rand, brokers, topic string, w *binlogtest.Writer) {
	t.Helper()
	log := sinktest.Find(t, written(t, w))[0]
	target := brokers + "/" + topic + "?exactly-once&create-topics&partitions=5&linger=0s&commit-interval=5ms&source=" + topic
	var last decode.Position
	for kills := 0; ; kills++ {
		to, err := openKafka(t, target, sink.Env{})
		if err != nil {
			t.Fatal(err)
		}
		mark := to.Found.Positions["db0"]
		if mark.Position.Before(last) || kills > 0 && mark.Position != (decode.Position{}) && mark.Fence == (decode.Fence{}) {
			t.Fatalf("position %+v, was %v", mark, last)
		}
		last = mark.Position
		result, err := encode.Run(t.Context(), fromMark(t, log, mark), mortalOf(to, rng, kills), encode.Options{Format: jsonl(t)})
		if err == nil && result.Committed[log.ID()] == w.Position() {
			if kills == 0 {
				t.Error("no run was killed")
			}
			break
		}
		if kills > 100 {
			t.Fatalf("no progress after %v: %v", last, err)
		}
	}
	checkOrder(t, w, kafkatest.Consume(t, brokers, topic))
}

// fromMark reads a log from a place on.
func fromMark(t *testing.T, log *binlog.Log, mark checkpoint.Mark) encode.Source {
	t.Helper()
	source := sinktest.PlanOf(t, log.Chunks(mark.Position, log.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16}))
	source.Marks = map[*decode.Log]checkpoint.Mark{log.ID(): mark}
	return source
}

// mortal is a sink whose process dies in front of a write, at which a number of batches is not acknowledged at most.
type mortal struct {
	sink.Sink
	left  int
	acked chan struct{}
	wait  int // for so many
}

// mortalOf makes a sink die. The first run dies before its first write: of all that is written nobody knows how many batches it comes in.
func mortalOf(to sink.Opened, rng *rand.Rand, kills int) sink.Opened {
	left := 1
	if kills > 0 {
		left = 1 + rng.IntN(30)
	}
	to.Sink = &mortal{Sink: to.Sink, left: left, acked: make(chan struct{}, left), wait: rng.IntN(left)}
	return to
}

func (m *mortal) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	m.left--
	switch {
	case m.left > 0:
		m.Sink.Write(ctx, b, func(err error) {
			done(err)
			m.acked <- struct{}{}
		})
		return
	case m.left == 0:
		for range m.wait {
			<-m.acked
		}
		kafka.Kill(m.Sink)
	}
	m.Sink.Write(ctx, b, done)
}

func (*mortal) Messages() {}

func (*mortal) Positions() map[string]checkpoint.Mark { return nil }

func (*mortal) Pass(*decode.Log, checkpoint.Mark) {}

func (*mortal) Begin(context.Context, map[*decode.Log]checkpoint.Mark) error { return nil }

// TestTransactionTimeout asks for more time than the brokers give, and is told so at once.
func TestTransactionTimeout(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	_, err := openKafka(t, kafkatest.Brokers(cluster)+"/pika?exactly-once&create-topics&transaction-timeout=2h", sink.Env{})
	if err == nil || !strings.Contains(err.Error(), "above the transaction.max.timeout.ms") {
		t.Errorf("got %v", err)
	}
}

// TestFences begins a second run for the source while the first one is at work: the brokers take nothing more from the first,
// which ends and says why.
func TestFences(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	w := keyedLog(rand.New(rand.NewPCG(3, 3)), 3000, 30)
	log := sinktest.Find(t, written(t, w))[0]
	target := kafkatest.Brokers(cluster) + "/pika?exactly-once&create-topics&partitions=3&linger=0s&commit-interval=1ms"
	first, err := openKafka(t, target, sink.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var second sink.Opened
	first.Sink = &interrupting{Sink: first.Sink, act: func() {
		if second, err = openKafka(t, target, sink.Env{}); err != nil {
			t.Error(err)
		}
	}}
	_, err = encode.Run(t.Context(), fromMark(t, log, checkpoint.Mark{}), first, encode.Options{Format: jsonl(t), Workers: 1})
	var sinkErr *sink.Error
	if !errors.As(err, &sinkErr) || !strings.Contains(err.Error(), "another pikabin writes for this source now") {
		t.Errorf("got %v", err)
	}
	mark := second.Found.Positions["db0"]
	if mark.Position == (decode.Position{}) || !mark.Position.Before(w.Position()) {
		t.Errorf("the second run begins at %v", mark.Position)
	}
	if _, err := encode.Run(t.Context(), fromMark(t, log, mark), second, encode.Options{Format: jsonl(t)}); err != nil {
		t.Error(err)
	}
	checkOrder(t, w, kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
}

// TestStandby opens a second run while the first one is at work: it waits, and takes over when that has ended.
func TestStandby(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	w := keyedLog(rand.New(rand.NewPCG(4, 4)), 1000, 30)
	log := sinktest.Find(t, written(t, w))[0]
	target := kafkatest.Brokers(cluster) + "/pika?exactly-once&standby&create-topics&partitions=3&linger=0s"
	first, err := openKafka(t, target, sink.Env{})
	if err != nil {
		t.Fatal(err)
	}
	type opened struct {
		to  sink.Opened
		err error
	}
	turn := make(chan opened, 1)
	var other *kfake.FaultHandle
	first.Sink = &interrupting{Sink: first.Sink, act: func() {
		// It has come to wait when it has joined the group.
		other = cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Group: "pikabin-pika", Observe: true, Count: -1})
		go func() {
			to, err := openKafka(t, target, sink.Env{})
			turn <- opened{to, err}
		}()
		if err := other.Wait(t.Context(), 1); err != nil {
			t.Error(err)
		}
	}}
	_, err = encode.Run(t.Context(), fromMark(t, log, checkpoint.Mark{}), first, encode.Options{Format: jsonl(t), Workers: 1})
	if err != nil {
		t.Fatalf("the first run was disturbed: %v", err)
	}
	second := <-turn
	if second.err != nil {
		t.Fatal(second.err)
	}
	if mark := second.to.Found.Positions["db0"]; mark.Position != w.Position() {
		t.Errorf("the second run begins at %v, want %v", mark.Position, w.Position())
	}
	if err := second.to.Sink.Close(t.Context()); err != nil {
		t.Error(err)
	}
	checkOrder(t, w, kafkatest.Consume(t, kafkatest.Brokers(cluster), "pika"))
}

// TestPositions begins a run while another source has left a transaction open in the partition of the positions, and after one of its
// own was aborted.
func TestPositions(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t, kfake.SeedTopics(1, "pika"))
	brokers := kafkatest.Brokers(cluster)
	kafkatest.MakeTopic(t, brokers, "pikabin-positions", 1, map[string]*string{"cleanup.policy": new("compact")})
	send := func(id, log string, segment int) *kgo.Client {
		c := kafkatest.Client(t, brokers, kgo.TransactionalID(id), kgo.DefaultProduceTopic("pikabin-positions"))
		position := fmt.Appendf(nil, `{"position":"%d:0"}`, segment)
		err := errors.Join(c.BeginTransaction(), c.ProduceSync(t.Context(), &kgo.Record{Key: []byte(log), Value: position}).FirstErr())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ended := func(c *kgo.Client, how kgo.TransactionEndTry) {
		if err := c.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	send("pikabin-other", "other/db0", 1)
	ended(send("pikabin-pika", "pika/db0", 2), kgo.TryCommit)
	ended(send("pikabin-pika", "pika/db0", 3), kgo.TryAbort)
	ended(send("pikabin-pika", "pika/db1", 4), kgo.TryAbort)
	send("pikabin-pika", "pika/db0", 5)
	to, err := openKafka(t, brokers+"/pika?exactly-once&start-timeout=20s", sink.Env{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]checkpoint.Mark{"db0": {Position: decode.Position{Segment: 2}}}
	if diff := cmp.Diff(want, to.Found.Positions); diff != "" {
		t.Errorf("positions: -want +got:\n%s", diff)
	}
	if err := to.Sink.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPassed reads a log of which no event is wanted: the position moves all the same.
func TestPassed(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	w := keyedLog(rand.New(rand.NewPCG(5, 5)), 500, 10)
	log := sinktest.Find(t, written(t, w))[0]
	target := kafkatest.Brokers(cluster) + "/pika?exactly-once&create-topics"
	to, err := openKafka(t, target, sink.Env{})
	if err != nil {
		t.Fatal(err)
	}
	o := encode.Options{Format: jsonl(t), Filter: filter.Filter{Keys: []string{"of nobody"}}}
	if _, err := encode.Run(t.Context(), fromMark(t, log, checkpoint.Mark{}), to, o); err != nil {
		t.Fatal(err)
	}
	if to, err = openKafka(t, target, sink.Env{}); err != nil {
		t.Fatal(err)
	}
	if mark := to.Found.Positions["db0"]; mark.Position != w.Position() || mark.Fence == (decode.Fence{}) {
		t.Errorf("the next run begins at %+v, want %v", mark, w.Position())
	}
	if err := to.Sink.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestClaimFenced begins a run that another one overtakes at once: it says so, and does not try again.
func TestClaimFenced(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	cluster.ControlKey(int16(kmsg.EndTxn), func(request kmsg.Request) (kmsg.Response, error, bool) {
		response := request.ResponseKind().(*kmsg.EndTxnResponse)
		response.ErrorCode = kerr.ProducerFenced.Code
		return response, nil, true
	})
	_, err := openKafka(t, kafkatest.Brokers(cluster)+"/pika?exactly-once&create-topics", sink.Env{})
	if err == nil || !strings.Contains(err.Error(), "another pikabin writes for this source now") {
		t.Errorf("got %v", err)
	}
}

// TestStandbyBarred stands by without the right to the group.
func TestStandbyBarred(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	cluster.ControlKey(int16(kmsg.JoinGroup), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		response := request.ResponseKind().(*kmsg.JoinGroupResponse)
		response.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return response, nil, true
	})
	_, err := openKafka(t, kafkatest.Brokers(cluster)+"/pika?exactly-once&standby&create-topics", sink.Env{})
	if err == nil || !strings.Contains(err.Error(), "the right to read the group") {
		t.Errorf("got %v", err)
	}
}

// TestPositionsTopic has the topic of positions made by somebody: one that forgets positions is refused, and partitions that are added
// later hide none.
func TestPositionsTopic(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Fake(t)
	brokers := kafkatest.Brokers(cluster)
	kafkatest.MakeTopic(t, brokers, "pikabin-positions", 1, map[string]*string{"cleanup.policy": new("compact,delete")})
	target := brokers + "/pika?exactly-once&create-topics&positions-topic="
	_, err := openKafka(t, target+"pikabin-positions", sink.Env{})
	if err == nil || !strings.Contains(err.Error(), "set its cleanup.policy to compact") {
		t.Errorf("got %v", err)
	}
	kafkatest.MakeTopic(t, brokers, "positions", 1, map[string]*string{"cleanup.policy": new("compact")})
	for _, partitions := range []int{1, 7} {
		if partitions > 1 {
			if _, err := kafkatest.Admin(t, brokers).UpdatePartitions(t.Context(), partitions, "positions"); err != nil {
				t.Fatal(err)
			}
		}
		to, err := openKafka(t, target+"positions", sink.Env{})
		if err != nil {
			t.Fatal(err)
		}
		mark := to.Found.Positions["db0"]
		if want := int64(4096) * int64(min(partitions-1, 1)); mark.Position.Offset != want {
			t.Errorf("with %d partitions the position is %v", partitions, mark.Position)
		}
		at := map[*decode.Log]checkpoint.Mark{{DB: "db0", Slot: -1}: {Position: decode.Position{Offset: 4096}}}
		if err := errors.Join(to.Sink.(sink.Transactional).Begin(t.Context(), at), to.Sink.Close(t.Context())); err != nil {
			t.Error(err)
		}
	}
}
