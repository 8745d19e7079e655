package redis

import (
	"context"
	"encoding/json"
	"fmt"

	"pikabin/encode/checkpoint"
	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/sink"
)

// IsTarget tells whether a value of --output is one of these.
func IsTarget(target string) bool { return settings.IsTarget(target) }

// LoadState reads the positions that a source has in a Redis. It disturbs no run.
func LoadState(ctx context.Context, target string) (state checkpoint.State, ok bool, err error) {
	s, err := openForState(ctx, target)
	if err != nil {
		return state, false, err
	}
	defer s.close()
	return s.state, !s.state.IsNew(), nil
}

// State holds the positions that a source has in a Redis.
type State struct {
	x     *exactly
	conn  *link.Conn
	state checkpoint.State
}

// OpenState reads the positions of a source, to change them. A run that is at work for the source ends.
func OpenState(ctx context.Context, target string) (*State, error) {
	s, err := openForState(ctx, target)
	if err != nil {
		return nil, err
	}
	if s.x.found, err = s.x.claim.Seize(s.conn); err != nil {
		s.close()
		return nil, s.failed("taking over", err)
	}
	s.take()
	return s, nil
}

// openForState connects to the server, and reads.
func openForState(ctx context.Context, target string) (*State, error) {
	options, err := settings.Parse(target, map[string]string{"exactly-once": "true"})
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	r, err := prepare(options, &sink.Env{})
	if err != nil {
		return nil, err
	}
	if err := r.reach(ctx); err != nil {
		return nil, err
	}
	s := &State{x: newExactly(r)}
	err = r.inTime(ctx, func(within context.Context) error { // the connection lasts longer than that
		if s.conn, err = r.dial(ctx); err != nil {
			return err
		}
		enough := context.AfterFunc(within, s.close)
		defer enough()
		if s.x.found, err = positions.Read(s.conn, options.Positions); err != nil {
			s.close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.take()
	return s, nil
}

// take makes a state of what was found. Its note is what else the next run meets.
func (s *State) take() {
	f := s.x.found
	s.state = checkpoint.State{Output: s.x.o.Name(), Format: formats[settings.Redis], DBs: f.Marks}
	if f.Refused != nil || f.Held {
		s.state.Note, _ = json.Marshal(leftover{f.Refused, f.Held}) // of texts alone, which is always possible
	}
}

// leftover is what a run has left besides positions.
type leftover struct {
	Refused *positions.Letter `json:"refused,omitempty"` // the event that ended it
	Held    bool              `json:"held,omitempty"`    // deadlines are still to be put into effect
}

// State is what was read or saved last, and whether it holds a position.
func (s *State) State() (checkpoint.State, bool) { return s.state, !s.state.IsNew() }

// Save writes the positions, and forgets those that are not in the state. With the last one goes what was told of transactions. An event that ended
// a run is forgotten where its DB has another position: it is done again, or left out, as the user says. Deadlines that are held stay held.
func (s *State) Save(state checkpoint.State) error {
	commands, err := s.x.found.Changes(s.x.claim.Key, state.DBs)
	if err == nil {
		err = s.x.claim.Exec(s.conn, commands...)
	}
	if err != nil {
		return s.failed("saving", err)
	}
	s.state.DBs, s.x.found.Marks = state.DBs, state.DBs
	return nil
}

func (s *State) failed(doing string, err error) error {
	return fmt.Errorf("redis: %s: %s the positions of source %q: %w", s.x.o.Hosts(), doing, s.x.o.Source, err)
}

func (s *State) close() { s.conn.Close() }

// Close ends the connection.
func (s *State) Close() error {
	s.close()
	return nil
}
