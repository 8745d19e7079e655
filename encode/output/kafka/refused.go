package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The times that records may have, see the option timestamp.
const (
	timeOfEvent = "event"
	timeOfNow   = "now"
	timeClamped = "clamp"
)

// clampMargin keeps clamped times from the edge of what a broker takes, whose clock is another one.
const clampMargin = time.Minute

// timeBounds are how far the time of a record may be from the broker's clock; 0: any distance.
type timeBounds struct{ before, after time.Duration }

// set takes a setting of a topic.
func (b *timeBounds) set(key, value string) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n >= int64(1<<63-1)/int64(time.Millisecond) {
		return
	}
	switch key {
	case "message.timestamp.before.max.ms":
		b.before = time.Duration(n) * time.Millisecond
	case "message.timestamp.after.max.ms":
		b.after = time.Duration(n) * time.Millisecond
	}
}

// check says why a broker refuses a time, "" if it does not.
func (b *timeBounds) check(t, now time.Time) string {
	switch {
	case t.IsZero():
	case b.after > 0 && t.Sub(now) > b.after:
		return fmt.Sprintf("its time %s is %v ahead, and the topic takes %v (message.timestamp.after.max.ms)",
			t.UTC().Format(time.RFC3339), t.Sub(now).Round(time.Second), b.after)
	case b.before > 0 && now.Sub(t) > b.before:
		return fmt.Sprintf("its time %s is %v ago, and the topic takes %v (message.timestamp.before.max.ms)",
			t.UTC().Format(time.RFC3339), now.Sub(t).Round(time.Second), b.before)
	}
	return ""
}

// clamp gives the nearest time that a broker takes.
func (b *timeBounds) clamp(t, now time.Time) time.Time {
	if last := now.Add(b.after - min(clampMargin, b.after/2)); b.after > 0 && t.After(last) {
		return last
	}
	if first := now.Add(min(clampMargin, b.before/2) - b.before); b.before > 0 && t.Before(first) {
		return first
	}
	return t
}

// timed gives a record of an event the time that the option timestamp says. An event without one gets that of its sending.
func (o *options) timed(topic *topic, t, now time.Time) time.Time {
	switch {
	case o.timestamp == timeOfNow:
		return now
	case o.timestamp == timeClamped && !t.IsZero():
		return topic.times.clamp(t, now)
	}
	return t
}

// parseRefused reads the option on-refused: "" or the dead-letter topic.
func parseRefused(v *values) string {
	value := v.text("on-refused", "fail")
	to, dlq := strings.CutPrefix(value, "dlq:")
	if value == "fail" {
		return ""
	}
	if !dlq || checkTopicName(to) != nil || strings.Contains(to, "{") {
		v.fail("on-refused", "fail or dlq:TOPIC")
	}
	return to
}

// refusedError is an event that the brokers refuse for a reason of its own.
type refusedError struct {
	at, topic, why string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the event at %s cannot be sent to topic %s: %s: raise that, give records another time with the option timestamp (clamp or now), "+
		"or say with the option on-refused where such events are to go", e.at, e.topic, e.why)
}

// deadContent is the content type of a value that says in which topic the event is.
const deadContent = "application/vnd.pikabin.dead-letter+json"

// deadLetter is what the topic gets in the place of an event that is in the dead-letter topic.
type deadLetter struct {
	Topic  string `json:"topic"`
	Reason string `json:"reason"`
}

// refuse puts a record that the brokers would refuse into the dead-letter topic, and a mark into its place.
func (d *delivery) refuse(origin *topic, r kgo.Record, from int, why string) error {
	s := d.sink
	at := string(r.Headers[0].Value)
	if s.o.refusedTo == "" {
		return &refusedError{at: at, topic: origin.name, why: why}
	}
	now := time.Now()
	mark, letter := r, r
	var err error
	if mark.Value, err = json.Marshal(map[string]deadLetter{"dead_letter": {s.o.refusedTo, why}}); err != nil {
		return err
	}
	mark.Timestamp = origin.times.clamp(r.Timestamp, now)
	mark.Headers = d.headersOf(from, kgo.RecordHeader{Key: headerDead, Value: []byte(s.o.refusedTo)})
	mark.Headers[contentHeader].Value = []byte(deadContent)
	letter.Headers = d.headersOf(from, kgo.RecordHeader{Key: headerOversize, Value: []byte(origin.name)},
		kgo.RecordHeader{Key: headerReason, Value: []byte(why)}, kgo.RecordHeader{Key: headerTime, Value: strconv.AppendInt(nil, r.Timestamp.UnixMilli(), 10)})
	to := s.topics.byName[s.o.refusedTo]
	letter.Topic, letter.Timestamp = to.name, to.times.clamp(r.Timestamp, now)
	if letter.Partition = anyPartition; letter.Key == nil {
		letter.Partition = 0
	}
	s.oversized.count()
	s.warn(fmt.Sprintf("kafka: the event at %s goes to topic %s: %s", at, to.name, why))
	for _, each := range []struct {
		topic  *topic
		record kgo.Record
	}{{to, letter}, {origin, mark}} {
		if size := recordSize(&each.record); size > each.topic.limit {
			return &oversizeError{at: at, topic: each.topic, size: size}
		}
		d.records = append(d.records, each.record)
		each.topic.place(&d.records[len(d.records)-1])
	}
	return nil
}

// headersOf are those from a place on, and some more.
func (d *delivery) headersOf(from int, more ...kgo.RecordHeader) []kgo.RecordHeader {
	return append(slices.Clone(d.headers[from:]), more...)
}

// ownFault tells errors of records that are theirs, so that a batch with such a record is refused as a whole.
func ownFault(err error) bool {
	return errors.Is(err, kerr.InvalidTimestamp) || errors.Is(err, kerr.InvalidRecord)
}

// eventText names a record that was given up. Of a batch with one bad record the brokers refuse all, from the first one on.
func eventText(r *kgo.Record, err error) string {
	text := fmt.Sprintf("the event at %s (%d bytes) for partition %d of topic %s", r.Headers[0].Value, recordSize(r), r.Partition, r.Topic)
	if ownFault(err) {
		text += ", or one after it in the same batch"
	}
	return text
}
