// Package saved is what a run has kept of its positions, in a state file or in an output, as the command state opens and shows it.
package saved

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/inspect"
	"pikabin/decode/units"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
	"pikabin/encode/cli/shared"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/redis"
)

// Store is what keeps positions: a state file, a state that several hosts share, or an output that keeps them itself: a Kafka or a Redis.
type Store interface {
	State() (checkpoint.State, bool)
	Save(state checkpoint.State) error
	Close() error
}

// IsFile tells a state file from what is elsewhere.
func IsFile(name string) bool {
	return !kafka.IsTarget(name) && !redis.IsTarget(name) && !shared.IsAddress(name)
}

// Load reads the positions without a lock. ok is false where there are none.
func Load(ctx context.Context, name string) (state checkpoint.State, ok bool, err error) {
	if kafka.IsTarget(name) {
		return kafka.LoadState(ctx, name)
	}
	if redis.IsTarget(name) {
		return redis.LoadState(ctx, name)
	}
	if shared.IsAddress(name) {
		s, err := shared.Open(name, func(string) {})
		if err != nil {
			return state, false, err
		}
		defer s.Close()
		return claim.Peek(ctx, s.Options)
	}
	return checkpoint.Load(name)
}

// Open opens the positions to change them.
func Open(ctx context.Context, name string) (Store, error) { return open(ctx, name, false) }

// OpenToReplace is Open for positions that may be damaged.
func OpenToReplace(ctx context.Context, name string) (Store, error) { return open(ctx, name, true) }

func open(ctx context.Context, name string, replace bool) (Store, error) {
	switch {
	case kafka.IsTarget(name):
		return kafka.OpenState(ctx, name)
	case redis.IsTarget(name):
		return redis.OpenState(ctx, name)
	case shared.IsAddress(name):
		return seize(ctx, name, replace)
	case replace:
		return checkpoint.OpenToReplace(name)
	}
	return checkpoint.Open(name)
}

// seized is a state that was taken from whoever held it.
type seized struct {
	*claim.Held
	close func()
}

// Close gives the state back, for the next run.
func (s *seized) Close() error {
	defer s.close()
	return s.Held.Close()
}

// seize takes a state that several hosts share from whoever holds it.
func seize(ctx context.Context, name string, replace bool) (Store, error) {
	s, err := shared.Open(name, func(string) {})
	if err != nil {
		return nil, err
	}
	held, err := claim.Seize(ctx, s.Options, replace)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &seized{Held: held, close: s.Close}, nil
}

// Log is a log of files or of a server.
type Log interface {
	inspect.Log
	Fence(ctx context.Context, p decode.Position) (decode.Fence, error)
}

// Report is a state, and where its positions are in the logs.
type Report struct {
	File   string             `json:"file"`
	State  *checkpoint.State  `json:"state"`
	Places []inspect.Standing `json:"places"`

	// Age is how many seconds ago a state was saved that several hosts share; nil: it does not say when that was.
	Age *float64 `json:"age_seconds,omitempty"`
}

// Date says how old the state is. The clock of the host that saved it may be ahead of this one's.
func (r *Report) Date(now time.Time) {
	if r.State.Run == nil || r.State.Run.Saved.IsZero() {
		return
	}
	age := max(now.Sub(r.State.Run.Saved), 0).Seconds()
	r.Age = &age
}

// writeRun writes who has the state, and since when nothing more was heard of that run.
func (r *Report) writeRun(b *strings.Builder) {
	run := r.State.Run
	if run == nil {
		return
	}
	fmt.Fprintf(b, "  %-8s term %d of %s%s\n", "run", run.Term, units.Visible(run.Holder), map[bool]string{true: ", which has ended", false: ", time to live " + run.TTL}[run.Ended])
	if r.Age != nil {
		age := time.Duration(*r.Age * float64(time.Second)).Round(100 * time.Millisecond)
		fmt.Fprintf(b, "  %-8s %s ago, at %s\n", "saved", age, run.Saved.Format(time.RFC3339))
	}
}

// Look looks for each position in its log, those first whose logs are there. Of the others those are shown that are wanted. An error of a log ends it unless
// pass gives nil for it: then its position is shown as that of a log which is not there.
func (r *Report) Look(ctx context.Context, logs []Log, wants func(log string) bool, pass func(log string, err error) error) error {
	lone := maps.Clone(r.State.DBs)
	for _, l := range logs {
		name := l.ID().String()
		mark, ok := r.State.DBs[name]
		if !ok {
			r.Places = append(r.Places, inspect.NewStanding(l))
			continue
		}
		delete(lone, name)
		place, err := inspect.StandingOf(ctx, l, inspect.Saved(mark))
		if err != nil {
			if err := pass(name, err); err != nil {
				return err
			}
			place = inspect.LoneStanding(name, inspect.Saved(mark))
		}
		r.Places = append(r.Places, place)
	}
	for _, name := range slices.Sorted(maps.Keys(lone)) {
		if wants(name) {
			r.Places = append(r.Places, inspect.LoneStanding(name, inspect.Saved(lone[name])))
		}
	}
	return nil
}

// WriteTable writes the report for a person.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	output := slices.DeleteFunc([]string{cmp.Or(r.State.Output, "none yet"), r.State.Format, r.State.Compression}, func(s string) bool { return s == "" })
	fmt.Fprintf(&b, "%s\n  %-8s %s\n  %-8s %s\n  %-8s %d\n", units.Visible(r.File), "source", units.Visible(cmp.Or(strings.Join(r.State.Source, ", "), "none yet")),
		"output", units.Visible(strings.Join(output, ", ")), "saves", r.State.Saves)
	r.writeRun(&b)
	for _, name := range slices.Sorted(maps.Keys(r.State.Settings)) {
		fmt.Fprintf(&b, "  %-8s --%s %s\n", "setting", name, units.Visible(r.State.Settings[name]))
	}
	if r.State.Note != nil {
		var note bytes.Buffer
		if err := json.Compact(&note, r.State.Note); err != nil {
			return err
		}
		fmt.Fprintf(&b, "  %-8s %s\n", "note", units.Visible(note.String()))
	}
	if len(r.Places) > 0 {
		if err := inspect.WriteStandings(&b, r.Places); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
