package kafka

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/sink"
)

// The headers of a record.
const (
	headerPosition = "pikabin-position" // db0/12:4096, where the log's record begins
	headerOp       = "pikabin-op"
	headerContent  = "content-type"
	headerPart     = "pikabin-part"    // i/n, of the events of one record of the log if there are several
	headerBarrier  = "pikabin-barrier" // i/n: this event is in all n partitions, this is number i
	headerOversize = "pikabin-topic"   // in the dead-letter topic: where the event would have gone
	headerReason   = "pikabin-reason"  // there, too: why it has not gone there
	headerTime     = "pikabin-time"    // there, too: its own time in milliseconds
	headerDead     = "pikabin-dead"    // of what is in the place of an event: the dead-letter topic

	headerSource = "pikabin-source" // the option source, if it is given

	mostHeaders   = 7
	contentHeader = 2 // its place among a record's headers

	// barrierKey begins the key of an event without one, in a topic that takes no records without. The position follows, so that
	// compaction keeps each of them.
	barrierKey = "\x00pikabin-barrier "
)

// delivery is a batch on its way, as records that point into it.
type delivery struct {
	sink  *producer
	batch *sink.Batch
	done  func(error)
	seq   uint64
	cost  int64

	records []kgo.Record
	headers []kgo.RecordHeader
	text    []byte // of headers
	now     time.Time

	left    atomic.Int64 // records that are not acknowledged, one while more may come, and one for a transaction
	refused atomic.Bool
	promise func(*kgo.Record, error) // d.acked, made once
}

// build makes the records of the batch, up to the first one that cannot be sent.
func (d *delivery) build(topics *logTopics) error {
	b, count := d.batch, len(d.batch.Messages)
	for i := range b.Messages {
		switch m := &b.Messages[i]; {
		case !m.HasKey && d.sink.spreads(m):
			count += d.sink.copies(topics) - 1
		case d.sink.buries(m):
			count++
		}
	}
	d.records = slices.Grow(d.records[:0], count)
	d.headers = slices.Grow(d.headers[:0], count*mostHeaders)
	d.text = d.text[:0]
	d.now = time.Now()
	for i := range b.Messages {
		if err := d.add(topics, &b.Messages[i]); err != nil {
			return err
		}
	}
	topics.aging(d.now, d.sink.warn)
	return nil
}

// add makes the records of one change.
func (d *delivery) add(topics *logTopics, m *sink.Message) error {
	r := kgo.Record{Value: d.batch.Data[m.Begin:m.End], Partition: anyPartition, Timestamp: topics.last}
	if m.HasTime {
		r.Timestamp = time.Unix(m.Time, 0)
		topics.last = r.Timestamp
	}
	if !m.HasKey {
		if !d.sink.spreads(m) {
			return d.addAlone(topics, m, r)
		}
		return d.addBarrier(topics, m, r)
	}
	var err error
	if r.Key, err = d.keyOf(topics, d.batch.Keys[m.KeyBegin:m.KeyEnd:m.KeyEnd]); err != nil {
		return err
	}
	if d.sink.o.single {
		r.Partition = 0
	}
	topic, from := topics.byType[m.Type], d.begin(topics, m)
	if err := d.put(topic, r, from); err != nil || !d.sink.buries(m) {
		return err
	}
	r.Value = nil
	return d.put(topic, r, from)
}

// addBarrier makes a record for each partition: the history of every key has to see the event.
func (d *delivery) addBarrier(topics *logTopics, m *sink.Message, r kgo.Record) error {
	for _, topic := range topics.all {
		n := d.sink.partitions(topic)
		for i := range n {
			from := d.begin(topics, m)
			d.header(headerBarrier, strconv.AppendInt(append(strconv.AppendInt(d.text, int64(i), 10), '/'), int64(n), 10))
			r.Partition = i
			if topic.compacted {
				r.Key = append([]byte(barrierKey), d.headers[from].Value...)
			}
			if err := d.put(topic, r, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin adds the headers that every record has, and tells where they begin.
func (d *delivery) begin(topics *logTopics, m *sink.Message) (from int) {
	from = len(d.headers)
	d.header(headerPosition, m.At.AppendText(append(d.text, topics.name...)))
	d.headers = append(d.headers, kgo.RecordHeader{Key: headerOp, Value: d.sink.ops[m.Op]},
		kgo.RecordHeader{Key: headerContent, Value: d.sink.contentType})
	if d.sink.o.sourceGiven {
		d.headers = append(d.headers, kgo.RecordHeader{Key: headerSource, Value: d.sink.source})
	}
	if m.Parts > 0 {
		d.header(headerPart, strconv.AppendUint(append(strconv.AppendUint(d.text, uint64(m.Part), 10), '/'), uint64(m.Parts), 10))
	}
	return from
}

// header adds one whose value has just been appended to d.text.
func (d *delivery) header(key string, text []byte) {
	value := text[len(d.text):len(text):len(text)]
	d.text = text
	d.headers = append(d.headers, kgo.RecordHeader{Key: key, Value: value})
}

// put adds the record, or what stands for it if it is too large.
func (d *delivery) put(topic *topic, r kgo.Record, from int) error {
	r.Topic, r.Headers = topic.name, d.headers[from:len(d.headers):len(d.headers)]
	r.Timestamp = d.sink.o.timed(topic, r.Timestamp, d.now)
	if r.Value == nil { // a tombstone says nothing by its time
		r.Timestamp = topic.times.clamp(r.Timestamp, d.now)
	}
	if why := topic.times.check(r.Timestamp, d.now); why != "" {
		return d.refuse(topic, r, from, why)
	}
	if size := recordSize(&r); size > topic.limit {
		if send, err := d.oversize(topic, &r, from, size); err != nil || !send {
			return err
		}
		topic = d.sink.topics.byName[r.Topic]
	}
	d.records = append(d.records, r)
	topic.place(&d.records[len(d.records)-1])
	return nil
}

// recordSize is at least what a batch takes that holds only this record: the head of a batch, and of a record and of each
// header the lengths as varints of five bytes.
func recordSize(r *kgo.Record) int {
	const batchHead, recordHead, headerHead = 61, 32, 10
	n := batchHead + recordHead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += headerHead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// send hands the records to the clients, which call back for each of them.
func (d *delivery) send(ctx context.Context) {
	for i := range d.records {
		r := &d.records[i]
		d.left.Add(1)
		d.sink.lanes.of(r.Partition).Produce(ctx, r, d.promise)
	}
}

// acked is called by the client, once for each record.
func (d *delivery) acked(r *kgo.Record, err error) {
	if err != nil {
		d.refused.Store(true)
		d.sink.recordFailed(r, err)
	} else {
		d.sink.acked.Add(1)
	}
	d.finish()
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
	d.sink.put(d)
}

// opTexts are the ops as values of a header.
func opTexts() [][]byte {
	var ops [][]byte
	for op := decode.OpOther; op <= decode.OpRewritten; op++ {
		ops = append(ops, []byte(op.String()))
	}
	return ops
}
