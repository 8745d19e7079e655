// Package records makes records of changes.
package records

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
	"pikabin/encode/sink"
)

// The headers of a record.
const (
	HeaderPosition = "pikabin-position" // db0/12:4096, where the log's record begins
	headerOp       = "pikabin-op"
	HeaderContent  = "content-type"
	HeaderPart     = "pikabin-part"    // i/n, of the events of one record of the log if there are several
	HeaderBarrier  = "pikabin-barrier" // i/n: this event is in all n partitions, this is number i
	headerOversize = "pikabin-topic"   // in the dead-letter topic: where the event would have gone
	headerReason   = "pikabin-reason"  // there, too: why it has not gone there
	headerTime     = "pikabin-time"    // there, too: its own time in milliseconds
	HeaderDead     = "pikabin-dead"    // of what is in the place of an event: the dead-letter topic

	HeaderSource = "pikabin-source" // the option source: the name of the topic where it is not given

	mostHeaders   = 7
	contentHeader = 2 // its place among a record's headers

	// barrierKey begins the key of an event without one, in a topic that takes no records without. The position follows, so that
	// compaction keeps each of them.
	barrierKey = "\x00pikabin-barrier "
)

// Maker makes records of changes.
type Maker struct {
	o           *settings.Options
	topics      *topics.Topics
	oversized   *oversized
	warn        func(string)
	ops         [][]byte
	contentType []byte
	source      []byte // the option, as a header
}

// NewMaker makes what is needed before the first event comes that its topic does not take, so that a mistake shows at the start.
func NewMaker(ctx context.Context, options *settings.Options, k *topics.Topics, d *disk.Disk, e *sink.Env) (*Maker, error) {
	z, err := openOversized(ctx, options, d, e.Watched())
	if err != nil {
		return nil, err
	}
	return &Maker{
		o: options, topics: k, oversized: z, warn: z.monitor.Warn, ops: opTexts(), contentType: []byte(e.Content), source: []byte(options.Source),
	}, nil
}

// Close ends the file of dead letters, and says how many events there were.
func (k *Maker) Close() error { return k.oversized.close() }

// Batch is a batch as records, which point into it.
type Batch struct {
	Records []kgo.Record

	maker   *Maker
	batch   *sink.Batch
	routes  *topics.Routes
	headers []kgo.RecordHeader
	text    []byte // of headers
	now     time.Time
	wide    map[*topics.Topic]int // the largest record for a topic whose batches are smaller
}

// Batch makes an empty batch, which is to be used again and again.
func (k *Maker) Batch() *Batch { return &Batch{maker: k} }

// Clear lets go of what the records point to.
func (d *Batch) Clear() {
	clear(d.Records)
	d.batch, d.routes = nil, nil
}

// Make makes the records of a batch, up to the first one that cannot be sent.
func (d *Batch) Make(ctx context.Context, b *sink.Batch, routes *topics.Routes) error {
	d.batch, d.routes, d.now, d.wide = b, routes, time.Now(), nil
	count := len(b.Messages)
	for i := range b.Messages {
		switch m := &b.Messages[i]; {
		case !m.HasKey && d.maker.spreads(m):
			count += d.maker.copies(routes) - 1
		case d.maker.tombstoned(m):
			count++
		}
	}
	d.Records = slices.Grow(d.Records[:0], count)
	d.headers = slices.Grow(d.headers[:0], count*mostHeaders)
	d.text = d.text[:0]
	for i := range b.Messages {
		if err := d.add(ctx, &b.Messages[i]); err != nil {
			return err
		}
	}
	routes.Aging(d.now, d.maker.warn)
	return nil
}

// copies is the number of records that an event without a key becomes.
func (k *Maker) copies(routes *topics.Routes) int {
	n := 0
	for _, t := range routes.All {
		n += int(k.topics.Partitions(t))
	}
	return n
}

// tombstoned reports whether a null value follows the event, for compaction to forget the key. A delete on a condition may not have been one.
func (k *Maker) tombstoned(m *sink.Message) bool {
	return k.o.Tombstones && m.Op == decode.OpDelete && !m.Conditional
}

// add makes the records of one change.
func (d *Batch) add(ctx context.Context, m *sink.Message) error {
	r := kgo.Record{Value: d.batch.Data[m.Begin:m.End], Partition: topics.AnyPartition, Timestamp: d.routes.Last}
	if m.HasTime {
		r.Timestamp = time.Unix(m.Time, 0)
		d.routes.Last = r.Timestamp
	}
	if !m.HasKey {
		if !d.maker.spreads(m) {
			return d.addAlone(ctx, m, r)
		}
		return d.addBarrier(ctx, m, r)
	}
	var err error
	if r.Key, err = d.keyOf(d.batch.Keys[m.KeyBegin:m.KeyEnd:m.KeyEnd]); err != nil {
		return err
	}
	if d.maker.o.Single {
		r.Partition = 0
	}
	topic, from := d.routes.ByType[m.Type], d.begin(m)
	if err := d.put(ctx, topic, r, from); err != nil || !d.maker.tombstoned(m) {
		return err
	}
	r.Value = nil
	return d.put(ctx, topic, r, from)
}

// addBarrier makes a record for each partition: the history of every key has to see the event.
func (d *Batch) addBarrier(ctx context.Context, m *sink.Message, r kgo.Record) error {
	for _, topic := range d.routes.All {
		n := d.maker.topics.Partitions(topic)
		for i := range n {
			from := d.begin(m)
			d.header(HeaderBarrier, strconv.AppendInt(append(strconv.AppendInt(d.text, int64(i), 10), '/'), int64(n), 10))
			r.Partition = i
			if topic.Compacted {
				r.Key = append([]byte(barrierKey), d.headers[from].Value...)
			}
			if err := d.put(ctx, topic, r, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin adds the headers that every record has, and tells where they begin.
func (d *Batch) begin(m *sink.Message) (from int) {
	from = len(d.headers)
	d.header(HeaderPosition, m.At.AppendText(append(d.text, d.routes.Name...)))
	d.headers = append(d.headers, kgo.RecordHeader{Key: headerOp, Value: d.maker.ops[m.Op]},
		kgo.RecordHeader{Key: HeaderContent, Value: d.maker.contentType}, kgo.RecordHeader{Key: HeaderSource, Value: d.maker.source})
	if m.Parts > 0 {
		d.header(HeaderPart, strconv.AppendUint(append(strconv.AppendUint(d.text, uint64(m.Part), 10), '/'), uint64(m.Parts), 10))
	}
	return from
}

// header adds one whose value has just been appended to d.text.
func (d *Batch) header(key string, text []byte) {
	value := text[len(d.text):len(text):len(text)]
	d.text = text
	d.headers = append(d.headers, kgo.RecordHeader{Key: key, Value: value})
}

// put adds the record, or the mark in its place if it is too large.
func (d *Batch) put(ctx context.Context, topic *topics.Topic, r kgo.Record, from int) error {
	r.Topic, r.Headers, r.Value = topic.Name, d.headers[from:len(d.headers):len(d.headers)], topic.Frame(r.Value)
	r.Timestamp = d.maker.timed(topic, r.Timestamp, d.now)
	if r.Value == nil { // a tombstone says nothing by its time
		r.Timestamp = topic.Times.Clamp(r.Timestamp, d.now)
	}
	if why := topic.Times.Check(r.Timestamp, d.now); why != "" {
		return d.refuse(r, errors.New(why))
	}
	size := recordSize(&r)
	if size > topic.Limit {
		if send, err := d.oversize(ctx, topic, &r, from, size); err != nil || !send {
			return err
		}
		topic, size = d.maker.topics.Named(r.Topic), recordSize(&r)
	}
	d.fit(topic, size)
	d.Records = append(d.Records, r)
	topic.Place(&d.Records[len(d.Records)-1])
	return nil
}

// fit notes a record that is larger than a batch.
func (d *Batch) fit(topic *topics.Topic, size int) {
	if topic.Fits(size) {
		return
	}
	if d.wide == nil {
		d.wide = map[*topics.Topic]int{}
	}
	d.wide[topic] = max(d.wide[topic], size)
}

// IsWide reports whether a record is larger than a batch.
func (d *Batch) IsWide() bool { return len(d.wide) > 0 }

// Widen makes batches large enough. Clients take note when they are opened.
func (d *Batch) Widen() {
	for topic, size := range d.wide {
		topic.Widen(size)
	}
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

// opTexts are the ops as values of a header.
func opTexts() [][]byte {
	var ops [][]byte
	for op := decode.OpOther; op <= decode.OpRewritten; op++ {
		ops = append(ops, []byte(op.String()))
	}
	return ops
}
