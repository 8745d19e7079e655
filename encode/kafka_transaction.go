package encode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// exactKafka is a kafkaSink with transactions: what is delivered and how far that is become visible together. A batch is done
// when the transaction that it is in has been committed.
type exactKafka struct{ *kafkaSink }

// Positions implements Positioner.
func (s exactKafka) Positions() map[string]checkpoint.Mark { return s.tx.found }

// Begin implements Positioner.
func (s exactKafka) Begin(ctx context.Context, start map[*decode.Log]checkpoint.Mark) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for log, mark := range start {
		if _, known := s.tx.found[log.String()]; !known {
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
func (s exactKafka) Pass(log *decode.Log, mark checkpoint.Mark) {
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

// kafkaTransactions is the transaction that is open, if one is, and the place where positions are kept: one partition of a
// compacted topic. The fields belong to who holds kafkaSink.writing.
type kafkaTransactions struct {
	topic     *kafkaTopic
	partition int32
	found     map[string]checkpoint.Mark // at the start
	who       []byte                     // the value of a claim

	open    bool
	waiting []*kafkaDelivery // in the order of the log
	cost    int64
	marks   map[*decode.Log]checkpoint.Mark // behind the last batch of each log
}

// The keys of the records of positions: the source, and a log, or what says who writes.
const (
	positionKeySeparator = "/"
	claimKey             = "claim"
)

// claim makes this process the one that writes for the source: from here on the brokers take nothing from another one. Then it
// reads how far that one came.
//
// The claim is a committed record. Behind its offset lies the end of each transaction that the source had before, since the brokers
// take no new one before that.
func (s *kafkaSink) claim(ctx context.Context) error {
	t := &kafkaTransactions{topic: s.topics.byName[s.o.positionsTopic], marks: map[*decode.Log]checkpoint.Mark{}}
	t.partition = s.positionsPartition()
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("asking for the name of this host: %w", err)
	}
	t.who = fmt.Appendf(nil, `{"host":%q,"pid":%d}`, host, os.Getpid())
	claim := t.record(s.o.source, claimKey, t.who)
	err = patiently(ctx, func() error {
		if err := s.client.BeginTransaction(); err != nil {
			return err
		}
		err := s.client.ProduceSync(ctx, claim).FirstErr()
		if err == nil {
			err = s.client.EndTransaction(ctx, kgo.TryCommit)
		}
		if err != nil { // without this none can be begun again
			err = errors.Join(err, s.client.EndTransaction(ctx, kgo.TryAbort))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning to write for source %q: %w", s.o.source, err)
	}
	if t.found, err = s.readPositions(ctx, t, claim.Offset); err != nil {
		return fmt.Errorf("reading the positions of source %q: %w", s.o.source, err)
	}
	s.tx = t
	return nil
}

// positionsPartition is the partition of the topic of positions that is the source's.
func (s *kafkaSink) positionsPartition() int32 {
	n := s.topics.byName[s.o.positionsTopic].partitions.Load()
	return int32(kafkaHash().Partition(&kgo.Record{Key: []byte(s.o.source)}, int(n)))
}

// record makes one for the topic of positions.
func (t *kafkaTransactions) record(source, name string, value []byte) *kgo.Record {
	return &kgo.Record{Topic: t.topic.name, Partition: t.partition, Key: []byte(source + positionKeySeparator + name), Value: value}
}

// readPositions reads the partition of positions up to the claim. It reads uncommitted, and takes from the markers what was committed:
// read committed it would have to wait for the open transactions of all other sources in the same partition, those included whose
// processes are dead.
func (s *kafkaSink) readPositions(ctx context.Context, t *kafkaTransactions, claim int64) (map[string]checkpoint.Mark, error) {
	opts, err := s.clientBase()
	if err != nil {
		return nil, err
	}
	reader, err := kgo.NewClient(append(opts, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.topic.name: {t.partition: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	found := &committedPositions{prefix: s.o.source + positionKeySeparator, open: map[int64][]*kgo.Record{}, marks: map[string]checkpoint.Mark{}}
	for {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, err
		}
		for _, r := range fetches.Records() {
			if err := found.take(r); err != nil {
				return nil, err
			}
			if r.Offset >= claim {
				return found.marks, nil
			}
		}
	}
}

// committedPositions picks those of a source out of records and markers of transactions.
type committedPositions struct {
	prefix string
	open   map[int64][]*kgo.Record // of transactions that have not ended, by producer
	marks  map[string]checkpoint.Mark
}

// take takes the next record, or the marker of the end of a transaction.
func (p *committedPositions) take(r *kgo.Record) error {
	switch {
	case r.Attrs.IsControl():
		records := p.open[r.ProducerID]
		delete(p.open, r.ProducerID)
		if isCommit(r.Key) {
			return p.commit(records...)
		}
	case !strings.HasPrefix(string(r.Key), p.prefix) || string(r.Key) == p.prefix+claimKey:
	case !r.Attrs.IsTransactional():
		return p.commit(r)
	default:
		p.open[r.ProducerID] = append(p.open[r.ProducerID], r)
	}
	return nil
}

func (p *committedPositions) commit(records ...*kgo.Record) error {
	for _, r := range records {
		mark, err := parsePosition(r.Value)
		if err != nil {
			return fmt.Errorf("offset %d of topic %s: %w", r.Offset, r.Topic, err)
		}
		p.marks[strings.TrimPrefix(string(r.Key), p.prefix)] = mark
	}
	return nil
}

// isCommit tells from the key of a marker what it says.
func isCommit(key []byte) bool {
	var k kmsg.ControlRecordKey
	return k.ReadFrom(key) == nil && k.Type == kmsg.ControlRecordKeyTypeCommit
}

func parsePosition(value []byte) (checkpoint.Mark, error) {
	var m checkpoint.Mark
	err := json.Unmarshal(value, &m)
	return m, err
}

// begin has a transaction open for a delivery. One that holds half of what may wait is committed first, since what waits for the
// commit cannot wait for room.
func (s *kafkaSink) begin(ctx context.Context, d *kafkaDelivery) error {
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
func (s *kafkaSink) open() error {
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
func (t *kafkaTransactions) add(d *kafkaDelivery) {
	if t == nil {
		return
	}
	d.left.Add(1)
	t.waiting = append(t.waiting, d)
	t.cost += d.cost
	t.marks[d.batch.Log] = d.batch.mark()
}

// giveUp ends what waits for a transaction that will not be committed.
func (t *kafkaTransactions) giveUp() {
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
func (s *kafkaSink) abort(ctx context.Context) {
	if s.tx == nil || !s.tx.open {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.closeTimeout)
	defer cancel()
	s.client.EndTransaction(ctx, kgo.TryAbort) //nolint:errcheck,gosec // the run has failed before
}

// commitEach commits now and then, so that what is delivered is seen though nothing follows.
func (s *kafkaSink) commitEach() {
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
func (s *kafkaSink) commit(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.tx == nil || s.failed() != nil {
		return nil
	}
	if s.lease.doubtful() {
		if err := s.claimAgain(ctx); err != nil {
			return fmt.Errorf("asking whether another run has taken over: %w", explained(err))
		}
	}
	return s.commitLocked(ctx)
}

// claimAgain writes something, which the brokers do not take when another run has taken over. Without it a run to which nothing comes would
// never know.
func (s *kafkaSink) claimAgain(ctx context.Context) error {
	if err := s.open(); err != nil {
		return err
	}
	return s.client.ProduceSync(ctx, s.tx.record(s.o.source, claimKey, s.tx.who)).FirstErr()
}

func (s *kafkaSink) commitLocked(ctx context.Context) error {
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
	if err := s.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("committing the transaction: %w", explained(err))
	}
	waiting := t.waiting
	t.open, t.waiting, t.cost = false, nil, 0
	clear(t.marks)
	for _, d := range waiting {
		d.finish()
	}
	return nil
}

// sendPositions puts into the transaction how far its events go.
func (s *kafkaSink) sendPositions(ctx context.Context) error {
	var records []*kgo.Record
	for log, mark := range s.tx.marks {
		value, err := json.Marshal(mark)
		if err != nil {
			return err
		}
		records = append(records, s.tx.record(s.o.source, log.String(), value))
	}
	return s.client.ProduceSync(ctx, records...).FirstErr()
}

// isFenced tells errors that say that another process writes for the source.
func isFenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.TransactionalIDNotFound) || errors.Is(err, kerr.InvalidProducerIDMapping)
}
