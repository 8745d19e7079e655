package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
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
	if err := x.seize(conn); err != nil {
		return err
	}
	x.seq, x.told, x.marks = x.found.Seq, x.found.Seq, x.found.Marks
	x.deadlines.waiting = x.deadlines.waiting || x.found.Held
	if x.found.Answered != x.found.Seq {
		x.tellUnanswered()
	}
	return x.settleRefused(ctx, conn)
}

// seize makes this run the owner, and reads the positions after that.
func (x *exactly) seize(conn *link.Conn) (err error) {
	x.owner = newOwner()
	if _, err := conn.Do("SET", x.ownerKey(), x.owner); err != nil {
		return err
	}
	x.found, err = readPositions(conn, x.o.Positions)
	return err
}

// newOwner is a name that no other run has.
func newOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text())
}

func (x *exactly) ownerKey() string { return x.o.Positions + ownerSuffix }

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
	_, err := conn.Do("HDEL", x.o.Positions, fieldRefused)
	return err
}

// claimAgain makes this run the one that writes under a new name, unless another one does: a transaction that is under way on an older connection is
// done by then, or never.
func (x *exactly) claimAgain(conn *link.Conn) error {
	if err := x.watch(conn); err != nil {
		return err
	}
	x.becoming = newOwner()
	if err := x.exec(conn, []any{"SET", x.ownerKey(), x.becoming}); err != nil {
		return err
	}
	x.owner = x.becoming
	return nil
}

// exec does commands in one transaction, unless what is watched has changed: another run has begun then.
func (x *exactly) exec(conn *link.Conn, commands ...[]any) error {
	for _, command := range append([][]any{{"MULTI"}}, commands...) {
		if _, err := conn.Do(command[0].(string), command[1:]...); err != nil {
			return err
		}
	}
	reply, err := conn.Do("EXEC")
	if err == nil && reply == nil {
		err = x.taken()
	}
	return err
}

// watch watches the key of the owner, which has to be this run.
func (x *exactly) watch(conn *link.Conn) error {
	if _, err := conn.Do("WATCH", x.ownerKey()); err != nil {
		return err
	}
	reply, err := conn.Do("GET", x.ownerKey())
	if err != nil {
		return err
	}
	return x.checkOwner(reply)
}

// checkOwner looks at the value of the owner's key. It is gone only if the server has lost it.
func (x *exactly) checkOwner(reply any) error {
	switch value, ok := reply.([]byte); {
	case ok && string(value) == x.owner:
		return nil
	case ok && string(value) == x.becoming: // its answer was lost
		x.owner = x.becoming
		return nil
	case reply == nil:
		return &LostError{Key: x.o.Positions}
	}
	return x.taken()
}

func (x *exactly) taken() error { return &TakenError{Source: x.o.Source, Key: x.o.Positions} }

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
