package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/cli/complete"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
	"pikabin/encode/frame"
	"pikabin/formats"
	"pikabin/formats/ddl"
)

// completionCommand prints what makes a shell complete command lines.
type completionCommand struct {
	Shell string `arg:"" help:"bash, fish or zsh."`
}

// Help is shown by completion --help.
func (*completionCommand) Help() string {
	return `Examples:

  source <(pikabin completion bash)
  source <(pikabin completion zsh)
  pikabin completion fish | source

Written into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish it is there in every shell. The packages bring it.`
}

// Run prints it.
func (c *completionCommand) Run(s *shell.Streams) error {
	if !slices.Contains(complete.Shells, c.Shell) {
		return exit.Misuse(fmt.Errorf("there is no completion for %q, but for %s", c.Shell, strings.Join(complete.Shells, ", ")))
	}
	text, err := complete.Script(c.Shell)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.Stdout, text)
	return err
}

// completeCommand answers the scripts of shells.
type completeCommand struct {
	Words []string `arg:"" optional:"" empty:"" help:"The words after the name of the program, up to the one that is to be completed."`
}

// Run answers.
func (c *completeCommand) Run(s *shell.Streams) error {
	words := c.Words
	if len(words) > 1 && words[0] == "help" { // as asked has it
		words = words[1:]
	}
	model := newParser(&globalFlags{}, words, "").Model
	_, err := io.WriteString(s.Stdout, complete.Complete(model, words, completions).String())
	return err
}

// completions are the values of flags and arguments that the model does not know.
func completions(name string) []string {
	switch name {
	case "format", "schema format":
		names := formats.Names()
		if name == "schema format" {
			names = slices.Concat(names, ddl.Engines)
		}
		return names
	case "command", "exclude-command":
		return decode.CommandNames()
	case "op", "exclude-op":
		return decode.OpNames()
	case "type", "exclude-type":
		return decode.TypeNames()
	case "compress":
		return frame.Streams()
	case "partition":
		return []string{"hive"}
	case "from", "until":
		return []string{"start", "end"}
	case "completion shell":
		return complete.Shells
	case "man page":
		return commandNames()
	case "history key", "state position":
		return []string{}
	}
	return nil
}

// commandNames are the names of the commands that people see.
func commandNames() []string {
	var names []string
	for _, c := range commands {
		if c.group != hidden {
			names = append(names, c.name)
		}
	}
	return names
}
