package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/checkpoint"
	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/sink"
)

// IsTarget reports whether a value of --output is a Kafka topic, whose positions State holds.
func IsTarget(target string) bool { return strings.HasPrefix(target, settings.Scheme) }

// LoadState reads the positions that a source has in Kafka. It disturbs no run.
func LoadState(ctx context.Context, target string) (state checkpoint.State, ok bool, err error) {
	s, err := openForState(ctx, target)
	if err != nil {
		return state, false, err
	}
	defer s.closeClients()
	found, err := positions.ReadAll(ctx, s.wire.Options(), positions.Source{Topic: s.o.PositionsTopic, Name: s.o.Source}, -1)
	if err != nil {
		return state, false, fmt.Errorf("kafka: reading the positions of source %q: %w", s.o.Source, connect.Explained(err))
	}
	state, err = s.stateOf(found), found.Err()
	return state, len(found.Saved) > 0, err
}

// State holds the positions that a source has in Kafka. A run that is at work for the source ends when one is opened.
type State struct {
	s     *producer
	ctx   context.Context //nolint:containedctx // of the one command that opens it
	state checkpoint.State
}

// OpenState reads the positions of a source, to change them.
func OpenState(ctx context.Context, target string) (*State, error) {
	s, err := openForState(ctx, target)
	if err != nil {
		return nil, err
	}
	s.anyPosition = true
	if err := s.inTime(ctx, s.claim); err != nil {
		s.closeClients()
		return nil, fmt.Errorf("kafka: %w", connect.Explained(err))
	}
	return &State{s: s, ctx: ctx, state: s.stateOf(s.tx.found)}, nil
}

// openForState connects to the brokers, at which the topic of positions has to be.
func openForState(ctx context.Context, target string) (*producer, error) {
	options, err := settings.Parse(target, map[string]string{"exactly-once": "true", "create-topics": "false"})
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	s, err := prepare(options, &sink.Env{})
	if err != nil {
		return nil, err
	}
	if err := s.inTime(ctx, s.topics.FindPositions); err != nil {
		s.closeClients()
		return nil, fmt.Errorf("kafka: %w", connect.Explained(err))
	}
	return s, nil
}

func (s *producer) stateOf(found *positions.Found) checkpoint.State {
	state := checkpoint.State{Output: settings.Scheme + strings.Join(s.o.Brokers, ",") + "/" + s.o.Topic, DBs: found.Marks()}
	for _, log := range slices.Sorted(maps.Keys(found.Saved)) {
		state.Format = found.Saved[log].Output.Format
	}
	return state
}

// State is what was read or saved last, and whether it holds a position.
func (k *State) State() (checkpoint.State, bool) { return k.state, !k.state.IsNew() }

// Save writes the positions that have changed, each for the topics as they are now, and forgets those that are not in the state.
func (k *State) Save(state checkpoint.State) error {
	var records []*kgo.Record
	source := k.s.tx.source
	for log := range k.s.tx.found.Saved {
		if _, stays := state.DBs[log]; !stays {
			records = append(records, source.Forget(log))
		}
	}
	for log := range k.s.tx.found.Broken {
		if _, stays := state.DBs[log]; !stays {
			records = append(records, source.Forget(log))
		}
	}
	for log, mark := range state.DBs {
		if was, ok := k.state.DBs[log]; ok && was == mark && len(state.DBs) > 1 {
			continue // it is another one that is set; setting a position where it is takes the topics as they are
		}
		record, err := k.record(log, mark)
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	if err := k.s.commitRecords(k.ctx, records...); err != nil {
		return fmt.Errorf("kafka: saving the positions of source %q: %w", k.s.o.Source, connect.Explained(err))
	}
	k.state.DBs = state.DBs
	return nil
}

func (k *State) record(log string, mark checkpoint.Mark) (*kgo.Record, error) {
	db, _, _ := strings.Cut(log, positions.Separator)
	present, err := k.s.topics.Present(k.ctx, k.s.topics.Names(db))
	if err != nil {
		return nil, err
	}
	present.Format = "" // any that the next run has
	return k.s.tx.source.Position(log, positions.Saved{Mark: mark, Output: *present})
}

// Close ends the connections.
func (k *State) Close() error {
	k.s.closeClients()
	return nil
}
