package reading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/records"
	"pikabin/encode/output/kafka/registry"
)

// Bounds of what is fetched ahead of a partition.
const (
	fetchBytes     = 4 << 20
	partitionBytes = 1 << 20
)

// patience is how many clients wait for records, one after the other: a new one has new connections.
const patience = 3

// Records are those of a partition, one after the other.
type Records struct {
	p      Partition
	topics *Topics
	client *kgo.Client
	at     int64 // of the next one
	next   []*kgo.Record
}

// Records begins to read a partition at its first record.
func (t *Topics) Records(p Partition) (*Records, error) {
	r := &Records{p: p, topics: t, at: p.begin}
	return r, r.connect()
}

// connect makes a client that reads from where the next record is.
func (r *Records) connect() (err error) {
	r.client, err = kgo.NewClient(append(r.topics.wire.Options(), kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.p.Topic: {r.p.Number: kgo.NewOffset().At(r.at)}}))...)
	return err
}

// Close ends the reading.
func (r *Records) Close() { r.client.Close() }

// Record is a record of a partition.
type Record struct {
	Offset  int64
	Value   []byte // nil: a tombstone
	headers []kgo.RecordHeader
}

// Header is the value of a header, empty if the record does not have it.
func (r *Record) Header(name string) string {
	for _, h := range r.headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// Content is the type of the value, and whether the id of its schema is before it.
func (r *Record) Content() (content string, framed bool) {
	return strings.CutSuffix(r.Header(records.HeaderContent), registry.Framing)
}

// Unframed is the value, which is of a format, without the id.
func (r *Record) Unframed(format string) ([]byte, error) { return registry.Unframed(format, r.Value) }

// Next gives the next record, or io.EOF at the end that the partition had when it was found.
func (r *Records) Next(ctx context.Context) (*Record, error) {
	for {
		if len(r.next) == 0 {
			if r.at >= r.p.end {
				return nil, io.EOF
			}
			if err := r.fetch(ctx); err != nil {
				return nil, err
			}
		}
		record := r.next[0]
		r.next = r.next[1:]
		if record.Offset >= r.p.end {
			r.at = r.p.end
			r.next = nil
			continue
		}
		r.at = record.Offset + 1
		if !record.Attrs.IsControl() { // else it ends a transaction
			return &Record{record.Offset, record.Value, record.Headers}, nil
		}
	}
}

// fetch waits for records. A client to which nothing comes is given up for a new one, and that is said when none helps.
func (r *Records) fetch(ctx context.Context) error {
	for attempt := range patience {
		if attempt > 0 {
			r.client.Close()
			if err := r.connect(); err != nil {
				return err
			}
		}
		if came, err := r.poll(ctx); came || err != nil {
			return err
		}
	}
	return fmt.Errorf("kafka: partition %s ends at offset %d, and nothing came from offset %d for %v (option start-timeout)", r.p, r.p.end, r.at, r.topics.wait)
}

// poll waits for records of one client. came is false after its part of the time.
func (r *Records) poll(ctx context.Context) (came bool, err error) {
	brief, cancel := context.WithTimeout(ctx, r.topics.wait/patience)
	defer cancel()
	fetches := r.client.PollFetches(brief)
	err = fetches.Err()
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("kafka: partition %s at offset %d: %w", r.p, r.at, connect.Explained(err))
	}
	r.next = fetches.Records()
	return true, nil
}
