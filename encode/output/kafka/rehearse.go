package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pikabin/encode/checkpoint"
	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/sink"
)

// Rehearse implements sink.Rehearser: it asks the brokers for the topics and the positions, makes none, and claims nothing.
func (o output) Rehearse(ctx context.Context, e sink.Env) (r sink.Rehearsal, err error) {
	s, err := prepare(o.Options, &e)
	if err != nil {
		return r, err
	}
	defer s.closeClients()
	defer context.AfterFunc(ctx, s.wire.Unplug)()
	r.Keeps = o.ExactlyOnce
	err = s.inTime(ctx, func(ctx context.Context) (err error) {
		r.Text, r.Positions, err = s.rehearse(ctx, e.DBs)
		return err
	})
	if err != nil {
		err = fmt.Errorf("kafka: %w", connect.Explained(err))
	}
	return r, err
}

func (s *producer) rehearse(ctx context.Context, dbs []string) (text string, found map[string]checkpoint.Mark, err error) {
	missing, err := s.topics.Missing(ctx, dbs)
	if err != nil {
		return "", nil, err
	}
	unknown, err := s.schema.Check(ctx, s.topics.Events(dbs))
	if err != nil {
		return "", nil, mistaken(err)
	}
	text = "the topics are there"
	if len(missing) > 0 {
		text = "topics would be made: " + strings.Join(missing, ", ")
	}
	if len(unknown) > 0 {
		text += "; the schema would be registered for: " + strings.Join(unknown, ", ")
	}
	if !s.o.ExactlyOnce || slices.Contains(missing, s.o.PositionsTopic) {
		return text, nil, nil
	}
	saved, err := positions.ReadAll(ctx, s.wire.Options(), positions.Source{Topic: s.o.PositionsTopic, Name: s.o.Source}, -1)
	if err != nil {
		return "", nil, fmt.Errorf("reading the positions of source %q: %w", s.o.Source, err)
	}
	return text, saved.Marks(), saved.Err()
}
