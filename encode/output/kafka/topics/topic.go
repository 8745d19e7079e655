package topics

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// defaultBatchBytes is max.message.bytes where the broker does not tell: what the Java producer and older brokers take.
const defaultBatchBytes = 1_000_012

// largestBatch leaves room for the rest of a request of 100 MiB, which is socket.request.max.bytes of a broker as it comes: a
// larger one would be cut off each time it is tried.
const largestBatch = 100<<20 - 64<<10

// leastBatch is the smallest one that a client has.
const leastBatch = 512

// Topic is a topic as it was found.
type Topic struct {
	Name      string
	Limit     int   // of a record, which is at least a batch: max.message.bytes and segment.bytes
	Compacted bool  // every record needs a key
	Times     Times // that records may have

	// Lead is before each value, and tells its schema. Empty: there is nothing before it.
	Lead []byte

	batch      atomic.Int64            // the largest batch
	id         string                  // "" where the brokers have no ids
	partitions atomic.Int32            // that every lane has seen
	seen       [mostLanes]atomic.Int32 // by each lane
	byKey      kgo.TopicPartitioner
	segment    int           // segment.bytes, 0 if it is not known: no batch is larger
	appendTime bool          // records get the time of the broker, whatever theirs is
	expires    bool          // records are deleted when they are old
	retention  time.Duration // how old an event may be before the brokers delete it; 0: any age
	aged       bool          // somebody has been told that events are older
	log        string        // the last one that has begun to send to it
	shared     bool          // somebody has been told that several logs do
}

// New makes a topic of which nothing is known but its number of partitions.
func New(name string, partitions int32) *Topic {
	t := &Topic{Name: name, Limit: defaultBatchBytes, byKey: KeyHash()}
	t.batch.Store(defaultBatchBytes)
	t.found(partitions)
	return t
}

// Routes are the topics that the changes of one log go to.
type Routes struct {
	Name   string // of the log, and a slash
	ByType []*Topic
	All    []*Topic  // each once
	Last   time.Time // of the last event with a time
}

// Aging tells once of each topic that the brokers delete what it is given, since they go by the time of the events.
func (l *Routes) Aging(now time.Time, warn func(string)) {
	for _, t := range l.All {
		if age := now.Sub(l.Last); t.expires && t.retention > 0 && !t.aged && !l.Last.IsZero() && age > t.retention {
			t.aged = true
			warn(fmt.Sprintf("kafka: topic %s keeps %v (retention.ms), and these events are %v old: the brokers may delete them at once",
				t.Name, t.retention, age.Round(time.Hour)))
		}
	}
}

// found says how many partitions there are before any lane has seen the topic.
func (t *Topic) found(partitions int32) {
	t.partitions.Store(partitions)
	for lane := range t.seen {
		t.seen[lane].Store(partitions)
	}
}

// bound brings together what bounds batches and records.
func (t *Topic) bound(batchBytes int64) {
	if t.segment > 0 {
		t.Limit = min(t.Limit, t.segment)
	}
	t.batch.Store(min(max(batchBytes, leastBatch), int64(t.Limit)))
	if t.appendTime {
		t.Times = Times{}
	}
}

// Fits reports whether a record is not larger than a batch.
func (t *Topic) Fits(size int) bool { return int64(size) <= t.batch.Load() }

// Widen makes batches large enough for a record, with room for some that are alike. Clients take note when they are opened.
func (t *Topic) Widen(size int) {
	t.batch.Store(min(max(t.batch.Load(), int64(2*size)), int64(t.Limit)))
}

// Frame puts the topic's Lead into the place of a value that was left for it. A value that has that of another topic is copied: both records
// may be under way at once.
func (t *Topic) Frame(value []byte) []byte {
	n := len(t.Lead)
	switch {
	case len(value) < n || bytes.Equal(value[:n], t.Lead):
		return value
	case bytes.Equal(value[:n], unset[:n]):
		copy(value, t.Lead)
		return value
	}
	return slices.Concat(t.Lead, value[n:])
}

// unset is the place before a value in which nothing has been put.
var unset [8]byte

// set takes a setting of the topic.
func (t *Topic) set(key, value string) {
	switch key {
	case "max.message.bytes":
		if n, err := strconv.Atoi(value); err == nil {
			t.Limit = min(max(n, leastBatch), largestBatch)
		}
	case "segment.bytes":
		if n, err := strconv.Atoi(value); err == nil {
			t.segment = max(n, leastBatch)
		}
	case "message.timestamp.type":
		t.appendTime = value == "LogAppendTime"
	case "message.timestamp.before.max.ms", "message.timestamp.after.max.ms":
		t.Times.set(key, value)
	case "cleanup.policy":
		t.Compacted, t.expires = strings.Contains(value, "compact"), strings.Contains(value, "delete")
	case "retention.ms":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n < math.MaxInt64/int64(time.Millisecond) {
			t.retention = time.Duration(max(n, 0)) * time.Millisecond
		}
	}
}
