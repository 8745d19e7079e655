package redis

import (
	"context"
	"strings"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/sink"
)

// Rehearse implements sink.Rehearser: it asks the server what it is and for the positions, and claims nothing.
func (o output) Rehearse(ctx context.Context, e sink.Env) (r sink.Rehearsal, err error) {
	s, err := o.reached(ctx, &e)
	if err != nil {
		return r, err
	}
	r.Keeps = o.ExactlyOnce
	what := strings.ToUpper(s.facts.Server[:1]) + s.facts.Server[1:]
	if s.facts.Cluster {
		what += " Cluster"
	}
	r.Text = strings.TrimSpace("a " + what + " " + s.facts.Version)
	if !o.ExactlyOnce {
		return r, nil
	}
	return r, s.inTime(ctx, func(ctx context.Context) error {
		f, err := s.look(ctx)
		if err != nil {
			return err
		}
		r.Positions = f.Marks
		if l := f.Refused; l != nil && o.OnRefused == settings.RefusedFails {
			return &RefusedError{DB: l.DB, At: l.Position, Command: l.Command, Err: redis.Error(l.Error), Applied: true}
		}
		return nil
	})
}

// look reads the positions.
func (s *replay) look(ctx context.Context) (*positions.Found, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return positions.Read(conn, s.o.Positions)
}
