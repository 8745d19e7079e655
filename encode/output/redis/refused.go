package redis

import (
	"context"
	"fmt"
	"sync"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/disk"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/output/redis/words"
	"pikabin/encode/sink"
)

// RefusedError is an event that the server refuses for a reason of its own.
type RefusedError struct {
	DB, At  string
	Command string // shortened
	Err     error
	Applied bool // what comes after it in the same transaction has been done
}

// Error names the event, and says what can be done.
func (e *RefusedError) Error() string {
	rest := ""
	if e.Applied {
		rest = " what is around it was done, and its place is passed;"
	}
	return fmt.Sprintf("the server refuses the event of %s at %s, %s: %v:%s continue without it with --on-refused=skip, or with --on-refused=dlq:FILE, which keeps it",
		e.DB, e.At, e.Command, e.Err, rest)
}

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// refusals does with events that the server refuses what the user has said.
type refusals struct {
	policy  settings.RefusedPolicy
	file    *disk.Lines // nil: there is none
	monitor sink.Monitor

	mu    sync.Mutex // nodes of a cluster refuse at the same time
	count int
}

func openRefusals(ctx context.Context, o *settings.Options, e *sink.Env) (*refusals, error) {
	r := &refusals{policy: o.OnRefused, monitor: e.Watched()}
	if o.OnRefused != settings.RefusedToFile {
		return r, nil
	}
	var err error
	r.file, err = disk.New(e).OpenLines(ctx, o.RefusedTo)
	return r, err
}

// take says what becomes of a message of which the server has refused a command: an error ends the run.
func (r *refusals) take(ctx context.Context, u *unit, i, command int, why redis.Error) error {
	commands := u.of(i)
	return r.put(ctx, &positions.Letter{
		DB: u.log.String(), Position: u.messages[i].At.String(), Command: words.Describe(words.Args(commands, command)), Error: why.Error(), RESP: commands,
	})
}

// mostTold is how many are told one by one.
const mostTold = 10

func (r *refusals) put(ctx context.Context, l *positions.Letter) error {
	e := &RefusedError{DB: l.DB, At: l.Position, Command: l.Command, Err: redis.Error(l.Error)}
	if r.policy == settings.RefusedFails {
		return e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		if err := r.file.Append(ctx, l); err != nil {
			return err
		}
	}
	if r.count++; r.count <= mostTold {
		r.monitor.Warn(fmt.Sprintf("redis: left out the event of %s at %s, %s: %s", l.DB, l.Position, l.Command, l.Error))
	}
	return nil
}

// close says how many there were.
func (r *refusals) close() error {
	if r == nil {
		return nil
	}
	if r.count > mostTold {
		r.monitor.Warn(fmt.Sprintf("redis: the server has refused %d events, which were left out", r.count))
	}
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
