// Package help prints the help of commands: in groups, those that most people need first, and in colour on a terminal.
package help

import (
	"bytes"
	"io"
	"regexp"

	"github.com/alecthomas/kong"

	"pikabin/encode/console"
	"pikabin/encode/sink"
)

// common is the group of the flags that every command has, which come last.
var common = &kong.Group{Key: "common", Title: "Every command:"}

// Options are how kong lays help out. The names of variables follow from those of flags, which the end of a page says once.
func Options(end string) []kong.Option {
	return []kong.Option{
		kong.Help(printer(end)),
		kong.ConfigureHelp(kong.HelpOptions{FlagsLast: true, Compact: true}),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }),
	}
}

// printer prints the help of a command, and what is the same for all commands after it.
func printer(end string) kong.HelpPrinter {
	return func(options kong.HelpOptions, ctx *kong.Context) error {
		out, page := ctx.Stdout, &bytes.Buffer{}
		ctx.Stdout = page
		arrange(ctx)
		if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
			return err
		}
		page.WriteString(end)
		text := page.String()
		if console.HasColour(out) {
			text = colour(text)
		}
		if _, err := io.WriteString(out, text); err != nil {
			return &sink.Error{Err: err}
		}
		return nil
	}
}

// arrange puts the flags of every command after those of the one whose help is printed. The process ends with the help, so that the
// model need not stay as it is.
func arrange(ctx *kong.Context) {
	root := ctx.Model.Node
	for _, flag := range root.Flags {
		flag.Group = common
	}
	if selected := ctx.Selected(); selected != nil {
		selected.Flags = append(selected.Flags, root.Flags...)
		root.Flags = nil
	}
}

var (
	heading = regexp.MustCompile(`(?m)^(?:[A-Z].*:$|Usage:|Exit codes:)`)
	example = regexp.MustCompile(`(?m)^    (?:[A-Z_]+=\S+ )?pikabin .*$`)
	name    = regexp.MustCompile(`(?m)^( {2,6})((?:-\w, )?--[a-z][^ \n]*|<.+?>(?: \.\.\.)?|[a-z][a-z -]*?)(  |$)`)
)

// colour marks headings, examples, and the names of commands, arguments and flags.
func colour(page string) string {
	page = heading.ReplaceAllString(page, console.Bold+"$0"+console.Plain)
	page = example.ReplaceAllString(page, console.Cyan+"$0"+console.Plain)
	return name.ReplaceAllString(page, "$1"+console.Cyan+"$2"+console.Plain+"$3")
}
