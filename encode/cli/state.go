package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica"
	"pikabin/decode/replica/link"
	"pikabin/encode/checkpoint"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/network"
	"pikabin/encode/cli/saved"
	"pikabin/encode/cli/shell"
	"pikabin/encode/run"
)

// stateCommand looks at a state, or changes its positions.
type stateCommand struct {
	File     string `arg:"" help:"The state file, the address of a state that several hosts share, or a Kafka or Redis output that keeps its positions itself."`
	Source   string `arg:"" optional:"" help:"The log, or its server, if it is not where the state was made with it."`
	Position string `arg:"" optional:"" help:"With --db: the position to continue from, such as 12:4096."`
	flags.SourceFlags
	Clear       bool `env:"-" xor:"change" help:"Forget the positions: all, or those of --db."`
	UsePrevious bool `env:"-" xor:"change" help:"Take the state before this one, FILE.prev. Once more takes it back."`
	Settings    bool `name:"forget-settings" env:"-" xor:"change" help:"Forget the filters and how parts are made, of a state that several hosts share: the next run brings its own."`
	JSON        bool `name:"json" help:"For programs."`
}

// Help is shown by state --help.
func (*stateCommand) Help() string {
	return `Examples:

  pikabin state /var/lib/pikabin/state
  pikabin state /var/lib/pikabin/state --db db0 12:4096
  pikabin state /var/lib/pikabin/state --db db0 --clear
  pikabin state kafka://broker:9092/pika
  pikabin state 'redis://10.0.0.7:6379/3?source=pika1' --db db0 12:4096
  pikabin state etcd://h1:2379,h2:2379/pika/changes

Looking takes no lock. Setting and clearing do: while tail runs they end with exit code 6. A state that several hosts share
is taken from the run that holds it, which ends; one that stands by continues from there. Positions in a Kafka or a Redis
are taken from their run, too. Where the log is there, a position is set with a fingerprint of what is before it, and one
that is not in the log is refused.

What has been written to an output stays as it is. When the output is a file or a folder, which is
delivered exactly once, it continues where it ends: set forward, the events between are never written to it, and
set back they are written once more. After --clear without --db the state is a new one, for a new output.`
}

// Run shows, sets or clears.
func (c *stateCommand) Run(ctx context.Context, s *shell.Streams) error {
	// The source may be left out in front of the position.
	if _, err := decode.ParsePosition(c.Source); err == nil && c.Position == "" {
		c.Source, c.Position = "", c.Source
	}
	if c.Position != "" && (c.Clear || c.UsePrevious) || c.JSON && (c.Position != "" || c.Clear || c.UsePrevious) {
		return exit.Misuse(errors.New("one thing at a time: show, set a position, --clear or --use-previous"))
	}
	if saved.IsFile(c.File) && (c.Position != "" || c.Clear || c.UsePrevious) {
		if err := run.NewGuard([]string{c.Source}).State(c.File); err != nil {
			return err
		}
	}
	switch {
	case c.Position != "":
		return c.change(ctx, s, saved.Open, func(f saved.Store) error { return c.set(ctx, s, f) })
	case c.Clear && len(c.DB)+len(c.ExcludeDB) > 0:
		return c.change(ctx, s, saved.Open, c.clearSome)
	case c.Clear:
		return c.change(ctx, s, saved.OpenToReplace, func(f saved.Store) error { return f.Save(checkpoint.State{}) })
	case c.Settings:
		return c.change(ctx, s, saved.Open, func(f saved.Store) error {
			state, _ := f.State()
			state.Settings = nil
			return f.Save(state)
		})
	case c.UsePrevious:
		return c.usePrevious(ctx, s)
	}
	return c.show(ctx, s)
}

// usePrevious takes the state before this one, which files alone have.
func (c *stateCommand) usePrevious(ctx context.Context, s *shell.Streams) error {
	return c.change(ctx, s, saved.OpenToReplace, func(f saved.Store) error {
		file, ok := f.(*checkpoint.File)
		if !ok {
			return exit.Misuse(errors.New("--use-previous is for state files: nothing else keeps the positions before the last ones"))
		}
		return file.UsePrevious()
	})
}

// change opens the state, changes it and says what it was and is. Only setting a position makes a state.
func (c *stateCommand) change(ctx context.Context, s *shell.Streams, open func(context.Context, string) (saved.Store, error), change func(saved.Store) error) (err error) {
	if _, ok, err := saved.Load(ctx, c.File); !ok && err == nil && c.Position == "" {
		return fmt.Errorf("there is no state %s", c.File)
	}
	f, err := open(ctx, c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	before, _ := f.State()
	if err := change(f); err != nil {
		return err
	}
	after, _ := f.State()
	s.Console.Info(fmt.Sprintf("%s: was %s, is %s", c.File, before.Places(), after.Places()))
	return nil
}

// set moves one position.
func (c *stateCommand) set(ctx context.Context, s *shell.Streams, f saved.Store) error {
	p, err := decode.ParsePosition(c.Position)
	if err != nil {
		return exit.Misuse(err)
	}
	if len(c.DB) != 1 {
		return exit.Misuse(errors.New("a position is a place in one DB's log: name it with --db, such as --db db0"))
	}
	state, _ := f.State()
	logs, done, err := c.logs(ctx, s, &state)
	if err != nil {
		return err
	}
	defer done()
	name := c.DB[0]
	mark, known := state.DBs[name]
	i := slices.IndexFunc(logs, func(l saved.Log) bool { return l.ID().String() == name })
	if i < 0 && !known {
		return exit.Misuse(fmt.Errorf("there is no log %s: the state holds %s", name, state.Places()))
	}
	mark.Position, mark.Fence = p, decode.Fence{}
	state.Group = "" // the user says where to continue, on whichever server
	if i < 0 {
		s.Console.Warn(fmt.Sprintf("the log of %s is not there to compare: the position is taken as it is", name))
	} else if mark.Fence, err = fenceAt(ctx, s, logs[i], p); err != nil {
		return err
	}
	if c.Source != "" {
		if state.Source, err = sourcesOf(c.Source); err != nil {
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
func fenceAt(ctx context.Context, s *shell.Streams, l saved.Log, p decode.Position) (decode.Fence, error) {
	if server, ok := l.(*replica.Log); ok { // which tells whether there is such a place, and no more
		_, err := server.Resolve(ctx, decode.At(p))
		return decode.Fence{}, err
	}
	fence, err := l.Fence(ctx, p)
	if err == nil && p.Offset > 0 && fence.Content == (decode.Sum{}) {
		s.Console.Warn(fmt.Sprintf("%s: no record is seen to end at %v: what is read from there may be damage (inspect --from shows the record it lies in)", l.ID(), p))
	}
	return fence, err
}

// clearSome forgets the positions of the DBs that are named. With the last one goes all the rest.
func (c *stateCommand) clearSome(f saved.Store) error {
	state, _ := f.State()
	left := maps.Clone(state.DBs)
	maps.DeleteFunc(left, func(name string, _ checkpoint.Mark) bool { return c.Wants(name) })
	if len(left) == len(state.DBs) {
		return exit.Misuse(fmt.Errorf("none of these is in the state: it holds %s", state.Places()))
	}
	if len(left) == 0 {
		return f.Save(checkpoint.State{})
	}
	state.DBs = left
	return f.Save(state)
}

// sourcesOf is what a state keeps of a source.
func sourcesOf(source string) ([]string, error) {
	if !link.IsAddress(source) {
		return run.SourceFolders([]string{source})
	}
	address, err := link.ParseAddress(source)
	return address.Sources(), err
}

// logs finds the logs of the user's source, or, if they are still there, those that the state was made with. done lets go of them.
func (c *stateCommand) logs(ctx context.Context, s *shell.Streams, state *checkpoint.State) (logs []saved.Log, done func(), err error) {
	if c.Source != "" {
		return c.logsIn(ctx, s, []string{c.Source})
	}
	if len(state.Source) == 0 {
		return nil, func() {}, nil
	}
	logs, done, err = c.logsIn(ctx, s, state.Source)
	if err != nil {
		s.Console.Warn(fmt.Sprintf("the log of the state cannot be looked at: %v", err))
	}
	return logs, done, nil
}

// logsIn finds the logs of folders, or of the hosts of a server.
func (c *stateCommand) logsIn(ctx context.Context, s *shell.Streams, sources []string) (logs []saved.Log, done func(), err error) {
	done = func() {}
	if link.IsAddress(sources[0]) {
		n, err := network.New(joinHosts(sources), c.DB, c.Wants)
		if err != nil {
			return nil, done, err
		}
		if _, err := n.Find(ctx); err != nil {
			return nil, done, err
		}
		for _, l := range n.Logs() {
			logs = append(logs, l)
		}
		return logs, func() { _ = n.HangUp() }, nil
	}
	files, err := c.Find(s, sources)
	for _, l := range files {
		logs = append(logs, l)
	}
	return logs, done, err
}

// joinHosts makes one address of those that a state keeps.
func joinHosts(sources []string) string {
	return strings.ReplaceAll(strings.Join(sources, ","), ","+link.Scheme, ",")
}

// show prints the state and where its positions stand.
func (c *stateCommand) show(ctx context.Context, s *shell.Streams) error {
	state, ok, err := saved.Load(ctx, c.File)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("there is no state %s", c.File)
	}
	logs, done, err := c.logs(ctx, s, &state)
	if err != nil {
		return err
	}
	defer done()
	r := saved.Report{File: c.File, State: &state}
	r.Date(time.Now())
	err = r.Look(ctx, logs, c.Wants, func(log string, err error) error {
		if c.Source != "" || ctx.Err() != nil {
			return err
		}
		s.Console.Warn(fmt.Sprintf("the log of %s cannot be looked at: %v", log, err))
		return nil
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.Stdout).Encode(r)
	}
	return r.WriteTable(s.Stdout)
}
