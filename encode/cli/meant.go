package cli

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

var (
	// unknownFlag is what kong says of a flag that the command does not have.
	unknownFlag = regexp.MustCompile(`^unknown flag --([^ ,]+)`)
	// unknownCommand is what kong says of a first word that is no command, and like none.
	unknownCommand = regexp.MustCompile(`^unexpected argument ([^,]+)$`)
	// noValue is what kong says where the value of a flag should be and the command line ends.
	noValue = regexp.MustCompile(`expected \w+ value but got "EOL" \(<EOL>\)`)
)

// meant says of a command line that makes no sense what may have been meant, and which help says more.
func meant(err error) string {
	text := noValue.ReplaceAllString(err.Error(), "a value is missing")
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parse.Context == nil {
		return text + helpOf("pikabin")
	}
	selected := parse.Context.Selected()
	if selected == nil {
		return unknownCommand.ReplaceAllString(text, "no command is called $1: first comes what to do, as in pikabin info /data/pika/log") + helpOf("pikabin")
	}
	if name := unknownFlag.FindStringSubmatch(text); name != nil {
		if others := having(name[1]); len(others) > 0 {
			text = name[0] + ": it is for " + strings.Join(others, ", ")
		}
	}
	return text + helpOf(selected.FullPath())
}

// helpOf points to the help of a command, or of the program.
func helpOf(command string) string { return "\nTry \"" + command + " --help\"." }

// having are the commands that have a flag.
func having(flag string) []string {
	var names []string
	for _, c := range wholeModel().Leaves(true) {
		if slices.ContainsFunc(c.Flags, func(f *kong.Flag) bool { return f.Name == flag }) {
			names = append(names, c.Name)
		}
	}
	return names
}
