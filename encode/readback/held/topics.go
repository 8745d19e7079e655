package held

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"pikabin/decode"
	"pikabin/encode/output/kafka/reading"
	"pikabin/encode/output/kafka/records"
	"pikabin/encode/readback"
	"pikabin/encode/readback/compare"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// topics finds the partitions of an output's topics. Each has the events of some keys, in the order of the log. format is the name of theirs; empty: the one that
// Kafka gets where none is named.
func topics(ctx context.Context, target, format string) (*compare.Held, func(), error) {
	name := cmp.Or(format, "jsonl")
	f, err := readback.Lookup(name)
	if err != nil {
		return nil, nil, err
	}
	if f.Value == nil {
		return nil, nil, fmt.Errorf("values of format %q are not read back from Kafka", name)
	}
	as, _ := formats.Lookup(name)
	t, err := reading.Open(ctx, target)
	if wrong, ok := errors.AsType[*sink.TargetError](err); ok {
		return nil, nil, wrong
	}
	if err != nil {
		return nil, nil, &UnreadError{err}
	}
	whole := &barriers{first: map[string]string{}}
	h := &compare.Held{Format: f, Parts: map[string][]compare.Part{}, Mixed: true}
	for _, p := range t.Partitions {
		h.Parts[""] = append(h.Parts[""], compare.Part{Name: "partition " + p.String(), Open: func(context.Context, *decode.Log) (readback.Messages, error) {
			r, err := t.Records(p)
			if err != nil {
				return nil, err
			}
			return &values{Records: r, of: t, name: p.String(), format: f, content: as.ContentType, barriers: whole}, nil
		}})
	}
	return h, t.Close, nil
}

// values are the events of a partition, for whoever waits for the ends of transactions.
type values struct {
	*reading.Records
	of       *reading.Topics
	name     string // of the partition
	format   *readback.Format
	content  string // the type that values have
	barriers *barriers
}

// Next implements readback.Messages. What is of another source is passed over, and so are tombstones, which repeat that a key was deleted.
func (v *values) Next(ctx context.Context) ([]byte, error) {
	for {
		r, err := v.Records.Next(ctx)
		if err == io.EOF { //nolint:errorlint // what wraps it is an error
			return nil, err
		}
		if err != nil {
			return nil, &UnreadError{err}
		}
		content, framed := r.Content()
		switch {
		case r.Header(records.HeaderSource) != v.of.Source:
			continue
		case r.Header(records.HeaderDead) != "":
			return nil, &readback.EventError{Err: fmt.Errorf("offset %d: in the place of the event at %s is a mark: it is in %s", r.Offset,
				r.Header(records.HeaderPosition), r.Header(records.HeaderDead))}
		case r.Value == nil, !v.barriers.take(r, v.name):
			continue
		case content != v.content:
			return nil, &readback.EventError{Err: fmt.Errorf("offset %d: its type is %q, and %s was expected: say with --format what was written", r.Offset, content, v.content)}
		}
		message, err := v.message(r, framed)
		if err != nil {
			err = &readback.EventError{Err: fmt.Errorf("offset %d: %w", r.Offset, err)}
		}
		return message, err
	}
}

func (v *values) message(r *reading.Record, framed bool) ([]byte, error) {
	value := r.Value
	if framed {
		var err error
		if value, err = r.Unframed(v.format.Name); err != nil {
			return nil, err
		}
	}
	return v.format.Value(value, framed)
}

// barriers are events that all partitions have, since they have no key. The comparison is given those of the partition that has given one first, and knows by it that
// the event is there.
type barriers struct {
	first map[string]string // partitions, by the places of events
}

// take reports whether a record is no barrier, or is given.
func (b *barriers) take(r *reading.Record, partition string) bool {
	if r.Header(records.HeaderBarrier) == "" {
		return true
	}
	place := r.Header(records.HeaderPosition) + " " + r.Header(records.HeaderPart)
	if b.first[place] == "" {
		b.first[place] = partition
	}
	return b.first[place] == partition
}
