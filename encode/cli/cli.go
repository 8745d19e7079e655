// Package cli is the command line: the commands, their flags, and the exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	_ "time/tzdata" // zones of --partition, wherever the program runs

	"github.com/alecthomas/kong"

	"pikabin/encode/console"
	"pikabin/encode/output"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// commands are the command line. Every flag can also be set by an environment variable, PIKABIN_ and its
// name.
type commands struct {
	Convert convertCommand `cmd:"" help:"Read what is committed, write it, end."`
	Tail    tailCommand    `cmd:"" help:"Read what is committed, write it, and follow the log."`
	Redis   redisCommand   `cmd:"" help:"Write what is committed as the append-only file of a Redis 7, which then holds what the server had."`
	Info    infoCommand    `cmd:"" help:"Print what is in a log: segments, times, commands, sizes."`
	Verify  verifyCommand  `cmd:"" help:"Check every byte that can be checked, and report damage by segment and offset."`
	Inspect inspectCommand `cmd:"" help:"Print records for a person: headers, fields, bytes."`
	Seek    seekCommand    `cmd:"" help:"Print the position of the first record at or after a time, or of a logic id."`
	Schema  schemaCommand  `cmd:"" help:"Print the schema of a format."`
	State   stateCommand   `cmd:"" help:"Show a saved state and how far it is behind; set or clear its positions."`

	LogFormat string           `enum:"text,json" default:"text" help:"Form of the messages on standard error: ${enum}."`
	Quiet     bool             `short:"q" help:"Only warnings and errors on standard error."`
	Version   kong.VersionFlag `env:"-" help:"Print the version."`
}

// streams are what a command may write to.
type streams struct {
	stdout  results
	console *console.Console
	quiet   bool
	version string
}

// results is standard output, whose errors are those of a sink. The sink itself writes to what is within.
type results struct{ io.Writer }

func (r results) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	if err != nil {
		err = &sink.Error{Err: err}
	}
	return n, err
}

// exit is what kong's exit function panics with, so that Run returns from a --help.
type exit int

// Run is the whole program but for the process around it. The version is the linker's, or empty.
func Run(args []string, stdout, stderr io.Writer, version string) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exit:
			code = int(r)
		default:
			panic(r) // a bug must not look like a run that ended well
		}
	}()
	var c commands
	version = programVersion(version)
	parser := newParser(&c,
		kong.Description(description), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exit(code)) }), kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100, FlagsLast: true}),
		kong.Vars{"version": version, "formats": strings.Join(formats.Names(), ", "), "outputs": outputForms(func(s sink.Type) string { return s.Doc })},
	)
	command, err := parser.Parse(args)
	if err == nil {
		err = errors.Join(checkVariables(parser.Model, os.Environ()), checkEmpty(command))
	}
	if err != nil {
		console.New(stderr, c.LogFormat == "json", c.Quiet).Error(err.Error() + "\nTry \"pikabin --help\".")
		return ExitUsage
	}
	ctx, stop := interruptible()
	defer stop()
	s := &streams{stdout: results{standardOutput(stdout)}, console: console.New(stderr, c.LogFormat == "json", c.Quiet), quiet: c.Quiet, version: version}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(s)
	code = exitCode(err)
	if code != 0 && !errors.Is(err, errReported) {
		text := err.Error()
		if name := command.Selected().Name; name == "convert" || name == "tail" || name == "redis" {
			text = strings.TrimSuffix(text+"\n"+hint(err), "\n")
		}
		s.console.With(fieldsOf(err)...).Error(text)
	}
	return code
}

const description = `Turns the binlog that a Pika server leaves on its disk into a change stream.

SOURCE is Pika's log folder (all its DBs), the folder of one DB, or segment files (write2file12, also
write2file12.zst and .gz). It is only ever read.`

// help adds what is the same for all commands.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprint(ctx.Stdout, exitHelp)
	return err
}

// outputForms lists the forms that --output takes, each with what describe says of it.
func outputForms(describe func(sink.Type) string) string {
	var forms []string
	for _, s := range output.Types() {
		forms = append(forms, s.Form+" ("+describe(s)+")")
	}
	return strings.Join(forms, ", ")
}

// lookupFormat finds a format by the name that the user gave.
func lookupFormat(name string) (formats.Format, error) {
	format, ok := formats.Lookup(name)
	if !ok {
		return format, usageError{fmt.Errorf("no format is called %q: there are %s", name, strings.Join(formats.Names(), ", "))}
	}
	return format, nil
}

// programVersion is the version that the linker has set, or that the Go tool knows.
func programVersion(version string) string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
