// Package reading reads what topics hold, as a consumer does that waits for the ends of transactions.
package reading

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/sink"
)

// Scheme begins a target.
const Scheme = settings.Scheme

// Topics are those of an output.
type Topics struct {
	Source     string // whose events are read; others may be in the same topics
	Partitions []Partition

	wire *connect.Wire
	wait time.Duration // for something to come
}

// Partition is one of a topic, up to the end that it had when it was found.
type Partition struct {
	Topic      string
	Number     int32
	begin, end int64
}

// String is the partition as messages name it.
func (p Partition) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.Number) }

// Open finds the topics of a target, and how far their partitions go. Nothing is written, and no consumer group is joined. A mistake in the target is
// a *sink.TargetError.
func Open(ctx context.Context, target string) (*Topics, error) {
	o, err := settings.Parse(target, nil)
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	wire, err := connect.New(o)
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	t := &Topics{Source: o.Source, wire: wire, wait: o.StartTimeout}
	if err := t.find(ctx, o); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close ends all connections, those of what is still read included.
func (t *Topics) Close() { t.wire.Unplug() }

// find asks the brokers.
func (t *Topics) find(ctx context.Context, o *settings.Options) error {
	client, err := kgo.NewClient(t.wire.Options()...)
	if err != nil {
		return &sink.TargetError{Err: err}
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	err = t.list(ctx, kadm.NewClient(client), o)
	if errors.Is(err, context.DeadlineExceeded) {
		err = t.wire.Trouble.Reason()
	}
	if err != nil {
		return fmt.Errorf("kafka: %w", connect.Explained(err))
	}
	if len(t.Partitions) == 0 {
		return &sink.TargetError{Err: fmt.Errorf("the brokers have no topic %s, or this user may not describe it", o.Topic)}
	}
	return nil
}

// list takes the partitions of the topics whose names are those of the template.
func (t *Topics) list(ctx context.Context, admin *kadm.Client, o *settings.Options) error {
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	name := pattern(o.Topic)
	names := slices.DeleteFunc(topics.Names(), func(topic string) bool { return !name.MatchString(topic) })
	if len(names) == 0 {
		return nil
	}
	begins, err := admin.ListStartOffsets(ctx, names...)
	if err != nil {
		return err
	}
	ends, err := admin.ListCommittedOffsets(ctx, names...)
	if err != nil {
		return err
	}
	for _, end := range ends.Offsets().Sorted() {
		begin, _ := begins.Lookup(end.Topic, end.Partition)
		t.Partitions = append(t.Partitions, Partition{end.Topic, end.Partition, begin.Offset, end.At})
	}
	return errors.Join(begins.Error(), ends.Error())
}

// pattern matches the names that a template may become.
func pattern(template string) *regexp.Regexp {
	text := regexp.QuoteMeta(template)
	for _, part := range []string{"{db}", "{type}"} {
		text = strings.ReplaceAll(text, regexp.QuoteMeta(part), "[a-zA-Z0-9._-]+")
	}
	return regexp.MustCompile("^" + text + "$")
}
