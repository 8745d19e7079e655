package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/checkpoint"
	"pikabin/encode/output/redis/link"
)

// The hash of positions has a field for each log, with its position as in a state, and these, of which no log has the name: fieldOf. A second key, with
// :owner at its end, says which run writes: it is what transactions watch.
const (
	fieldSeq      = "seq"      // how many transactions there were
	fieldAnswered = "answered" // up to which of them the run has seen the answers
	fieldRefused  = "refused"  // the event that ended a run, as a letter
	fieldHeld     = "held"     // deadlines are still to be put into effect
	ownerSuffix   = ":owner"
)

// fieldOf is the field of a log.
func fieldOf(log string) string {
	return checkpoint.NameOf(log, fieldSeq, fieldAnswered, fieldRefused, fieldHeld)
}

// found is what the server holds of a source.
type found struct {
	Marks    map[string]checkpoint.Mark
	Seq      uint64
	Answered uint64
	Refused  *letter
	Held     bool
}

// readPositions reads the hash.
func readPositions(conn *link.Conn, key string) (*found, error) {
	all, err := redis.StringMap(conn.Do("HGETALL", key))
	if err != nil {
		return nil, err
	}
	f := &found{Marks: map[string]checkpoint.Mark{}}
	for field, value := range all {
		if err := f.take(field, value); err != nil {
			return nil, fmt.Errorf("the position in key %s, field %s, cannot be read: %w: it was not written by pikabin", key, field, err)
		}
	}
	return f, nil
}

func (f *found) take(field, value string) (err error) {
	switch field {
	case fieldSeq:
		f.Seq, err = strconv.ParseUint(value, 10, 64)
	case fieldAnswered:
		f.Answered, err = strconv.ParseUint(value, 10, 64)
	case fieldRefused:
		f.Refused = &letter{}
		err = json.Unmarshal([]byte(value), f.Refused)
	case fieldHeld:
		f.Held = true
	default:
		var mark checkpoint.Mark
		err = json.Unmarshal([]byte(value), &mark)
		f.Marks[checkpoint.LogOf(field)] = mark
	}
	return err
}

// LostError is a server that does not hold any more what it had confirmed.
type LostError struct{ Key string }

// Error says what can be done.
func (e *LostError) Error() string {
	return fmt.Sprintf("the server has lost what it had confirmed, its key %s is older than that or gone: start again, which continues at the position that it holds "+
		"(appendfsync always and a maxmemory-policy of noeviction keep it)", e.Key)
}

// TakenError says that another run writes for the source.
type TakenError struct{ Source, Key string }

// Error says what can be done.
func (e *TakenError) Error() string {
	return fmt.Sprintf("another pikabin writes for this source now (%s, key %s): give one of them another name with the option source", e.Source, e.Key)
}

// landed forgets that deadlines are held.
func (x *exactly) landed(_ context.Context, conn *link.Conn) error {
	if _, err := conn.Do("SELECT", x.o.DB); err != nil {
		return err
	}
	_, err := conn.Do("HDEL", x.o.Positions, fieldHeld)
	return err
}
