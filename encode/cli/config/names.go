package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/misspelt"
)

// Flag is the name of the flag that names the file.
const Flag = "config"

// names are those of the command line.
type names struct{ model *kong.Application }

// command finds a command.
func (n *names) command(name string) *kong.Node {
	for _, c := range n.model.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// find finds the flags of a name, in one command or in all, and the commands that have them.
func (n *names) find(section, name string) (flags []*kong.Flag, of []string, err error) {
	if section == "" {
		flags = named(n.model.Flags, name)
	}
	for _, c := range n.model.Children {
		if section != "" && c.Name != section {
			continue
		}
		if more := named(flagsOf(c), name); len(more) > 0 {
			flags, of = append(flags, more...), append(of, c.Name)
		}
	}
	switch {
	case len(flags) == 0:
		return nil, nil, n.unknown(section, name)
	case len(flags[0].Envs) == 0 || name == Flag:
		return nil, nil, fmt.Errorf("%s can only be given on the command line", name)
	}
	return flags, of, nil
}

func named(flags []*kong.Flag, name string) []*kong.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f *kong.Flag) bool { return f.Name != name })
}

// flagsOf are the flags of a command, and of those below it.
func flagsOf(c *kong.Node) []*kong.Flag {
	flags := slices.Clone(c.Flags)
	for _, below := range c.Children {
		flags = append(flags, flagsOf(below)...)
	}
	return flags
}

// unknown says what may have been meant.
func (n *names) unknown(section, name string) error {
	text := "no flag is called " + name
	if section != "" {
		text = section + " has no flag " + name
	}
	if strings.HasPrefix(name, "-") {
		return fmt.Errorf("%s: write names without the dashes, as in %s", text, strings.TrimLeft(name, "-"))
	}
	flags, arguments, have := n.all(section, name)
	switch like := misspelt.Nearest(name, flags); {
	case slices.Contains(arguments, name):
		return fmt.Errorf("%s is no flag, but an argument: give it on the command line", name)
	case len(have) > 0:
		return fmt.Errorf("%s: %s can have it", text, strings.Join(have, ", "))
	case like != "":
		return fmt.Errorf("%s: did you mean %s?", text, like)
	}
	return errors.New(text)
}

// all are the names of the flags and the arguments of a command, or of all, and the other commands that have a flag.
func (n *names) all(section, name string) (flags, arguments, have []string) {
	for _, c := range n.model.Children {
		own := flagsOf(c)
		if section != "" && section != c.Name {
			if len(named(own, name)) > 0 {
				have = append(have, c.Name)
			}
			continue
		}
		for _, arg := range c.Positional {
			arguments = append(arguments, arg.Name)
		}
		for _, flag := range own {
			flags = append(flags, flag.Name)
		}
	}
	for _, flag := range n.model.Flags {
		if section != "" && flag.Name == name {
			have = []string{"the top of the file"}
		}
		flags = append(flags, flag.Name)
	}
	return flags, arguments, have
}

// unknownSection says which command may have been meant.
func (n *names) unknownSection(name string) error {
	var commands []string
	for _, c := range n.model.Children {
		commands = append(commands, c.Name)
	}
	if like := misspelt.Nearest(name, commands); like != "" {
		return fmt.Errorf("no command is called %s: did you mean %s?", name, like)
	}
	return fmt.Errorf("no command is called %s: there are %s", name, strings.Join(commands, ", "))
}
