package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/kafka/positions"
)

// exactly is a producer with transactions: what is delivered and how far that is become visible together. A batch is done
// when the transaction that it is in has been committed.
type exactly struct{ *producer }

// Positions implements Positioner.
func (s exactly) Positions() map[string]checkpoint.Mark { return s.tx.found.Marks() }

// Note has nothing for a state: what it would hold is with the positions.
func (exactly) Note() any { return nil }

// Begin implements Positioner.
func (s exactly) Begin(ctx context.Context, start map[*decode.Log]checkpoint.Mark) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for log, mark := range start {
		if _, known := s.tx.found.Saved[log.String()]; !known {
			s.tx.marks[log] = mark
		}
	}
	if len(s.tx.marks) == 0 {
		return nil
	}
	ctx, release := s.outlast(ctx)
	defer release()
	if err := s.open(); err != nil {
		return err
	}
	return s.commitLocked(ctx)
}

// Pass implements Positioner.
func (s exactly) Pass(log *decode.Log, mark checkpoint.Mark) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.failed() != nil {
		return
	}
	if err := s.open(); err != nil {
		s.fail(explained(err))
		return
	}
	s.tx.marks[log] = mark
}

// transactions is the transaction that is open, if one is, and the place where positions are kept: one partition of a
// compacted topic. The fields belong to who holds producer.writing.
type transactions struct {
	source positions.Source
	found  *positions.Found // at the start
	who    []byte           // the value of a claim
	last   time.Time        // when something was last committed

	open    bool
	waiting []*delivery // in the order of the log
	cost    int64
	marks   map[*decode.Log]checkpoint.Mark // after the last batch of each log
}

// claimInterval is how often a run to which nothing comes shows that it is there. The brokers do not take that when another run has taken
// over, of which this one would never know otherwise, and they forget a transactional id that is not used for a week.
const claimInterval = 10 * time.Second

// claim makes this process the one that writes for the source: from here on the brokers take nothing from another one. Then it
// reads how far that one came.
//
// The claim is a committed record. After its offset lies the end of each transaction that the source had before, since the brokers
// take no new one before that.
func (s *producer) claim(ctx context.Context) error {
	t := &transactions{source: positions.Source{Topic: s.o.positionsTopic, Name: s.o.source}, marks: map[*decode.Log]checkpoint.Mark{}, last: time.Now()}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("asking for the name of this host: %w", err)
	}
	t.who = fmt.Appendf(nil, `{"host":%q,"pid":%d}`, host, os.Getpid())
	claim := t.source.Claim(t.who)
	err = patiently(ctx, func() error { return s.commitRecords(ctx, claim) })
	if err != nil {
		return fmt.Errorf("beginning to write for source %q: %w", s.o.source, err)
	}
	if t.found, err = s.readPositions(ctx, t, claim.Offset); err != nil {
		return fmt.Errorf("reading the positions of source %q: %w", s.o.source, err)
	}
	s.tx = t
	s.topics.saved = map[string]positions.Output{}
	for log, saved := range t.found.Saved {
		s.topics.saved[log] = saved.Output
	}
	return nil
}

// commitRecords writes records in a transaction of their own.
func (s *producer) commitRecords(ctx context.Context, records ...*kgo.Record) error {
	if err := s.client.BeginTransaction(); err != nil {
		return err
	}
	err := s.client.ProduceSync(ctx, records...).FirstErr()
	if err == nil {
		err = s.client.EndTransaction(ctx, kgo.TryCommit)
	}
	if err != nil { // without this none can be begun again
		err = errors.Join(err, s.client.EndTransaction(ctx, kgo.TryAbort))
	}
	return err
}

// muchToRead is how large the topic of positions is when the user is told.
const muchToRead = 16 << 20

// readPositions reads the partition of positions up to the claim.
func (s *producer) readPositions(ctx context.Context, t *transactions, claim int64) (*positions.Found, error) {
	opts, err := s.clientBase()
	if err != nil {
		return nil, err
	}
	found, err := positions.Read(ctx, opts, t.source, -1, claim)
	if err != nil {
		return nil, err
	}
	if found.Bytes > muchToRead {
		s.warn(fmt.Sprintf("kafka: %d MiB of topic %s had to be read, since it is not compacted: set its segment.bytes to 1048576",
			found.Bytes>>20, t.source.Topic))
	}
	if err := found.Err(); err != nil && !s.anyPosition {
		return nil, fmt.Errorf("%w: %s", err, s.topics.remedy("DB"))
	}
	return found, nil
}

// begin has a transaction open for a delivery. One that holds half of what may wait is committed first, since what waits for the
// commit cannot wait for room.
func (s *producer) begin(ctx context.Context, d *delivery) error {
	if s.tx == nil {
		return nil
	}
	if s.tx.cost > 0 && s.tx.cost+d.cost > s.o.buffer/2 {
		if err := s.commitLocked(ctx); err != nil {
			return err
		}
	}
	return s.open()
}

// open begins a transaction, if none is open.
func (s *producer) open() error {
	if s.tx.open {
		return nil
	}
	if err := s.client.BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	s.tx.open = true
	return nil
}

// add takes a delivery into the transaction, whose records have been sent.
func (t *transactions) add(d *delivery) {
	if t == nil {
		return
	}
	d.left.Add(1)
	t.waiting = append(t.waiting, d)
	t.cost += d.cost
	t.marks[d.batch.Log] = d.batch.Mark()
}

// giveUp ends what waits for a transaction that will not be committed.
func (t *transactions) giveUp() {
	if t == nil {
		return
	}
	for _, d := range t.waiting {
		d.refused.Store(true)
		d.finish()
	}
	t.waiting, t.cost = nil, 0
}

// abort ends the transaction that is left open, so that consumers need not wait until the brokers do it.
func (s *producer) abort(ctx context.Context) {
	if s.tx == nil || !s.tx.open {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.closeTimeout)
	defer cancel()
	s.client.EndTransaction(ctx, kgo.TryAbort) //nolint:errcheck,gosec // the run has failed before
}

// commitEach commits now and then, so that what is delivered is seen though nothing follows.
func (s *producer) commitEach() {
	tick := time.NewTicker(s.o.commitInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-tick.C:
			if err := s.commit(s.life); err != nil {
				s.fail(err)
			}
		}
	}
}

// commit ends the transaction, if one is open.
func (s *producer) commit(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.tx == nil || s.failed() != nil {
		return nil
	}
	if s.lease.doubtful() || !s.tx.open && time.Since(s.tx.last) > claimInterval {
		if err := s.claimAgain(ctx); err != nil {
			return fmt.Errorf("asking whether another run has taken over: %w", explained(err))
		}
	}
	return s.commitLocked(ctx)
}

// claimAgain writes something, which the brokers do not take when another run has taken over. Without it a run to which nothing comes would
// never know.
func (s *producer) claimAgain(ctx context.Context) error {
	if err := s.open(); err != nil {
		return err
	}
	return s.client.ProduceSync(ctx, s.tx.source.Claim(s.tx.who)).FirstErr()
}

func (s *producer) commitLocked(ctx context.Context) error {
	t := s.tx
	if !t.open {
		return nil
	}
	if err := s.client.Flush(ctx); err != nil {
		return err
	}
	if err := s.failed(); err != nil {
		return err
	}
	if err := s.sendPositions(ctx); err != nil {
		return fmt.Errorf("sending the position: %w", explained(err))
	}
	s.committing.Store(true)
	defer s.committing.Store(false)
	if err := s.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("committing the transaction: %w", explained(err))
	}
	waiting := t.waiting
	t.open, t.waiting, t.cost, t.last = false, nil, 0, time.Now()
	clear(t.marks)
	for _, d := range waiting {
		d.finish()
	}
	return nil
}

// sendPositions puts into the transaction how far its events go.
func (s *producer) sendPositions(ctx context.Context) error {
	var records []*kgo.Record
	for log, mark := range s.tx.marks {
		topics, err := s.topics.of(ctx, log)
		if err != nil {
			return err
		}
		record, err := s.tx.source.Position(log.String(), positions.Saved{Mark: mark, Output: s.topics.output(topics)})
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	return s.client.ProduceSync(ctx, records...).FirstErr()
}

// isFenced tells errors that say that another process writes for the source.
func isFenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.TransactionalIDNotFound) || errors.Is(err, kerr.InvalidProducerIDMapping)
}
