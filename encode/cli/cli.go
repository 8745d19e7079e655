// Package cli is the command line: the commands, their flags, and the exit codes.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	_ "time/tzdata" // zones of --partition, wherever the program runs

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/build"
	"pikabin/encode/cli/environment"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/help"
	"pikabin/encode/cli/shell"
	"pikabin/encode/console"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// stopped is what kong's exit function panics with, so that Run returns from a --help.
type stopped int

// Run is the whole program but for the process around it. The version is the linker's, or empty.
func Run(args []string, stdout, stderr io.Writer, version string) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case stopped:
			code = int(r)
		default:
			panic(r) // a bug must not look like a run that ended well
		}
	}()
	if len(args) == 0 { // nothing is asked for, so that help is no result
		Run([]string{"--help"}, stderr, stderr, version)
		return exit.Usage
	}
	var c globalFlags
	program := build.Read(version)
	parser := newParser(&c, args, program.String(), append(help.Options(helpEnd),
		kong.Description(description), kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(stopped(code)) }))...)
	command, err := parser.Parse(asked(args))
	if err == nil {
		err = errors.Join(environment.Check(parser.Model, wholeModel, os.Environ()), environment.CheckEmpty(command))
	}
	if err != nil {
		say := console.New(stderr, c.LogFormat == "json" || asksForJSON(args), c.Quiet)
		if full, ok := errors.AsType[*sink.Error](err); ok { // it was asked for help, which could not be written
			say.With(exit.Fields(full)...).Error(full.Error())
			return exit.Code(full)
		}
		say.With(exit.Fields(exit.Misuse(err))...).Error(meant(err))
		return exit.Usage
	}
	s := &shell.Streams{Stdout: shell.Results{Writer: stdout}, Console: console.New(stderr, c.LogFormat == "json", c.Quiet), Quiet: c.Quiet, Program: program}
	ctx, stop := shell.Interruptible(run.ErrInterrupted, func() {
		s.Console.Info("told to end, and waits for what it has handed over; another signal ends it at once")
	})
	defer stop()
	s.Stdin.Stop = ctx.Done()
	defer s.Stdin.Remove()
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(s)
	code = exit.Code(err)
	if code != 0 && !errors.Is(err, exit.ErrReported) {
		text := err.Error()
		if done := become[command.Selected().Name]; done != "" {
			text = strings.TrimSuffix(text+"\n"+exit.Hint(err, done), "\n")
		}
		s.Console.With(exit.Fields(err)...).Error(text)
	}
	return code
}

// asked makes "help COMMAND" mean "COMMAND --help", as people try it.
func asked(args []string) []string {
	if len(args) > 0 && args[0] == "help" {
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// become is what a command makes of events, of those with the flags --on-corrupt and --on-gap.
var become = map[string]string{"convert": "written", "tail": "written", "redis": "written", "history": "told", "stats": "counted"}

// asksForJSON tells the form of messages of a command line that could not be understood as a whole.
func asksForJSON(args []string) bool {
	at := slices.Index(args, "--log-format")
	return slices.Contains(args, "--log-format=json") || at >= 0 && at+1 < len(args) && args[at+1] == "json" || os.Getenv("PIKABIN_LOG_FORMAT") == "json"
}

const description = `Turns the binlog that a Pika server leaves on its disk into a change stream.

SOURCE is Pika's log folder (all its DBs), the folder of one DB, or segment files (write2file12, also
write2file12.zst and .gz), or - for a segment on standard input. It is only ever read.

Examples:

  pikabin info /data/pika/log
  pikabin convert /data/pika/log -o changes.jsonl.zst
  pikabin tail /data/pika/log --from 10m | jq -r .key`

// helpEnd is the same for all commands.
const helpEnd = `
Each flag can also be set in the environment, as in ` + environment.Prefix + `_ON_GAP=skip for --on-gap=skip,
and in a file of --config, as in "on-gap: skip". The command line goes before both.
` + exit.Help
