package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"pikabin/decode/units"
	"pikabin/encode/cli/environment"
	"pikabin/encode/cli/flags"
	"pikabin/encode/output"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// command is one of the command line.
type command struct {
	group, name, help string
	flags             func() any // a struct of them, which has a method Run
}

// commands are in the order of the help. Every flag can also be set by an environment variable, PIKABIN_ and its name.
var commands = []command{
	{stream, "convert", "Read what is committed, write it, end.", func() any {
		return &convertCommand{StreamFlags: flags.StreamFlags{SettingFlags: flags.NewSettingFlags()}}
	}},
	{stream, "tail", "Read what is committed, write it, and follow the log.", func() any { return &tailCommand{StreamFlags: flags.StreamFlags{SettingFlags: flags.NewSettingFlags()}} }},
	{stream, "redis", "Write what is committed as the append-only file of a Redis 7, which then holds what the server had.", func() any { return &redisCommand{} }},
	{look, "info", "Print what is in a log: segments, times, commands, sizes.", func() any { return &infoCommand{} }},
	{look, "verify", "Check every byte that can be checked, and report damage by segment and offset.", func() any { return &verifyCommand{} }},
	{look, "verify-output", "Read back what was written, and compare it with the log: each event once, in order, as it was logged.", func() any { return &verifyOutputCommand{} }},
	{look, "history", "Tell what happened to a key: each command, flush and deadline that concerned it.", func() any { return &historyCommand{} }},
	{look, "stats", "Tell what a log consists of: events and bytes by time, command, type, DB, prefix and key; values, deadlines, flushes.", func() any { return &statsCommand{} }},
	{look, "inspect", "Print records for a person: headers, fields, bytes.", func() any { return &inspectCommand{} }},
	{look, "seek", "Print the position of the first record at or after a time, or of a logic id.", func() any { return &seekCommand{} }},
	{operate, "schema", "Print the schema of a format.", func() any { return &schemaCommand{} }},
	{operate, "compact", "Merge the parts of partitions that get no more of them, beside readers and a run.", func() any { return &compactCommand{} }},
	{operate, "state", "Show a saved state and how much of the log comes after it; set or clear its positions.", func() any { return &stateCommand{} }},
	{operate, "config", "Check a file of flags.", func() any { return &configCommand{} }},
	{operate, "completion", "Print what makes a shell complete the command line: bash, fish or zsh.", func() any { return &completionCommand{} }},
	{operate, "man", "Print a page of the manual, or write all.", func() any { return &manCommand{} }},
	{operate, "version", "Print the version, and what the program was built of.", func() any { return &versionCommand{} }},
	{hidden, "complete", "Answer the completion of a shell.", func() any { return &completeCommand{} }},
}

// The groups of commands in the help.
const (
	stream  = "Streams of events:"
	look    = "Questions to a log:"
	operate = "Operation:"
	hidden  = "" // for programs
)

// globalFlags are those of every command.
type globalFlags struct {
	Config    string           `placeholder:"FILE" help:"Take flags from this file, in YAML: see config --help."`
	LogFormat string           `enum:"text,json" default:"text" help:"Form of the messages on standard error: ${enum}."`
	Quiet     bool             `short:"q" help:"Only warnings and errors on standard error."`
	Version   kong.VersionFlag `env:"-" help:"Print the version."`
}

// newParser makes the parser of a command line. Flags are many, and kong takes its time with each: a command that the line does not name stays without
// its flags, unless the line names none, as one that asks for help or is misspelt.
func newParser(c *globalFlags, args []string, version string, options ...kong.Option) *kong.Kong {
	named := func(c command) bool { return slices.Contains(args, c.name) }
	all := !slices.ContainsFunc(commands, named)
	for _, c := range commands {
		var flags any = &struct{}{}
		if all || named(c) {
			flags = c.flags()
		}
		var tags []string
		if c.group == hidden {
			tags = []string{`hidden:""`}
		}
		options = append(options, kong.DynamicCommand(c.name, c.help, c.group, flags, tags...))
	}
	return kong.Must(c, append(options, kong.Name("pikabin"), kong.DefaultEnvars(environment.Prefix),
		kong.Vars{"version": version}, kong.PostBuild(lists),
		kong.KindMapper(reflect.String, kong.MapperFunc(decodeText)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)))...)
}

// lists puts the formats and the outputs into texts of the help that name them. If they were variables of kong, it would look for variables in
// them once for every flag there is, which took most of its time.
func lists(k *kong.Kong) error {
	named := strings.NewReplacer("${formats}", strings.Join(formats.Names(), ", "), "${outputs}", output.Forms(func(t sink.Type) string { return t.Doc }))
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if value, ok := node.(*kong.Value); ok {
			value.Help = named.Replace(value.Help)
		}
		return next(nil)
	})
}

// wholeModel is that of all commands with all their flags.
func wholeModel() *kong.Application { return newParser(&globalFlags{}, nil, "").Model }

// decodeText takes a text as it is. Names of files and keys are bytes, of which kong by itself changes those that are no UTF-8.
func decodeText(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("text")
	if err != nil {
		return err
	}
	text, ok := token.Value.(string)
	if !ok {
		text = fmt.Sprint(token.Value)
	}
	if token.Type == kong.ShortFlagTailToken {
		text = strings.TrimPrefix(text, "=") // -o=FILE is --output=FILE
	}
	target.SetString(text)
	return nil
}

// decodeDuration reads a span of time as everywhere: with days and weeks, too.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	d, err := units.ParseDuration(text)
	target.SetInt(int64(d))
	return err
}
