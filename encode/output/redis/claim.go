package redis

import (
	"context"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/settings"
)

// claimFirst makes this run the one that writes for the source, whoever did before, and reads the positions. What the former run has under way is
// in them, or is never done: its transactions watch the key.
func (x *exactly) claimFirst(ctx context.Context) error {
	conn, err := x.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if x.found, err = x.claim.Seize(conn); err != nil {
		return err
	}
	x.seq, x.told, x.marks = x.found.Seq, x.found.Seq, x.found.Marks
	x.deadlines.waiting = x.deadlines.waiting || x.found.Held
	if x.found.Answered != x.found.Seq {
		x.tellUnanswered()
	}
	return x.settleRefused(ctx, conn)
}

// tellUnanswered says what is not known of a transaction whose answers nobody has seen.
func (x *exactly) tellUnanswered() {
	x.monitor.Warn("redis: the answers to the last transaction were lost with its connection: it was done, but whether the server has refused an event in it is not known")
}

// settleRefused does with the event that ended an earlier run what the user says now.
func (x *exactly) settleRefused(ctx context.Context, conn *link.Conn) error {
	l := x.found.Refused
	if l == nil {
		return nil
	}
	if x.o.OnRefused == settings.RefusedFails {
		return &RefusedError{DB: l.DB, At: l.Position, Command: l.Command, Err: redis.Error(l.Error), Applied: true}
	}
	if err := x.refused.put(ctx, l); err != nil {
		return err
	}
	_, err := conn.Do("HDEL", x.o.Positions, positions.Refused)
	return err
}

// landed forgets that deadlines are held.
func (x *exactly) landed(_ context.Context, conn *link.Conn) error {
	if _, err := conn.Do("SELECT", x.o.DB); err != nil {
		return err
	}
	_, err := conn.Do("HDEL", x.o.Positions, positions.Held)
	return err
}

// dial makes a connection to the DB that holds the positions.
func (s *replay) dial(ctx context.Context) (*link.Conn, error) {
	conn, err := s.dialer.Dial(ctx)
	if err == nil && s.o.DB != 0 {
		if _, err = conn.Do("SELECT", s.o.DB); err != nil {
			conn.Close()
		}
	}
	return conn, err
}
