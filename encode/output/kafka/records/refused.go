package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
)

// timed gives a record of an event the time that the option timestamp says. An event without one gets that of its sending.
func (k *Maker) timed(topic *topics.Topic, t, now time.Time) time.Time {
	switch {
	case k.o.Timestamp == settings.TimeOfNow:
		return now
	case k.o.Timestamp == settings.TimeClamped && !t.IsZero():
		return topic.Times.Clamp(t, now)
	}
	return t
}

// RefusedError is an event that the brokers refuse for a reason of its own.
type RefusedError struct {
	At, Topic string
	Err       error
}

// Error names the event, and says what can be done.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the event at %s cannot be sent to topic %s: %v: raise a limit, give records another time with the option timestamp (clamp or now), "+
		"or say with the option on-refused where such events are to go", e.At, e.Topic, e.Err)
}

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// deadContent is the content type of a value that says in which topic the event is.
const deadContent = "application/vnd.pikabin.dead-letter+json"

// deadLetter is what the topic gets in the place of an event that is in the dead-letter topic.
type deadLetter struct {
	Topic  string `json:"topic"`
	Reason string `json:"reason"`
}

// Refuse puts a record of the batch that the brokers have refused into the dead-letter topic, and a mark into its place.
func (d *Batch) Refuse(i int, why error) error {
	r := d.Records[i]
	letter, mark, err := d.maker.bury(r, why)
	if err == nil {
		d.Records = slices.Insert(d.Records, i, letter)
		d.Records[i+1] = mark
		d.fit(d.maker.topics.Named(letter.Topic), recordSize(&letter))
	}
	return err
}

// Index finds a record of the batch by its address, -1 if it has none there.
func (d *Batch) Index(r *kgo.Record) int {
	for i := range d.Records {
		if &d.Records[i] == r {
			return i
		}
	}
	return -1
}

// refuse does the same with one that they would refuse, before it is sent.
func (d *Batch) refuse(r kgo.Record, why error) error {
	letter, mark, err := d.maker.bury(r, why)
	if err == nil {
		d.Records = append(d.Records, letter, mark)
		d.fit(d.maker.topics.Named(letter.Topic), recordSize(&letter))
	}
	return err
}

// bury makes a dead letter of a record, and the mark that takes its place.
func (k *Maker) bury(r kgo.Record, why error) (letter, mark kgo.Record, err error) {
	origin, to := k.topics.Named(r.Topic), k.topics.Named(k.o.RefusedTo)
	at := string(r.Headers[0].Value)
	if to == nil || to == origin {
		return letter, mark, &RefusedError{At: at, Topic: r.Topic, Err: why}
	}
	now := time.Now()
	mark, letter = r, r
	if mark.Value, err = k.deadText(deadLetter{to.Name, why.Error()}); err != nil {
		return letter, mark, err
	}
	mark.Timestamp = origin.Times.Clamp(r.Timestamp, now)
	mark.Headers = append(slices.Clone(r.Headers), kgo.RecordHeader{Key: HeaderDead, Value: []byte(to.Name)})
	mark.Headers[contentHeader].Value = []byte(deadContent)
	letter.Headers = append(slices.Clone(r.Headers), kgo.RecordHeader{Key: headerOversize, Value: []byte(origin.Name)},
		kgo.RecordHeader{Key: headerReason, Value: []byte(why.Error())}, kgo.RecordHeader{Key: headerTime, Value: strconv.AppendInt(nil, r.Timestamp.UnixMilli(), 10)})
	letter.Topic, letter.Timestamp = to.Name, to.Times.Clamp(r.Timestamp, now)
	if letter.Partition = topics.AnyPartition; letter.Key == nil {
		letter.Partition = 0
	}
	k.oversized.monitor.Oversized()
	k.warn(fmt.Sprintf("kafka: the event at %s goes to topic %s: %v", at, to.Name, why))
	err = errors.Join(place(to, &letter), place(origin, &mark))
	if mark.Value == nil && origin.Compacted { // which would forget the key
		mark.Key = append([]byte(barrierKey), at...)
	}
	return letter, mark, err
}

// deadText is the value of a mark. In a topic whose values have a schema it is null, which every consumer can read.
func (k *Maker) deadText(d deadLetter) ([]byte, error) {
	if len(k.o.Registry.URLs) > 0 {
		return nil, nil
	}
	return json.Marshal(map[string]deadLetter{"dead_letter": d})
}

// place finds the partition of a record that is not too large for its topic.
func place(t *topics.Topic, r *kgo.Record) error {
	if size := recordSize(r); size > t.Limit {
		return &oversizeError{at: string(r.Headers[0].Value), topic: t, size: size}
	}
	t.Place(r)
	return nil
}

// OwnFault tells errors of batches that are the fault of a record in it.
func OwnFault(err error) bool {
	for _, known := range []error{kerr.InvalidTimestamp, kerr.InvalidRecord, kerr.PolicyViolation, kerr.MessageTooLarge, kerr.RecordListTooLarge} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// EventText names a record.
func EventText(r *kgo.Record) string {
	return fmt.Sprintf("the event at %s (%d bytes) for partition %d of topic %s", r.Headers[0].Value, recordSize(r), r.Partition, r.Topic)
}
