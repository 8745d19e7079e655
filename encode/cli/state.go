package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/inspect"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/kafka"
	"pikabin/encode/run"
)

// stateCommand looks at a state, or changes its positions.
type stateCommand struct {
	File     string `arg:"" help:"The state file, or a Kafka output that keeps its positions itself."`
	Source   string `arg:"" optional:"" help:"The log, if it is not where the state was made with it."`
	Position string `arg:"" optional:"" help:"With --db: the position to go on from, such as 12:4096."`
	sourceFlags
	Clear       bool `env:"-" xor:"change" help:"Forget the positions: all, or those of --db."`
	UsePrevious bool `env:"-" xor:"change" help:"Take the state before this one, FILE.prev. Once more takes it back."`
	JSON        bool `name:"json" help:"For programs."`
}

// Help is shown by state --help.
func (*stateCommand) Help() string {
	return `Examples:

  pikabin state /var/lib/pikabin/state
  pikabin state /var/lib/pikabin/state --db db0 12:4096
  pikabin state /var/lib/pikabin/state --db db0 --clear
  pikabin state kafka://broker:9092/pika

Looking takes no lock. Setting and clearing do: while tail runs they end with exit code 6. Where the log is
there, a position is set with a fingerprint of what is before it, and one that is not in the log is refused.

What has been written to an output stays as it is. When the output is a file or a folder, which is
delivered exactly once, it goes on where it ends: set forward, the events between are never written to it, and
set back they are written once more. After --clear without --db the state is a new one, for a new output.`
}

// Run shows, sets or clears.
func (c *stateCommand) Run(ctx context.Context, s *streams) error {
	// The source may be left out in front of the position.
	if _, err := decode.ParsePosition(c.Source); err == nil && c.Position == "" {
		c.Source, c.Position = "", c.Source
	}
	if c.Position != "" && (c.Clear || c.UsePrevious) || c.JSON && (c.Position != "" || c.Clear || c.UsePrevious) {
		return usageError{errors.New("one thing at a time: show, set a position, --clear or --use-previous")}
	}
	if !kafka.IsTarget(c.File) && (c.Position != "" || c.Clear || c.UsePrevious) {
		if err := run.NewGuard([]string{c.Source}).State(c.File); err != nil {
			return err
		}
	}
	switch {
	case c.Position != "":
		return c.change(ctx, s, c.open(ctx), func(f positionStore) error { return c.set(ctx, s, f) })
	case c.Clear && len(c.DB)+len(c.ExcludeDB) > 0:
		return c.change(ctx, s, c.open(ctx), c.clearSome)
	case c.Clear:
		return c.change(ctx, s, c.openToReplace(ctx), func(f positionStore) error { return f.Save(checkpoint.State{}) })
	case c.UsePrevious:
		return c.usePrevious(ctx, s)
	}
	return c.show(ctx, s)
}

// positionStore is what keeps positions: a state file, or the topic of positions of a Kafka output.
type positionStore interface {
	State() (checkpoint.State, bool)
	Save(state checkpoint.State) error
	Close() error
}

// load reads the positions without a lock.
func (c *stateCommand) load(ctx context.Context) (checkpoint.State, bool, error) {
	if kafka.IsTarget(c.File) {
		return kafka.LoadState(ctx, c.File)
	}
	return checkpoint.Load(c.File)
}

// open gives what opens the positions to change them.
func (c *stateCommand) open(ctx context.Context) func() (positionStore, error) {
	if kafka.IsTarget(c.File) {
		return func() (positionStore, error) { return kafka.OpenState(ctx, c.File) }
	}
	return func() (positionStore, error) { return checkpoint.Open(c.File) }
}

// openToReplace is open for positions that may be damaged.
func (c *stateCommand) openToReplace(ctx context.Context) func() (positionStore, error) {
	if kafka.IsTarget(c.File) {
		return c.open(ctx)
	}
	return func() (positionStore, error) { return checkpoint.OpenToReplace(c.File) }
}

// usePrevious takes the state before this one, which files alone have.
func (c *stateCommand) usePrevious(ctx context.Context, s *streams) error {
	return c.change(ctx, s, c.openToReplace(ctx), func(f positionStore) error {
		file, ok := f.(*checkpoint.File)
		if !ok {
			return usageError{errors.New("--use-previous is for state files: Kafka keeps no positions before the last ones")}
		}
		return file.UsePrevious()
	})
}

// change opens the state, changes it and says what it was and is. Only setting a position makes a state.
func (c *stateCommand) change(ctx context.Context, s *streams, open func() (positionStore, error), change func(positionStore) error) (err error) {
	if _, ok, err := c.load(ctx); !ok && err == nil && c.Position == "" {
		return fmt.Errorf("there is no state %s", c.File)
	}
	f, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	before, _ := f.State()
	if err := change(f); err != nil {
		return err
	}
	after, _ := f.State()
	s.console.Info(fmt.Sprintf("%s: was %s, is %s", c.File, before.Places(), after.Places()))
	return nil
}

// set moves one position.
func (c *stateCommand) set(ctx context.Context, s *streams, f positionStore) error {
	p, err := decode.ParsePosition(c.Position)
	if err != nil {
		return usageError{err}
	}
	if len(c.DB) != 1 {
		return usageError{errors.New("a position is a place in one DB's log: name it with --db, such as --db db0")}
	}
	state, _ := f.State()
	logs, err := c.logs(s, &state)
	if err != nil {
		return err
	}
	name := c.DB[0]
	mark, known := state.DBs[name]
	i := slices.IndexFunc(logs, func(l *binlog.Log) bool { return l.ID().String() == name })
	if i < 0 && !known {
		return usageError{fmt.Errorf("there is no log %s: the state holds %s", name, state.Places())}
	}
	mark.Position, mark.Fence = p, decode.Fence{}
	if i < 0 {
		s.console.Warn(fmt.Sprintf("the log of %s is not there to compare: the position is taken as it is", name))
	} else if mark.Fence, err = fenceAt(ctx, s, logs[i], p); err != nil {
		return err
	}
	if c.Source != "" {
		if state.Source, err = checkpoint.Sources([]string{c.Source}); err != nil {
			return err
		}
	}
	state.DBs = maps.Clone(state.DBs)
	if state.DBs == nil {
		state.DBs = map[string]checkpoint.Mark{}
	}
	state.DBs[name] = mark
	return f.Save(state)
}

// fenceAt takes the fingerprint of a position.
func fenceAt(ctx context.Context, s *streams, l *binlog.Log, p decode.Position) (decode.Fence, error) {
	fence, err := l.Fence(ctx, p)
	if err == nil && p.Offset > 0 && fence.Content == (decode.Sum{}) {
		s.console.Warn(fmt.Sprintf("%s: no record is seen to end at %v: what is read from there may be damage (inspect --from shows the record it lies in)", l.ID(), p))
	}
	return fence, err
}

// clearSome forgets the positions of the DBs that are named. With the last one goes all the rest.
func (c *stateCommand) clearSome(f positionStore) error {
	state, _ := f.State()
	left := maps.Clone(state.DBs)
	maps.DeleteFunc(left, func(name string, _ checkpoint.Mark) bool { return c.wants(name) })
	if len(left) == len(state.DBs) {
		return usageError{fmt.Errorf("none of these is in the state: it holds %s", state.Places())}
	}
	if len(left) == 0 {
		return f.Save(checkpoint.State{})
	}
	state.DBs = left
	return f.Save(state)
}

// logs finds the logs of the user's source, or, if they are still there, those that the state was made with.
func (c *stateCommand) logs(s *streams, state *checkpoint.State) ([]*binlog.Log, error) {
	if c.Source != "" {
		return c.find(s, []string{c.Source})
	}
	if len(state.Source) == 0 {
		return nil, nil
	}
	logs, err := c.find(s, state.Source)
	if err != nil {
		s.console.Warn(fmt.Sprintf("the log of the state cannot be looked at: %v", err))
	}
	return logs, nil
}

// stateReport is what state prints.
type stateReport struct {
	File   string            `json:"file"`
	State  *checkpoint.State `json:"state"`
	Places []inspect.Place   `json:"places"`
}

// show prints the state and where its positions stand.
func (c *stateCommand) show(ctx context.Context, s *streams) error {
	state, ok, err := c.load(ctx)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("there is no state %s", c.File)
	}
	logs, err := c.logs(s, &state)
	if err != nil {
		return err
	}
	r := stateReport{File: c.File, State: &state}
	if r.Places, err = c.places(ctx, &state, logs); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.stdout).Encode(r)
	}
	return r.writeTable(s.stdout)
}

// places looks for each position in its log, those first whose logs are there.
func (c *stateCommand) places(ctx context.Context, state *checkpoint.State, logs []*binlog.Log) ([]inspect.Place, error) {
	var places []inspect.Place
	lone := maps.Clone(state.DBs)
	for _, l := range logs {
		name := l.ID().String()
		mark, ok := state.DBs[name]
		if !ok {
			places = append(places, inspect.NewPlace(l))
			continue
		}
		delete(lone, name)
		place, err := inspect.PlaceOf(ctx, l, inspect.Saved(mark))
		if err != nil {
			return nil, err
		}
		places = append(places, place)
	}
	for _, name := range slices.Sorted(maps.Keys(lone)) {
		if c.wants(name) {
			places = append(places, inspect.LonePlace(name, inspect.Saved(lone[name])))
		}
	}
	return places, nil
}

// writeTable writes the report for a person.
func (r *stateReport) writeTable(w io.Writer) error {
	var b strings.Builder
	output := slices.DeleteFunc([]string{cmp.Or(r.State.Output, "none yet"), r.State.Format, r.State.Compression}, func(s string) bool { return s == "" })
	fmt.Fprintf(&b, "%s\n  %-8s %s\n  %-8s %s\n  %-8s %d\n", r.File, "source", cmp.Or(strings.Join(r.State.Source, ", "), "none yet"),
		"output", strings.Join(output, ", "), "saves", r.State.Saves)
	if r.State.Note != nil {
		var note bytes.Buffer
		if err := json.Compact(&note, r.State.Note); err != nil {
			return err
		}
		fmt.Fprintf(&b, "  %-8s %s\n", "note", note.String())
	}
	if len(r.Places) > 0 {
		if err := inspect.WritePlaces(&b, r.Places); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
