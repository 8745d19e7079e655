package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/config"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
)

// BeforeResolve takes the values of the file of --config, which counts less than the command line and the environment.
func (*globalFlags) BeforeResolve(ctx *kong.Context) error {
	for _, flag := range ctx.Model.Flags {
		if path, _ := ctx.FlagValue(flag).(string); flag.Name == config.Flag && path != "" {
			file, err := readConfig(path)
			if err != nil {
				return fmt.Errorf("--%s: %w", config.Flag, err)
			}
			ctx.AddResolver(file)
		}
	}
	return nil
}

// readConfig reads a file, in which there may be flags of all commands.
func readConfig(path string) (*config.File, error) {
	return config.Read(path, wholeModel())
}

// configCommand looks at a file of --config.
type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Check a file as --config reads it: every name and value."`
}

// configCheckCommand checks one.
type configCheckCommand struct {
	File string `arg:"" help:"The file, in YAML."`
}

// Help is shown by config --help and config check --help.
func (*configCheckCommand) Help() string { return configHelp }

// Help is shown by config --help.
func (*configCommand) Help() string { return configHelp }

const configHelp = `A file holds flags by their names, for all commands that have them, or below the name of a command for it alone:

    state: /var/lib/pikabin/state
    key: ["user:*", "session:*"]
    renamed: {360flushdb: flushdb}
    tail:
      listen: 127.0.0.1:9108

Values mean what they mean on the command line, which goes before the environment; that goes before the file,
in which the part of a command goes before what is for all. A name that no command has is refused, and so is
an empty value. Arguments (the source) and flags that act at once are for the command line only.

Examples:

  pikabin config check /etc/pikabin/pikabin.yaml
  pikabin tail /data/pika/log --config /etc/pikabin/pikabin.yaml --dry-run`

// Run reads the file, and prints what is in it.
func (c *configCheckCommand) Run(s *shell.Streams) error {
	file, err := readConfig(c.File)
	if err != nil {
		return exit.Misuse(err)
	}
	table := tabwriter.NewWriter(s.Stdout, 0, 8, 2, ' ', 0)
	for _, set := range file.Settings() {
		of := set.Section
		if of == "" {
			of = strings.Join(set.Of, ", ")
		}
		if of == "" {
			of = "every command"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", set.Flag, set.Text, of)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	s.Console.Info(fmt.Sprintf("%s: %d values, and nothing is wrong with them", c.File, len(file.Settings())))
	return nil
}
