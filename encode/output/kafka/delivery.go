package kafka

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/records"
	"pikabin/encode/sink"
)

// delivery is a batch on its way.
type delivery struct {
	*records.Batch
	sink  *producer
	batch *sink.Batch
	done  func(error)
	seq   uint64
	cost  int64

	left    atomic.Int64 // records that are not acknowledged, one while more may come, and one for a transaction
	torn    atomic.Int64 // of them those that the client has given up, and that are to be sent again
	refused atomic.Bool
	over    atomic.Bool              // the batch belongs to others by now
	promise func(*kgo.Record, error) // d.acked, made once
}

// get begins the delivery of a batch.
func (s *producer) get(b *sink.Batch, done func(error)) *delivery {
	d, ok := s.free.Get().(*delivery)
	if !ok {
		d = &delivery{sink: s, Batch: s.maker.Batch()}
		d.promise = d.acked
	}
	d.batch, d.done, d.seq, d.cost = b, done, s.seq, b.Footprint()
	d.left.Store(1)
	d.torn.Store(0)
	d.refused.Store(false)
	d.over.Store(false)
	s.seq++
	s.deliveries.Add(1)
	return d
}

// send hands the records to the clients, which call back for each of them.
func (d *delivery) send(ctx context.Context) {
	d.left.Add(int64(len(d.Records)))
	d.sink.promises.Add(len(d.Records))
	d.sink.lanes.Send(ctx, d.Records, d.promise)
}

// again sends the records once more. The clients have called back for all of them, and whether they have come is forgotten.
func (d *delivery) again(ctx context.Context) {
	d.torn.Store(0)
	d.left.Store(0)
	if d.sink.tx != nil {
		d.left.Store(1)
	}
	d.send(ctx)
}

// acked is called by the client, once for each record.
func (d *delivery) acked(r *kgo.Record, err error) {
	defer d.sink.promises.Done()
	switch {
	case err == nil:
		d.sink.acked.Add(1)
		d.finish()
	case d.sink.tears(r, err):
		d.torn.Add(1)
	default:
		d.refused.Store(true)
		d.sink.recordFailed(r, err)
		d.finish()
	}
}

// giveUp ends the delivery of a batch that is not sent again.
func (d *delivery) giveUp(more int64) {
	d.refused.Store(true)
	for range d.torn.Swap(0) + more {
		d.finish()
	}
}

// finish ends what left counts. The last one acknowledges the batch.
func (d *delivery) finish() {
	if d.left.Add(-1) > 0 {
		return
	}
	var err error
	if d.refused.Load() {
		err = d.sink.failed()
	}
	d.done(err)
	d.sink.budget.Release(d.seq, d.cost)
	d.Clear()
	d.batch.Release()
	d.batch, d.done = nil, nil
	d.over.Store(true)
	d.sink.deliveries.Done()
}

// prune forgets deliveries that are over, up to the first one that is not.
func (s *producer) prune() {
	over := 0
	for ; over < len(s.underWay) && s.underWay[over].over.Load(); over++ {
		s.free.Put(s.underWay[over])
	}
	s.underWay = append(s.underWay[:0], s.underWay[over:]...)
}

// recordFailed ends the run at a record that the client has given up. Those after it fail because of that.
func (s *producer) recordFailed(r *kgo.Record, err error) {
	if s.failed() == nil {
		s.fail(fmt.Errorf("%s: %w", records.EventText(r), connect.Explained(err)))
	}
}

// giveUp ends the deliveries of a run that has failed. The clients have called back for all records.
func (s *producer) giveUp() {
	more := int64(0)
	if s.tx != nil {
		more = 1
	}
	for _, d := range s.underWay {
		if !d.over.Load() {
			d.giveUp(more)
		}
	}
	s.underWay = nil
}

// count tells the monitor of a batch that a topic has taken.
func (s *producer) count(topic string, batch kgo.ProduceBatchMetrics) {
	s.monitor.Count(sink.TopicRecords, topic, int64(batch.NumRecords))
	s.monitor.Count(sink.TopicBytes, topic, int64(batch.UncompressedBytes))
	s.monitor.Count(sink.TopicWire, topic, int64(batch.CompressedBytes))
}
