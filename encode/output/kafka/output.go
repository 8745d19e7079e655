package kafka

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/records"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/sink"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "kafka",
	Form:      "kafka://HOST:PORT[,HOST:PORT]/TOPIC",
	Doc:       "a Kafka topic; {db} and {type} in its name are those of the event",
	Delivered: "acknowledged by all in-sync replicas",
	Crash:     "at least once, in order for each key; once with the option exactly-once",
	Settings:  flags,
	Variables: settings.Variables,
	Parse:     parse,
}

// flags are those options that decide what consumers see. They are taken from the URL and from PIKABIN_KAFKA_... too.
var flags = []sink.Setting{
	{Name: "exactly-once", Help: "Events and position in one transaction."},
	sink.Standby,
	{Name: "create-topics", Help: "Make topics that are missing."},
	{Name: "single-partition", Help: "Everything into partition 0, for a total order."},
	{Name: "tombstones", Help: "A null after each delete, for compacted topics."},
	{
		Name: "on-oversize", Placeholder: "HOW",
		Help: "An event above max.message.bytes: fail, dlq:TOPIC, dlq:/FILE (the whole event) or blob:FOLDER (its value).",
	},
	{Name: "on-refused", Placeholder: "HOW", Help: "An event that the server refuses: fail or dlq:TOPIC with Kafka; fail, skip or dlq:FILE with a Redis or Pika."},
}

// output is a value of --output, and the options that were given elsewhere.
type output struct{ *settings.Options }

func parse(target string, given map[string]string) (sink.Output, bool, error) {
	if !IsTarget(target) {
		return nil, false, nil
	}
	options, err := settings.Parse(target, given)
	return output{options}, true, err
}

// Target implements sink.Output. Besides the topics there may be a place for events that are too large for them.
func (o output) Target() sink.Target {
	t := sink.Target{First: true, Keeps: o.ExactlyOnce}
	switch o.OnOversize {
	case settings.OversizeToFile:
		t.Paths = []string{o.OversizeTo}
	case settings.OversizeToFolder:
		t.Paths = []string{filepath.Clean(o.OversizeTo) + "/"}
	case settings.OversizeFails, settings.OversizeToTopic:
	}
	return t
}

// Identity implements sink.Output: brokers come and go, the cluster stays.
func (o output) Identity(ctx context.Context, m sink.Monitor) (string, error) {
	s, err := prepare(o.Options, &sink.Env{Monitor: m})
	if err != nil {
		return "", err
	}
	defer s.closeClients()
	defer context.AfterFunc(ctx, s.wire.Unplug)()
	var cluster string
	err = s.inTime(ctx, func(ctx context.Context) (err error) {
		cluster, err = s.topics.Cluster(ctx)
		return err
	})
	switch {
	case err == nil:
		return settings.Scheme + cluster + "/" + o.Topic, nil
	case ctx.Err() != nil:
		return "", &sink.StoppedError{Err: fmt.Errorf("kafka: %w", err)}
	}
	return "", fmt.Errorf("kafka: %w", connect.Explained(err))
}

// closeMargin is what the end of a run may take besides the option close-timeout, which is for each of its steps.
const closeMargin = 10 * time.Second

// Open implements sink.Output. The sink ends itself when it cannot deliver in time, so that Drain is only for what hangs.
func (o output) Open(ctx context.Context, e sink.Env) (sink.Opened, error) {
	if e.Frames != nil && !e.Inside {
		return sink.Opened{}, &sink.TargetError{Err: errors.New("--compress is for files: the option compression is Kafka's own")}
	}
	s, err := newProducer(ctx, o.Options, &e)
	if err != nil {
		return sink.Opened{}, err
	}
	opened := sink.Opened{Sink: s, Traits: sink.Traits{Messages: true, Lead: s.schema.Lead(), Drain: 3*o.CloseTimeout + closeMargin, Failed: s.broken}}
	if o.ExactlyOnce {
		opened.Sink, opened.Found.Positions = exactly{s}, s.tx.found.Marks()
	} else {
		opened.Traits.Note = func() any { return s.topics.Outputs() } // what the positions of a state are of
	}
	return opened, nil
}

func newProducer(ctx context.Context, options *settings.Options, e *sink.Env) (*producer, error) {
	s, err := prepare(options, e)
	if err != nil {
		return nil, err
	}
	e.Content = s.schema.Content(e.Content)
	if s.maker, err = records.NewMaker(ctx, options, s.topics, s.disk, e); err == nil {
		err = s.start(ctx, e)
	}
	if err != nil {
		s.closeClients()
		return nil, err
	}
	s.background.Go(func() { s.watch(e.Stop) })
	s.background.Go(s.mendEach)
	if s.tx != nil {
		s.background.Go(s.commitEach)
	}
	return s, nil
}
