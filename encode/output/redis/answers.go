package redis

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/words"
)

// accepted looks at the answers to what was sent of a transaction: the owner, and whether each command was queued. One that was not is left out, or ends
// the run. Then the transaction has to be sent again.
func (x *exactly) accepted(ctx context.Context, up *upload) (again bool, err error) {
	if err := expect(up.conn, "WATCH"); err != nil {
		return false, err
	}
	owner, err := up.conn.Receive()
	if err != nil {
		return false, err
	}
	if e, ok := owner.(redis.Error); ok {
		return false, e
	}
	if err := errors.Join(x.claim.Check(owner), expect(up.conn, "MULTI")); err != nil {
		return false, err
	}
	at, why := -1, redis.Error("")
	for i := range up.queued {
		reply, err := up.conn.Receive()
		if err != nil {
			return false, err
		}
		if e, ok := reply.(redis.Error); ok && at < 0 {
			at, why = i, e
		}
	}
	<-up.written
	if at < 0 || up.err != nil {
		return false, up.err
	}
	return true, x.turnedDown(ctx, up, at, why)
}

// turnedDown gives up a transaction of which a command was not queued. Nothing of it was done.
func (x *exactly) turnedDown(ctx context.Context, up *upload, at int, why redis.Error) error {
	if err := link.Judge(why); err != nil {
		return err
	}
	i, command := x.place(up, at)
	if i < 0 {
		return why
	}
	if _, err := up.conn.Do("DISCARD"); err != nil {
		return err
	}
	err := x.refused.take(ctx, up.unit, i, command, why)
	if err == nil {
		up.unit.leaveOut(i)
	}
	return err
}

// place is the message of a command of a transaction, and which of its commands it is. It is -1 for those that are ours.
func (x *exactly) place(up *upload, at int) (message, command int) {
	u := up.unit
	if u.db != x.o.DB {
		at--
	}
	for i := range u.messages {
		n := words.Count(u.of(i))
		if at >= 0 && at < n {
			return i, at
		}
		at -= n
	}
	return -1, 0
}

// look looks at the answers of a transaction that is done. An event that was refused is left out already: all else is done, and its place is
// passed. Where that is to end the run the server keeps it, so that the next run knows.
func (x *exactly) look(ctx context.Context, up *upload, answers []any) error {
	last := -1
	for at, answer := range answers {
		e, ok := answer.(redis.Error)
		if !ok {
			continue
		}
		i, command := x.place(up, at)
		if i < 0 {
			return e
		}
		if i == last {
			continue
		}
		last = i
		err := x.refused.take(ctx, up.unit, i, command, e)
		if refused, ok := errors.AsType[*RefusedError](err); ok {
			return x.endAt(up, refused)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endAt ends the run at an event that was refused.
func (x *exactly) endAt(up *upload, refused *RefusedError) error {
	refused.Applied = true
	text, err := json.Marshal(&positions.Letter{DB: refused.DB, Position: refused.At, Command: refused.Command, Error: refused.Err.Error()})
	if err == nil {
		err = x.claim.Put(up.conn, positions.Refused, string(text), positions.Answered, strconv.FormatUint(up.unit.seq, 10))
	}
	return errors.Join(refused, err)
}
