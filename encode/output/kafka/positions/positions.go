// Package positions keeps how far each source has come, as records in one partition of a compacted topic.
//
// A record's key is SOURCE/LOG (SOURCE/claim/ of a DB "claim"), and its value the position in that log, as in a state file. The header "pikabin-output" holds what
// the position is of: the format, and each topic with its id and its number of partitions. The record SOURCE/claim says which
// process writes for the source: after its offset is the end of every transaction that the source had before. A record without a
// value forgets its position.
package positions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/encode/checkpoint"
)

// Partition holds the positions of every source, so that they are still found when the topic has got more partitions.
const Partition = 0

const (
	// Separator is between a source and a log. No source has it in its name.
	Separator = "/"

	claimName    = "claim"
	outputHeader = "pikabin-output"
)

// Config are the settings of a topic that is made for positions. Two commits a second would fill a segment of the usual size with
// ten days of positions, all of which are read at each start: compaction never touches the last segment.
func Config() map[string]string {
	return map[string]string{
		"cleanup.policy":            "compact",
		"segment.bytes":             "1048576",
		"min.cleanable.dirty.ratio": "0.1",
		"delete.retention.ms":       "3600000",
	}
}

// Topic is a topic as it was when a position in a log was saved.
type Topic struct {
	ID         string `json:"id,omitempty"` // "" where the brokers have no ids
	Partitions int32  `json:"partitions"`
}

// Output is what a position is of.
type Output struct {
	Format string           `json:"format,omitempty"`
	Topics map[string]Topic `json:"topics,omitempty"`
}

// Saved is a position with what it is of. Older versions have saved the position alone.
type Saved struct {
	Mark   checkpoint.Mark
	Output Output
}

// Source is a source in a topic of positions.
type Source struct{ Topic, Name string }

// Position makes the record of a position.
func (s Source) Position(log string, saved Saved) (*kgo.Record, error) {
	value, err := json.Marshal(saved.Mark)
	if err != nil {
		return nil, err
	}
	output, err := json.Marshal(saved.Output)
	if err != nil {
		return nil, err
	}
	r := s.record(checkpoint.NameOf(log, claimName), value)
	r.Headers = []kgo.RecordHeader{{Key: outputHeader, Value: output}}
	return r, nil
}

// Forget makes the record that forgets a position.
func (s Source) Forget(log string) *kgo.Record {
	return s.record(checkpoint.NameOf(log, claimName), nil)
}

// Claim makes the record that says which process writes.
func (s Source) Claim(who []byte) *kgo.Record { return s.record(claimName, who) }

func (s Source) record(name string, value []byte) *kgo.Record {
	return &kgo.Record{Topic: s.Topic, Partition: Partition, Key: []byte(s.Name + Separator + name), Value: value}
}

// Found is what the topic holds of a source.
type Found struct {
	Saved  map[string]Saved // by the names of the logs
	Broken map[string]error // what cannot be read: the last record of a log, where there is none before it that can
	Claims [][]byte         // who has claimed to write, committed or not, in their order
	Bytes  int64            // read for all sources
}

// reading picks what is of one source out of the records of the topic, and of the markers of transactions. It sees records that are
// not committed: it would else wait for the transactions of all other sources, those included whose processes are dead.
type reading struct {
	prefix string
	open   map[int64][]*kgo.Record // of transactions that have not ended, by producer
	found  Found
}

func newReading(source string) *reading {
	return &reading{
		prefix: source + Separator, open: map[int64][]*kgo.Record{},
		found: Found{Saved: map[string]Saved{}, Broken: map[string]error{}},
	}
}

// take takes the next record, or the marker of the end of a transaction.
func (r *reading) take(record *kgo.Record) {
	r.found.Bytes += int64(len(record.Key) + len(record.Value))
	switch {
	case record.Attrs.IsControl():
		records := r.open[record.ProducerID]
		delete(r.open, record.ProducerID)
		if isCommit(record.Key) {
			r.commit(records...)
		}
	case !strings.HasPrefix(string(record.Key), r.prefix):
	case string(record.Key) == r.prefix+claimName:
		r.found.Claims = append(r.found.Claims, record.Value)
	case record.Attrs.IsTransactional():
		r.open[record.ProducerID] = append(r.open[record.ProducerID], record)
	default:
		r.commit(record)
	}
}

// commit takes records that count. One that cannot be read was not written by pikabin: what was there before it holds.
func (r *reading) commit(records ...*kgo.Record) {
	for _, record := range records {
		log := checkpoint.LogOf(strings.TrimPrefix(string(record.Key), r.prefix))
		saved, err := parse(record)
		_, known := r.found.Saved[log]
		switch {
		case record.Value == nil:
			delete(r.found.Saved, log)
			delete(r.found.Broken, log)
		case err == nil:
			r.found.Saved[log] = saved
			delete(r.found.Broken, log)
		case !known:
			r.found.Broken[log] = fmt.Errorf("offset %d of topic %s: %w", record.Offset, record.Topic, err)
		}
	}
}

func parse(record *kgo.Record) (saved Saved, err error) {
	if err = json.Unmarshal(record.Value, &saved.Mark); err != nil {
		return saved, err
	}
	i := slices.IndexFunc(record.Headers, func(h kgo.RecordHeader) bool { return h.Key == outputHeader })
	if i >= 0 {
		err = json.Unmarshal(record.Headers[i].Value, &saved.Output)
	}
	return saved, err
}

// isCommit tells from the key of a marker what it says.
func isCommit(key []byte) bool {
	var k kmsg.ControlRecordKey
	return k.ReadFrom(key) == nil && k.Type == kmsg.ControlRecordKeyTypeCommit
}

// Err is about what cannot be read, nil if there is nothing.
func (f *Found) Err() error {
	var errs []error
	for _, log := range slices.Sorted(maps.Keys(f.Broken)) {
		errs = append(errs, fmt.Errorf("the position of %s: %w", log, f.Broken[log]))
	}
	return errors.Join(errs...)
}

// Marks are the positions alone.
func (f *Found) Marks() map[string]checkpoint.Mark {
	marks := map[string]checkpoint.Mark{}
	for log, saved := range f.Saved {
		marks[log] = saved.Mark
	}
	return marks
}
