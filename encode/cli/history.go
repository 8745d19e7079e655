package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/history"
	"pikabin/encode/cli/shell"
)

// historyCommand tells what happened to some keys.
type historyCommand struct {
	Source            string   `arg:"" help:"A log folder, the folder of a DB, or a segment file; - for a segment on standard input; or a server: pika://host:9221."`
	Keys              []string `arg:"" name:"key" sep:"none" help:"The keys, as they are: no byte of them is special."`
	flags.SourceFlags `group:"Source:"`
	flags.RangeFlags  `group:"Source:"`
	Around            string            `group:"Source:" placeholder:"TIME" help:"Only from an hour before a time to an hour after it."`
	Keyed             map[string]int    `group:"Filter:" placeholder:"NAME=N" help:"Argument N of a command that pikabin does not know is its key."`
	Renamed           map[string]string `group:"Filter:" placeholder:"NEW=OLD" help:"A name that the server's rename-command has made, and the command's own."`
	flags.RunFlags    `group:"Run:"`
	Value             bool `group:"Output:" help:"Values in full."`
}

// Help is shown by history --help.
func (*historyCommand) Help() string {
	return `Examples:

  pikabin history /data/pika/log user:42
  pikabin history /data/pika/log/log_db0 user:42 user:43 --from 7d
  pikabin history pika://10.0.0.5:9221 user:42 --from 1h
  pikabin history /data/pika/log user:42 --around 2025-06-01T12:00:00 --value

What destroys a key without naming it is told, too: flushes, deletes by pattern, and deadlines that have passed, of which a log says nothing. A log does
not tell which client has sent a command, who has read a key, or what was in it before the first segment that is there. For programs, convert --key gives the
same events.`
}

// around is how far --around looks to each side.
const around = time.Hour

// Run tells it.
func (c *historyCommand) Run(ctx context.Context, s *shell.Streams) error {
	if err := c.lookAround(); err != nil {
		return err
	}
	convert := convertCommand{Sources: []string{c.Source}, SourceFlags: c.SourceFlags, RangeFlags: c.RangeFlags}
	convert.OutputFlags = flags.OutputFlags{Format: history.Format, Output: "-", Bytes: "auto"}
	convert.FilterFlags = flags.FilterFlags{Keyed: c.Keyed, Renamed: c.Renamed}
	convert.RunFlags = c.RunFlags
	for _, key := range c.Keys {
		convert.Key = append(convert.Key, escapeGlob(key))
	}
	out := history.New(s.Stdout, c.Keys)
	out.Whole = c.Value
	job, err := convert.JobTo(s, &convert.SourceFlags, convert.Sources, out)
	if err != nil {
		return exit.Misuse(err)
	}
	if out.Until, err = c.known(); err != nil {
		return err
	}
	server, err := convert.take(s, job)
	if err != nil {
		return err
	}
	job.Tell = s.Console.Quietly()
	result, err := job.Run(context.WithoutCancel(ctx), ctx.Done())
	if err := cmp.Or(errors.Join(err, server.HangUp()), out.Finish()); err != nil {
		return err
	}
	if unnamed := out.Unnamed(); len(unnamed) > 0 {
		s.Console.Info(noneNames(unnamed, out.Lines > 0 && len(unnamed) == len(c.Keys)))
	}
	if out.Unrelated > 0 {
		s.Console.Warn(fmt.Sprintf("%d commands that pikabin does not know, or deletes by other patterns, name none of these keys and are left out: --keyed tells which argument is a key", out.Unrelated))
	}
	return lossOf(s, &result, nil)
}

// lookAround makes a range of --around.
func (c *historyCommand) lookAround() error {
	if c.Around == "" {
		return nil
	}
	if c.From != "" || c.Until != "" {
		return exit.Misuse(errors.New("--around is a range of its own: leave out --from and --until"))
	}
	at, err := decode.ParseWhere(c.Around, time.Now())
	if err != nil {
		return exit.Misuse(err)
	}
	second, ok := at.Seconds()
	if !ok {
		return exit.Misuse(fmt.Errorf("--around %s is no time", c.Around))
	}
	span := int64(around / time.Second)
	c.From, c.Until = strconv.FormatInt(second-span, 10), strconv.FormatInt(second+span, 10)
	return nil
}

// known is up to when it is known what happened: now, or where the range ends.
func (c *historyCommand) known() (time.Time, error) {
	_, until, err := c.Where()
	if err != nil {
		return time.Time{}, err
	}
	if second, ok := until.Seconds(); ok {
		return time.Unix(second, 0), nil
	}
	if until != decode.LogEnd { // a position, whose time is not known
		return time.Time{}, nil
	}
	return time.Now(), nil
}

// noneNames says which keys no event names, and what is shown in spite of that, if nothing else is.
func noneNames(keys []string, shown bool) string {
	text, them := fmt.Sprintf("no event that was read names the key %q", keys[0]), "it"
	if len(keys) > 1 {
		text, them = fmt.Sprintf("no event that was read names %d of the keys, %q among them", len(keys), keys[0]), "them"
	}
	if shown {
		text += ": what is shown may have deleted " + them + " all the same"
	}
	return text
}

// escapeGlob is the pattern that only a key itself matches.
func escapeGlob(key string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(key)
}
