// Package kafka sends each change to a Kafka topic.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/budget"
	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "kafka",
	Form:      "kafka://HOST:PORT[,HOST:PORT]/TOPIC",
	Doc:       "a Kafka topic; {db} and {type} in its name are those of the event",
	Delivered: "acknowledged by all in-sync replicas",
	Crash:     "at least once, in order for each key; once with the option exactly-once",
	Matches:   func(target string) bool { return strings.HasPrefix(target, scheme) },
	Settings:  true,
	Open:      open,
}

// unknownTopicTries is how many answers in a row have to say that a topic is gone before that is believed: brokers that
// have just come up do not know all topics yet.
const unknownTopicTries = 20

// requestTimeout is for how long a request is tried. One that commits is tried for as long as it may succeed.
const requestTimeout = 30 * time.Second

// producer sends each change as a record. A batch is done when all its records are acknowledged by all in-sync replicas.
type producer struct {
	o           *options
	client      *kgo.Client // the first of the lanes
	lanes       lanes
	topics      *topics
	trouble     *trouble
	disk        *disk.Disk
	warn        func(string)
	waits       func(error)
	oversized   *oversized
	ops         [][]byte
	contentType []byte
	source      []byte // the option, as a header

	anyPosition bool // positions that cannot be read are about to be replaced

	lease  *lease         // nil without standby
	tx     *transactions  // nil without exactly-once
	budget *budget.Budget // bytes that are not acknowledged
	seq    uint64
	free   sync.Pool

	life       context.Context //nolint:containedctx // ends when the sink fails, whoever waits in it
	end        context.CancelCauseFunc
	wire       context.Context //nolint:containedctx // ends when the connections are to be closed
	unplug     context.CancelFunc
	writing    sync.Mutex
	deliveries sync.WaitGroup
	background sync.WaitGroup
	closing    chan struct{} // closed when the watch is to end
	hurried    chan struct{} // receives when the run has been told to end
	gone       chan error    // receives the failure

	acked      atomic.Int64 // records
	committing atomic.Bool

	mu      sync.Mutex
	failure error
}

// What a run asks a sink for by its type: without a method it would go on as with any other.
var (
	_ sink.Messenger  = (*producer)(nil)
	_ sink.Watched    = (*producer)(nil)
	_ sink.Ending     = (*producer)(nil)
	_ sink.Positioner = exactly{}
	_ sink.Noter      = (*producer)(nil)
)

func open(o sink.Options) (sink.Sink, error) {
	options, err := parse(o.Target, o.Settings)
	if err == nil && o.Compressed {
		err = errors.New("--compress is for files: the option compression is Kafka's own")
	}
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	s, err := newProducer(options, o)
	if err != nil {
		return nil, err
	}
	if options.exactlyOnce {
		return exactly{s}, nil
	}
	return s, nil
}

func newProducer(options *options, o sink.Options) (*producer, error) {
	s, err := connect(options, &o)
	if err != nil {
		return nil, err
	}
	if s.oversized, err = openOversized(s.life, options, s.disk, &o); err == nil {
		err = s.start(o)
	}
	if err != nil {
		s.closeClients()
		return nil, err
	}
	s.background.Go(func() { s.watch(o.Stop) })
	if s.tx != nil {
		s.background.Go(s.commitEach)
	}
	return s, nil
}

// connect makes the clients, which ask for nothing yet.
func connect(options *options, o *sink.Options) (*producer, error) {
	disk := disk.New(o)
	s := &producer{
		o: options, disk: disk, warn: disk.Warn, waits: disk.Waits, trouble: &trouble{}, ops: opTexts(), contentType: []byte(o.ContentType), source: []byte(options.source),
		budget: budget.New(options.buffer), closing: make(chan struct{}), hurried: make(chan struct{}, 1), gone: make(chan error, 1),
	}
	s.topics = &topics{
		o: options, warn: s.warn, onChanged: s.repartitioned,
		byName: map[string]*topic{}, byLog: map[*decode.Log]*logTopics{}, format: o.Format,
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	s.wire, s.unplug = context.WithCancel(context.Background())
	if err := s.openLanes(); err != nil {
		return nil, err
	}
	s.topics.admin = kadm.NewClient(s.client)
	return s, nil
}

// start finds the topics, which also shows that the brokers are there and take us.
func (s *producer) start(o sink.Options) error {
	if s.o.security.inClear() {
		s.warn(fmt.Sprintf("kafka: sasl=%s without tls shows the secret to who listens on the network", s.o.security.mechanism))
	}
	ctx, cancel := context.WithCancelCause(s.life)
	defer cancel(nil)
	if o.Stop != nil {
		go func() {
			select {
			case <-o.Stop:
				cancel(sink.ErrStopped)
				s.unplug()
			case <-ctx.Done():
			}
		}()
	}
	standsBy := o.StandsBy
	if standsBy == nil {
		standsBy = func(bool) {}
	}
	err := s.topics.remember(o.Note)
	if err == nil {
		err = s.inTime(ctx, func(ctx context.Context) error { return s.topics.start(ctx, &o) })
	}
	if err == nil && s.o.standby {
		err = s.standBy(ctx, standsBy)
	}
	if err == nil && s.o.exactlyOnce {
		err = s.inTime(ctx, s.claim)
	}
	if err == nil {
		err = s.inTime(ctx, func(ctx context.Context) error { return s.topics.settle(ctx, o.DBs) })
	}
	if errors.Is(context.Cause(ctx), sink.ErrStopped) { // the connections are gone, whatever was reached
		return &sink.StoppedError{Err: fmt.Errorf("kafka: %w", cmp.Or(err, sink.ErrStopped))}
	}
	if err != nil {
		return fmt.Errorf("kafka: %w", explained(err))
	}
	return nil
}

// inTime gives a step of the start as long as it may take.
func (s *producer) inTime(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.startTimeout)
	defer cancel()
	return step(ctx)
}

func (s *producer) clientOptions() ([]kgo.Opt, error) {
	base, err := s.clientBase()
	if err != nil {
		return nil, err
	}
	if s.o.exactlyOnce {
		base = append(base, kgo.TransactionalID("pikabin-"+s.o.source), kgo.TransactionTimeout(s.o.transactionTimeout),
			kgo.RetryTimeout(max(s.o.transactionTimeout, requestTimeout)), kgo.RequestRetries(math.MaxInt32))
	}
	return append(base,
		kgo.ProducerBatchMaxBytesFn(s.topics.batchBytes),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.StopProducerOnDataLossDetected(),
		batchCompression(s.o.compression), kgo.ProducerLinger(s.o.linger),
		kgo.MaxBufferedRecords(math.MaxInt32), // the budget bounds them
		kgo.UnknownTopicRetries(unknownTopicTries), kgo.MetadataMaxAge(10*time.Second), kgo.MetadataMinAge(250*time.Millisecond),
	), nil
}

// Gone implements Watched: a run to which nothing comes ends, too, when the brokers are not there for it any more.
func (s *producer) Gone() <-chan error { return s.gone }

// Messages implements Messenger.
func (*producer) Messages() {}

// EndsInTime implements Ending: the time is the option close-timeout.
func (*producer) EndsInTime() {}

// Write implements Sink. It blocks while as many bytes wait for the brokers as the option buffer allows.
func (s *producer) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.failed(); err != nil {
		done(err)
		return
	}
	ctx, release := s.outlast(ctx)
	defer release()
	d := s.get(b, done)
	if err := s.begin(ctx, d); err != nil {
		s.fail(err)
		d.cost = 0
		s.stop(ctx, d, err)
		return
	}
	if err := s.budget.Acquire(ctx, d.seq, d.cost); err != nil {
		d.cost = 0
		s.stop(ctx, d, err)
		return
	}
	topics, err := s.topics.of(ctx, b.Log)
	if err == nil {
		err = d.build(topics)
	}
	if err == nil || s.tx == nil {
		d.send(context.WithoutCancel(ctx))
	}
	if err != nil {
		s.stop(ctx, d, err)
		return
	}
	s.tx.add(d)
	d.finish()
}

// outlast makes a context for what continues when ctx ends: then the rest is delivered as far as close-timeout allows. It ends
// when the sink fails.
func (s *producer) outlast(ctx context.Context) (context.Context, func()) {
	hurry := context.AfterFunc(ctx, s.hurry)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	failed := context.AfterFunc(s.life, func() { cancel(context.Cause(s.life)) })
	return ctx, func() {
		hurry()
		failed()
		cancel(nil)
	}
}

// stop ends the run at what cannot be sent, once all that comes before it has been acknowledged. In a transaction that is all
// before the batch: the events of a part of it would be there without their position.
func (s *producer) stop(ctx context.Context, d *delivery, err error) {
	switch {
	case s.failed() != nil:
	case s.tx != nil:
		err = errors.Join(err, s.commitLocked(ctx))
	default:
		s.lanes.flush(ctx) //nolint:gosec // what fails is told to the records
	}
	s.fail(explained(err))
	d.refused.Store(true)
	d.finish()
}

// Close implements Sink.
func (s *producer) Close(ctx context.Context) error {
	ctx, release := s.outlast(ctx)
	defer release()
	err := s.lanes.flush(ctx)
	if err == nil {
		err = s.commit(ctx)
	}
	if err != nil {
		s.fail(err)
	}
	s.deliveries.Wait()
	close(s.closing)
	s.background.Wait()
	s.abort(ctx)
	s.closeClients()
	s.end(nil)
	if err := s.oversized.close(); err != nil {
		s.fail(err)
	}
	return s.failed()
}

// closeClients gives back the lease, which another run may wait for, and ends the connections.
func (s *producer) closeClients() {
	defer time.AfterFunc(s.o.closeTimeout, s.unplug).Stop()
	s.lease.close()
	s.unplug()
	s.lanes.close()
}

// get begins the delivery of a batch.
func (s *producer) get(b *sink.Batch, done func(error)) *delivery {
	d, ok := s.free.Get().(*delivery)
	if !ok {
		d = &delivery{sink: s}
		d.promise = d.acked
	}
	d.batch, d.done, d.seq, d.cost = b, done, s.seq, b.Footprint()
	d.left.Store(1)
	d.refused.Store(false)
	s.seq++
	s.deliveries.Add(1)
	return d
}

// put ends the delivery of a batch, which belongs to others by now.
func (s *producer) put(d *delivery) {
	s.budget.Release(d.seq, d.cost)
	clear(d.records)
	d.batch, d.done = nil, nil
	s.free.Put(d)
	s.deliveries.Done()
}

// copies is the number of records that an event without a key becomes.
func (s *producer) copies(topics *logTopics) int {
	n := 0
	for _, t := range topics.all {
		n += int(s.partitions(t))
	}
	return n
}

// buries reports whether a null value follows the event, for compaction to forget the key. A delete on a condition may not have been one.
func (s *producer) buries(m *sink.Message) bool {
	return s.o.tombstones && m.Op == decode.OpDelete && !m.Conditional
}

// recordFailed ends the run at a record that the client has given up. Those after it fail because of that.
func (s *producer) recordFailed(r *kgo.Record, err error) {
	if s.failed() == nil {
		s.fail(fmt.Errorf("%s: %w", eventText(r, err), explained(err)))
	}
}

func (s *producer) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// fail ends the sink with the first error that it is given: nothing more is sent, and what waits is given up. It may be
// called with locks of the client held.
func (s *producer) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return
	}
	s.failure = err
	s.gone <- err
	s.end(err)
	s.background.Go(func() {
		s.lanes.abort()
		s.writing.Lock() // a Write may have gone on meanwhile
		defer s.writing.Unlock()
		s.lanes.abort()
		s.tx.giveUp()
	})
}

// hurry says that the run is to end.
func (s *producer) hurry() {
	select {
	case s.hurried <- struct{}{}:
	default:
	}
}
