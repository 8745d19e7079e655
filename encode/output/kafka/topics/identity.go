package topics

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/sink"
)

// Remember takes from the note of a state what its positions are of.
func (k *Topics) Remember(note json.RawMessage) error {
	if note == nil || k.o.ExactlyOnce {
		return nil
	}
	var output positions.Output
	if err := json.Unmarshal(note, &output); err != nil {
		return fmt.Errorf("the note of the state cannot be read: %w", err)
	}
	k.note = &output
	return nil
}

// Compare compares the topics of the DBs that are known with those that the saved positions are of.
func (k *Topics) Compare(ctx context.Context, dbs []string) error {
	for _, log := range k.logs(dbs) {
		db, _, _ := strings.Cut(log, positions.Separator)
		if err := k.check(ctx, log, k.Names(db)); err != nil {
			return err
		}
	}
	return nil
}

// Settle makes those that are missing.
func (k *Topics) Settle(ctx context.Context, dbs []string) error {
	return k.find(ctx, k.wanted(dbs), k.forEvents())
}

// logs are those of the DBs of which something is saved. A state has one note for all of them.
func (k *Topics) logs(dbs []string) []string {
	if k.note != nil {
		return dbs
	}
	var logs []string
	for log := range k.saved {
		if db, _, _ := strings.Cut(log, positions.Separator); slices.Contains(dbs, db) {
			logs = append(logs, log)
		}
	}
	slices.Sort(logs)
	return logs
}

// check compares the topics of a log with those that its saved position is of.
func (k *Topics) check(ctx context.Context, log string, names []string) error {
	saved, ok := k.savedOutput(log, names)
	if !ok {
		return nil
	}
	present, err := k.Present(ctx, names)
	if err != nil {
		return err
	}
	err = saved.Check(log, names, present, k.o.AllowRepartition)
	if changed, ok := errors.AsType[*positions.ChangedError](err); ok {
		err = fmt.Errorf("%w: %s", err, k.Remedy(log))
		if changed.Format {
			err = &sink.TargetError{Err: err}
		}
	}
	return err
}

// Present are the topics as they are now, those that are not there left out.
func (k *Topics) Present(ctx context.Context, names []string) (*positions.Output, error) {
	found, _, err := k.look(ctx, names)
	if err != nil {
		return nil, err
	}
	present := &positions.Output{Format: k.format, Topics: map[string]positions.Topic{}}
	for name, detail := range found {
		if detail.Err == nil && len(detail.Partitions) > 0 {
			present.Topics[name] = positions.Topic{ID: topicID(detail), Partitions: int32(len(detail.Partitions))}
		}
	}
	return present, nil
}

// savedOutput is what the position of a log is of. That of a state is known for all topics together.
func (k *Topics) savedOutput(log string, names []string) (*positions.Output, bool) {
	if k.note != nil {
		return k.note, slices.ContainsFunc(names, func(name string) bool { _, ok := k.note.Topics[name]; return ok })
	}
	saved, ok := k.saved[log]
	return &saved, ok
}

// Remedy says what to do when the output is another one.
func (k *Topics) Remedy(log string) string {
	if !k.o.ExactlyOnce {
		return "put the topic back, or begin with a new state (--state), which sends all events from --from on"
	}
	return fmt.Sprintf("put the topic back, or forget the positions of source %q with \"pikabin state %s%s/%s%s --clear\", and all events are sent from --from on, "+
		"or set one with \"--db %s SEGMENT:OFFSET\" instead of --clear, and they are sent from there on", k.o.Source, settings.Scheme, strings.Join(k.o.Brokers, ","), k.o.Topic, sourceOption(k.o), log)
}

// sourceOption is how the source is named where it is not the topic.
func sourceOption(o *settings.Options) string {
	if o.Source == o.Topic {
		return ""
	}
	return "?source=" + o.Source
}

// Output is what the present position of a log is of.
func (k *Topics) Output(log *Routes) positions.Output {
	o := positions.Output{Format: k.format, Topics: map[string]positions.Topic{}}
	for _, t := range log.All {
		o.Topics[t.Name] = t.identity()
	}
	return o
}

// Outputs are the topics that events have gone to, or may go to.
func (k *Topics) Outputs() positions.Output {
	k.mu.Lock()
	defer k.mu.Unlock()
	o := positions.Output{Format: k.format, Topics: map[string]positions.Topic{}}
	for name, t := range k.byName {
		o.Topics[name] = t.identity()
	}
	return o
}

func (t *Topic) identity() positions.Topic {
	return positions.Topic{ID: t.id, Partitions: t.partitions.Load()}
}

// topicID is the id of a topic as Kafka's own programs print it.
func topicID(detail kadm.TopicDetail) string {
	if detail.ID == (kadm.TopicID{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(detail.ID[:])
}
