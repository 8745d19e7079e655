// Package lanes sends records: by one client or several, each of which has some of the partitions.
package lanes

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
)

// unknownTopicTries is how many answers in a row have to say that a topic is gone before that is believed: brokers that
// have just come up do not know all topics yet.
const unknownTopicTries = 20

// requestTimeout is for how long a request is tried. One that commits is tried for as long as it may succeed.
const requestTimeout = 30 * time.Second

// Lanes are the clients that send. Each partition belongs to one of them, which keeps its order.
type Lanes struct {
	wire    *connect.Wire
	o       *settings.Options
	topics  *topics.Topics
	written Written

	mu  sync.RWMutex
	now *generation
}

// generation is the clients between two times that they are replaced.
type generation struct {
	line    *connect.Line
	clients []*kgo.Client // number i sends to the partitions p of which p modulo their number is i

	mu   sync.RWMutex
	torn bool // what is under way is given up, and nothing more is taken
}

// Written is told of each batch that a topic has taken, from any goroutine.
type Written func(topic string, batch kgo.ProduceBatchMetrics)

// OnProduceBatchWritten implements kgo.HookProduceBatchWritten.
func (w Written) OnProduceBatchWritten(_ kgo.BrokerMetadata, topic string, _ int32, batch kgo.ProduceBatchMetrics) {
	w(topic, batch)
}

// Open makes the clients, which ask for nothing yet.
func Open(wire *connect.Wire, o *settings.Options, k *topics.Topics, written Written) (*Lanes, error) {
	l := &Lanes{wire: wire, o: o, topics: k, written: written}
	return l, l.open()
}

// Reopen replaces the clients, which have nothing under way, by others that take the topics as they are now.
func (l *Lanes) Reopen() error {
	l.Close()
	return l.open()
}

func (l *Lanes) open() error {
	g := &generation{line: l.wire.Line()}
	opts := slices.Concat(g.line.Options(), options(l.o, l.topics), []kgo.Opt{kgo.WithHooks(l.written)})
	for lane := range topics.Lanes(l.o) {
		client, err := kgo.NewClient(append(slices.Clip(opts), kgo.RecordPartitioner(l.topics.Partitioner(lane)))...)
		if err != nil {
			g.close()
			return err
		}
		g.clients = append(g.clients, client)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = g
	return nil
}

func options(o *settings.Options, k *topics.Topics) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ProducerBatchMaxBytesFn(k.BatchBytes),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.StopProducerOnDataLossDetected(),
		batchCompression(o.Compression), kgo.ProducerLinger(o.Linger),
		kgo.MaxBufferedRecords(math.MaxInt32), // the budget bounds them
		kgo.UnknownTopicRetries(unknownTopicTries), kgo.MetadataMaxAge(10 * time.Second),
	}
	if o.ExactlyOnce {
		opts = append(opts, kgo.TransactionalID("pikabin-"+o.Source), kgo.TransactionTimeout(o.TransactionTimeout),
			kgo.RetryTimeout(max(o.TransactionTimeout, requestTimeout)), kgo.RequestRetries(math.MaxInt32))
	}
	return opts
}

func (l *Lanes) current() *generation {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.now
}

// First is the only client where all is in its transactions.
func (l *Lanes) First() *kgo.Client { return l.current().clients[0] }

// Send hands records to the clients, which call back for each of them.
func (l *Lanes) Send(ctx context.Context, records []kgo.Record, promise func(*kgo.Record, error)) {
	g := l.current()
	for i := range records {
		g.send(ctx, &records[i], promise)
	}
}

// SendAll sends records and waits for them. It ends the connections at the first error: what comes after it in a partition would wait
// for ever once the brokers have refused a batch.
func (l *Lanes) SendAll(ctx context.Context, records ...*kgo.Record) error {
	var all sync.WaitGroup
	ends, g := make(chan error, len(records)), l.current()
	all.Add(len(records))
	for _, r := range records {
		g.send(ctx, r, func(_ *kgo.Record, err error) {
			ends <- err
			all.Done()
		})
	}
	for range records {
		if err := <-ends; err != nil {
			g.tear()
			all.Wait()
			return err
		}
	}
	return nil
}

// Flush waits until nothing is under way.
func (l *Lanes) Flush(ctx context.Context) error {
	for _, client := range l.current().clients {
		if err := client.Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Busy reports whether something is under way.
func (l *Lanes) Busy() bool {
	return slices.ContainsFunc(l.current().clients, func(client *kgo.Client) bool { return client.BufferedProduceRecords() > 0 })
}

// Tear gives a function that ends the connections of the clients of now, so that nothing more reaches the brokers, and gives up what
// is under way. The clients take no more records.
func (l *Lanes) Tear() func() { return l.current().tear }

// Abort gives up what is under way. The clients take no more records.
func (l *Lanes) Abort() { l.current().abort() }

// Close ends the clients.
func (l *Lanes) Close() { l.current().close() }

// send hands a record to its client, which calls back later. Once the clients are torn it calls back itself, at once.
func (g *generation) send(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	if !g.take(ctx, r, promise) {
		promise(r, kgo.ErrAborting)
	}
}

// take reports whether a client has the record. No client is given records once what it had was given up: franz-go forgets a topic
// whose partitions it did not know then, and a later record may come to partitions that the client gives up no more.
func (g *generation) take(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if !g.torn {
		g.clients[int(r.Partition)%len(g.clients)].Produce(ctx, r, promise)
	}
	return !g.torn
}

func (g *generation) tear() {
	g.line.Cut()
	g.abort()
}

// abort gives up all that the clients hold. A record that waits for its topic to be known may escape the first attempt.
func (g *generation) abort() {
	g.mu.Lock()
	g.torn = true
	g.mu.Unlock()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for _, client := range g.clients {
		for client.UnsafeAbortBufferedRecords(); client.BufferedProduceRecords() > 0; client.UnsafeAbortBufferedRecords() {
			<-again.C
		}
	}
}

func (g *generation) close() {
	for _, client := range g.clients {
		client.Close()
	}
	g.line.Cut()
}
