package kafka

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/sink"
)

// exactly is a producer with transactions: what is delivered and how far that is become visible together. A batch is done
// when the transaction that it is in has been committed.
type exactly struct{ *producer }

// Begin implements sink.Transactional.
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
	ctx, release := s.untilFailed(ctx)
	defer release()
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.commitLocked(ctx)
}

// Pass implements sink.Transactional.
func (s exactly) Pass(log *decode.Log, mark checkpoint.Mark) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.failed() != nil {
		return
	}
	if err := s.open(s.life); err != nil {
		s.fail(connect.Explained(err))
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

	claimed int64 // the offset of the last claim

	open   bool
	ending bool // the brokers have been told to commit it
	began  time.Time
	cost   int64
	pace   pace
	marks  map[*decode.Log]checkpoint.Mark // after the last batch of each log
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
	t := &transactions{
		source: positions.Source{Topic: s.o.PositionsTopic, Name: s.o.Source}, marks: map[*decode.Log]checkpoint.Mark{}, last: time.Now(),
		pace: newPace(s.o.Buffer/2, s.o.TransactionTimeout),
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("asking for the name of this host: %w", err)
	}
	t.who = fmt.Appendf(nil, `{"host":%q,"pid":%d,"run":%q}`, host, os.Getpid(), rand.Text())
	claim := t.source.Claim(t.who)
	err = connect.Retry(ctx, func() error { return s.commitRecords(ctx, claim) })
	if err != nil {
		return fmt.Errorf("beginning to write for source %q, transactional id pikabin-%[1]s, topic %s: %w", s.o.Source, s.o.PositionsTopic, err)
	}
	if t.found, err = s.readPositions(ctx, t, claim.Offset); err != nil {
		return fmt.Errorf("reading the positions of source %q from topic %s: %w", s.o.Source, s.o.PositionsTopic, err)
	}
	t.claimed = claim.Offset
	s.tx = t
	s.topics.Saved(t.found)
	return nil
}

// commitRecords writes records in a transaction of their own.
func (s *producer) commitRecords(ctx context.Context, records ...*kgo.Record) error {
	if err := s.lanes.First().BeginTransaction(); err != nil {
		return err
	}
	err := s.lanes.SendAll(ctx, records...)
	if err == nil {
		err = s.lanes.First().EndTransaction(ctx, kgo.TryCommit)
	}
	if err != nil { // the brokers end what these clients have begun when the next ones begin
		err = errors.Join(err, s.lanes.Reopen())
	}
	return err
}

// muchToRead is how large the topic of positions is when the user is told.
const muchToRead = 16 << 20

// readPositions reads the partition of positions up to the claim.
func (s *producer) readPositions(ctx context.Context, t *transactions, claim int64) (*positions.Found, error) {
	found, err := positions.Read(ctx, s.wire.Options(), t.source, -1, claim)
	if err != nil {
		return nil, err
	}
	if found.Bytes > muchToRead {
		s.monitor.Warn(fmt.Sprintf("kafka: %d MiB of topic %s had to be read, since it is not compacted: set its segment.bytes to 1048576",
			found.Bytes>>20, t.source.Topic))
	}
	if err := found.Err(); err != nil && !s.anyPosition {
		return nil, fmt.Errorf("%w: %s", err, s.topics.Remedy("DB"))
	}
	return found, nil
}

// begin has a transaction open for a delivery. One that holds as much as its pace allows is committed first. That is at most half of
// what may wait, since what waits for the commit cannot wait for room.
func (s *producer) begin(ctx context.Context, d *delivery) error {
	if s.tx == nil {
		return nil
	}
	if s.tx.cost > 0 && s.tx.cost+d.cost > s.tx.pace.limit {
		if err := s.commitLocked(ctx); err != nil {
			return err
		}
	}
	return s.open(ctx)
}

// open begins a transaction, if none is open. The caller holds the lock.
func (s *producer) open(ctx context.Context) error {
	if s.tx.open {
		return nil
	}
	err := s.begun()
	if err != nil && s.tears(nil, err) {
		if err = s.mend(ctx); err == nil && !s.tx.open {
			err = s.begun()
		}
	}
	return err
}

func (s *producer) begun() error {
	if err := s.lanes.First().BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	s.tx.open, s.tx.ending, s.tx.began = true, false, time.Now()
	return nil
}

// add takes a delivery into the transaction, whose records have been sent.
func (t *transactions) add(d *delivery) {
	if t == nil {
		return
	}
	d.left.Add(1)
	t.cost += d.cost
	t.marks[d.batch.Log] = d.batch.Mark()
}

// abort ends the transaction that is left open, so that consumers need not wait until the brokers do it.
func (s *producer) abort(ctx context.Context) {
	if s.tx == nil || !s.tx.open {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.CloseTimeout)
	defer cancel()
	s.lanes.First().EndTransaction(ctx, kgo.TryAbort) //nolint:errcheck,gosec // the run has failed before
}

// commitEach commits now and then, so that what is delivered is seen though nothing follows.
func (s *producer) commitEach() {
	tick := time.NewTicker(s.o.CommitInterval)
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
	if err := s.mend(ctx); err != nil || s.tx == nil {
		return err
	}
	if s.lease.MayBeLost() || !s.tx.open && time.Since(s.tx.last) > claimInterval {
		if err := s.claimAgain(ctx); err != nil {
			return fmt.Errorf("asking whether another run has taken over: %w", connect.Explained(err))
		}
	}
	return s.commitLocked(ctx)
}

// claimAgain writes something, which the brokers do not take when another run has taken over. Without it a run to which nothing comes would
// never know.
func (s *producer) claimAgain(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	claim := s.tx.source.Claim(s.tx.who)
	err := s.lanes.SendAll(ctx, claim)
	if err == nil {
		s.tx.claimed = claim.Offset
	}
	return err
}

// commitLocked ends the transaction, and begins it anew as long as that helps. The caller holds the lock.
func (s *producer) commitLocked(ctx context.Context) error {
	for s.tx.open {
		err := s.tryCommit(ctx)
		if err == nil {
			return nil
		}
		if !s.tears(nil, err) {
			return connect.Explained(err)
		}
		s.tx.pace.lost()
		if err := s.mend(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *producer) tryCommit(ctx context.Context) error {
	t := s.tx
	if err := s.sendPositions(ctx); err != nil {
		return err
	}
	if err := s.lanes.Flush(ctx); err != nil {
		return err
	}
	if err := cmp.Or(s.tear.error(), s.failed()); err != nil {
		return err
	}
	s.committing.Store(true)
	defer s.committing.Store(false)
	t.ending = true
	if err := s.lanes.First().EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("committing the transaction: %w", err)
	}
	t.pace.took(t.cost, time.Since(t.began))
	s.committed()
	return nil
}

// committed ends what the transaction holds.
func (s *producer) committed() {
	t := s.tx
	t.open, t.cost, t.last = false, 0, time.Now()
	clear(t.marks)
	s.mended = 0
	s.monitor.Count(sink.Transactions, "committed", 1)
	for _, d := range s.underWay {
		d.finish()
	}
	s.prune()
}

// sendPositions puts into the transaction how far its events go. Its events may still be under way: all of it is committed, or nothing.
func (s *producer) sendPositions(ctx context.Context) error {
	var records []kgo.Record
	for log, mark := range s.tx.marks {
		routes, err := s.topics.Of(ctx, log)
		if err != nil {
			return err
		}
		record, err := s.tx.source.Position(log.String(), positions.Saved{Mark: mark, Output: s.topics.Output(routes)})
		if err != nil {
			return err
		}
		records = append(records, *record)
	}
	s.promises.Add(len(records))
	s.lanes.Send(context.WithoutCancel(ctx), records, s.positionAcked)
	return nil
}

// positionAcked is called by the client, once for each position.
func (s *producer) positionAcked(_ *kgo.Record, err error) {
	defer s.promises.Done()
	if err != nil && !s.tears(nil, err) {
		s.fail(fmt.Errorf("sending the position to topic %s: %w", s.o.PositionsTopic, connect.Explained(err)))
	}
}
