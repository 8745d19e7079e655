// Package kafka sends each change to a Kafka topic.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"pikabin/decode"
	"pikabin/encode/budget"
	"pikabin/encode/disk"
	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/lanes"
	"pikabin/encode/output/kafka/lease"
	"pikabin/encode/output/kafka/records"
	"pikabin/encode/output/kafka/registry"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
	"pikabin/encode/sink"
)

// producer sends each change as a record. A batch is done when all its records are acknowledged by all in-sync replicas.
type producer struct {
	o      *settings.Options
	wire   *connect.Wire
	lanes  *lanes.Lanes
	topics *topics.Topics
	schema *registry.Registry   // nil without the option registry
	framed map[*decode.Log]bool // whose topics have the ids of their schemas
	maker  *records.Maker
	disk   *disk.Disk

	monitor sink.Monitor

	anyPosition bool // positions that cannot be read are about to be replaced

	lease  *lease.Lease   // nil without standby
	tx     *transactions  // nil without exactly-once
	budget *budget.Budget // bytes that are not acknowledged
	seq    uint64
	free   sync.Pool

	underWay []*delivery    // in the order of the log
	promises sync.WaitGroup // calls of the clients that are to come
	tear     *tear
	mends    chan struct{} // receives at a tear
	mended   int           // times since something has come

	life       context.Context //nolint:containedctx // ends when the sink fails, whoever waits in it
	end        context.CancelCauseFunc
	writing    sync.Mutex
	deliveries sync.WaitGroup
	background sync.WaitGroup
	closing    chan struct{} // closed when the watch is to end
	hurried    chan struct{} // receives when the run has been told to end
	broken     chan error    // receives the failure

	acked      atomic.Int64 // records
	committing atomic.Bool
	asking     atomic.Bool // the registry, for a schema

	mu      sync.Mutex
	failure error
}

// prepare makes the clients, which ask for nothing yet.
func prepare(options *settings.Options, e *sink.Env) (*producer, error) {
	wire, err := connect.New(options)
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	s := &producer{
		o: options, wire: wire, disk: disk.New(e), monitor: e.Watched(), framed: map[*decode.Log]bool{},
		budget: budget.New(options.Buffer), closing: make(chan struct{}), hurried: make(chan struct{}, 1), broken: make(chan error, 1), mends: make(chan struct{}, 1), tear: newTear(),
	}
	if e.Format != "" { // who only looks at positions has none
		s.schema, err = registry.Open(&options.Registry, e.Format, e.Schema, wire.Trouble.Set)
	}
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	if s.topics, err = topics.Open(wire, options, s.schema.Framed(e.Format), s.monitor.Warn, s.fail); err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	if s.lanes, err = lanes.Open(wire, options, s.topics, s.count); err != nil {
		s.topics.Close()
		return nil, &sink.TargetError{Err: err}
	}
	return s, nil
}

// start finds the topics, which also shows that the brokers are there and take us.
func (s *producer) start(opening context.Context, e *sink.Env) error {
	if s.o.Security.InClear() {
		s.monitor.Warn(fmt.Sprintf("kafka: sasl=%s without tls shows the secret to who listens on the network", s.o.Security.Mechanism))
	}
	if s.o.Registry.InClear() {
		s.monitor.Warn("kafka: a registry with http: shows the secret to who listens on the network")
	}
	ctx, cancel := context.WithCancelCause(opening)
	defer cancel(nil)
	defer context.AfterFunc(opening, s.wire.Unplug)()
	defer context.AfterFunc(s.life, func() { cancel(context.Cause(s.life)) })() //nolint:contextcheck // the sink may fail meanwhile
	err := s.topics.Remember(e.Note)
	if err == nil {
		err = s.inTime(ctx, func(ctx context.Context) error { return s.find(ctx, e.DBs) })
	}
	if err == nil && s.o.Standby {
		err = s.standBy(ctx)
	}
	if err == nil && s.o.ExactlyOnce {
		err = s.inTime(ctx, s.claim)
	}
	if err == nil {
		err = s.inTime(ctx, func(ctx context.Context) error { return s.prepareTopics(ctx, e.DBs) })
	}
	if opening.Err() != nil { // the connections are gone, whatever was reached
		return &sink.StoppedError{Err: fmt.Errorf("kafka: %w", cmp.Or(err, context.Cause(opening)))}
	}
	if err != nil {
		return fmt.Errorf("kafka: %w", connect.Explained(err))
	}
	return nil
}

// find finds the topics of DBs and their schemas, once the brokers have said who they are. Only the topic of positions may be made, last.
func (s *producer) find(ctx context.Context, dbs []string) error {
	_, err := s.topics.Cluster(ctx)
	if err == nil {
		_, err = s.schema.Check(ctx, s.topics.Events(dbs))
	}
	if err == nil {
		err = s.topics.Start(ctx, dbs)
	}
	return mistaken(err)
}

// prepareTopics has the topics of DBs and their schemas as this run needs them, if nothing speaks against it.
func (s *producer) prepareTopics(ctx context.Context, dbs []string) error {
	err := s.topics.Compare(ctx, dbs)
	if err == nil {
		err = s.schema.Register(ctx, s.topics.Events(dbs))
	}
	if err == nil {
		err = s.topics.Settle(ctx, dbs)
	}
	return mistaken(err)
}

// mistaken says of what the registry refuses that it is for the user to decide.
func mistaken(err error) error {
	if _, refused := errors.AsType[*registry.RefusedError](err); refused {
		return &sink.TargetError{Err: err}
	}
	return err
}

// routes are the topics of a log, with what is before the values in them.
func (s *producer) routes(ctx context.Context, log *decode.Log) (*topics.Routes, error) {
	if s.schema == nil || s.framed[log] {
		return s.topics.Of(ctx, log)
	}
	s.asking.Store(true)
	defer s.asking.Store(false)
	if err := s.schema.Register(ctx, s.topics.Events([]string{log.DB})); err != nil {
		return nil, mistaken(err)
	}
	routes, err := s.topics.Of(ctx, log)
	if err != nil {
		return nil, err
	}
	for _, t := range routes.All {
		t.Lead = s.schema.LeadOf(t.Name)
	}
	s.framed[log] = true
	return routes, nil
}

// inTime gives a step of the start as long as it may take, and says why it takes long.
func (s *producer) inTime(ctx context.Context, step func(context.Context) error) error {
	if s.o.StartTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.o.StartTimeout)
		defer cancel()
	}
	ctx, done := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { s.tellWaits(ctx) })
	err := step(ctx)
	done()
	telling.Wait()
	return err
}

// Write implements Sink. It blocks while as many bytes wait for the brokers as the option buffer allows.
func (s *producer) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.failed(); err != nil {
		b.Release()
		done(err)
		return
	}
	ctx, release := s.untilFailed(ctx)
	defer release()
	d := s.get(b, done)
	if err := s.begin(ctx, d); err != nil {
		s.fail(err)
		d.cost = 0
		s.stop(ctx, d, err)
		return
	}
	if err := s.room(ctx, d); err != nil {
		d.cost = 0
		s.stop(ctx, d, err)
		return
	}
	routes, err := s.routes(ctx, b.Log)
	if err == nil {
		err = d.Make(ctx, b, routes)
	}
	if err == nil && d.IsWide() {
		err = s.widen(ctx, d)
	}
	if err == nil || s.tx == nil {
		d.send(context.WithoutCancel(ctx))
		s.underWay = append(s.underWay, d)
	}
	if err != nil {
		s.stop(ctx, d, err)
		return
	}
	s.tx.add(d)
	d.finish()
}

// widen replaces the clients by others with larger batches, once nothing is under way.
func (s *producer) widen(ctx context.Context, d *delivery) error {
	err := s.settle(ctx)
	if err != nil {
		return err
	}
	d.Widen()
	if err = s.lanes.Reopen(); err == nil && s.tx != nil {
		err = s.open(ctx)
	}
	return err
}

// settle waits until nothing is under way.
func (s *producer) settle(ctx context.Context) error {
	if s.tx != nil {
		return s.commitLocked(ctx)
	}
	for {
		err := errors.Join(s.mend(ctx), s.lanes.Flush(ctx))
		if err != nil || !s.tear.torn() {
			return err
		}
	}
}

// room waits until the bytes of a delivery may wait for the brokers, and mends meanwhile.
func (s *producer) room(ctx context.Context, d *delivery) error {
	for {
		if err := s.mend(ctx); err != nil {
			return err
		}
		s.prune()
		waits, done := s.tear.during(ctx)
		err := s.budget.Acquire(waits, d.seq, d.cost)
		done()
		if err == nil || !s.tear.torn() {
			return err
		}
	}
}

// untilFailed makes a context for what continues when ctx ends: then the rest is delivered as far as close-timeout allows. It ends
// when the sink fails.
func (s *producer) untilFailed(ctx context.Context) (context.Context, func()) {
	unhook := context.AfterFunc(ctx, s.hasten)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	failed := context.AfterFunc(s.life, func() { cancel(context.Cause(s.life)) })
	return ctx, func() {
		unhook()
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
		s.lanes.Flush(ctx) //nolint:gosec // what fails is told to the records
	}
	s.fail(connect.Explained(err))
	d.refused.Store(true)
	d.finish()
}

// Close implements Sink.
func (s *producer) Close(ctx context.Context) error {
	ctx, release := s.untilFailed(ctx)
	defer release()
	err := s.lanes.Flush(ctx)
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
	if err := s.maker.Close(); err != nil {
		s.fail(err)
	}
	return s.failed()
}

// closeClients gives back the lease, which another run may wait for, and ends the connections.
func (s *producer) closeClients() {
	defer time.AfterFunc(s.o.CloseTimeout, s.wire.Unplug).Stop()
	s.lease.Close()
	s.wire.Unplug()
	s.lanes.Close()
	s.topics.Close()
	s.schema.Close()
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
	s.broken <- err
	s.end(err)
	s.background.Go(func() {
		s.lanes.Abort()
		s.writing.Lock() // a Write may have gone on meanwhile
		defer s.writing.Unlock()
		s.lanes.Abort()
		s.promises.Wait()
		s.giveUp()
	})
}

// hasten says that the run is to end.
func (s *producer) hasten() {
	select {
	case s.hurried <- struct{}{}:
	default:
	}
}
