// Package positions is what a Redis holds of a source: up to where its logs were done, and which run writes.
package positions

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/checkpoint"
	"pikabin/encode/output/redis/link"
)

// The hash of positions has a field for each log, with its position as in a state, and these, of which no log has the name: FieldOf. A second key, with
// :owner at its end, says which run writes: it is what transactions watch.
const (
	Seq      = "seq"      // how many transactions there were
	Answered = "answered" // up to which of them the run has seen the answers
	Refused  = "refused"  // the event that ended a run, as a letter
	Held     = "held"     // deadlines are still to be put into effect

	ownerSuffix = ":owner"
)

// FieldOf is the field of a log.
func FieldOf(log string) string {
	return checkpoint.NameOf(log, Seq, Answered, Refused, Held)
}

// Letter is an event that the server refuses: the one that ended a run, or a line of the file for those that are left out.
type Letter struct {
	DB       string `json:"db"`
	Position string `json:"position"`
	Command  string `json:"command"` // shortened
	Error    string `json:"error"`
	RESP     []byte `json:"resp_b64,omitempty"` // all commands of the event, as they were sent
}

// Found is what the server holds of a source.
type Found struct {
	Marks    map[string]checkpoint.Mark
	Seq      uint64
	Answered uint64
	Refused  *Letter
	Held     bool
}

// Read reads the hash of positions.
func Read(conn *link.Conn, key string) (*Found, error) {
	all, err := redis.StringMap(conn.Do("HGETALL", key))
	if err != nil {
		return nil, err
	}
	f := &Found{Marks: map[string]checkpoint.Mark{}}
	for field, value := range all {
		if err := f.take(field, value); err != nil {
			return nil, fmt.Errorf("the position in key %s, field %s, cannot be read: %w: it was not written by pikabin", key, field, err)
		}
	}
	return f, nil
}

func (f *Found) take(field, value string) (err error) {
	switch field {
	case Seq:
		f.Seq, err = strconv.ParseUint(value, 10, 64)
	case Answered:
		f.Answered, err = strconv.ParseUint(value, 10, 64)
	case Refused:
		f.Refused = &Letter{}
		err = json.Unmarshal([]byte(value), f.Refused)
	case Held:
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

// Changes are the commands that make positions that were found those of marks. With the last one goes what was told of transactions. An event that ended a run
// is forgotten where its DB has another position.
func (f *Found) Changes(key string, marks map[string]checkpoint.Mark) ([][]any, error) {
	gone, set := []any{key}, []any{key}
	for log := range f.Marks {
		if _, stays := marks[log]; !stays {
			gone = append(gone, FieldOf(log))
		}
	}
	if len(marks) == 0 {
		gone = append(gone, Seq, Answered)
	}
	if l := f.Refused; l != nil && marks[l.DB] != f.Marks[l.DB] {
		gone = append(gone, Refused)
	}
	for log, mark := range marks {
		text, err := json.Marshal(mark)
		if err != nil {
			return nil, err
		}
		set = append(set, FieldOf(log), text)
	}
	var commands [][]any
	if len(gone) > 1 {
		commands = append(commands, append([]any{"HDEL"}, gone...))
	}
	if len(set) > 1 {
		commands = append(commands, append([]any{"HSET"}, set...))
	}
	return commands, nil
}
