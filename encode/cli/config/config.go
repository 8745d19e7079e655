// Package config reads the file of --config: values of flags by their names, for all commands or below the name of one. The names and the
// values are checked against the model of the command line.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// File is what a file holds.
type File struct {
	path     string
	settings []Setting // in the order of the file
}

// Setting is a value of a flag.
type Setting struct {
	Section string   // the command that it is for; empty: all that have the flag
	Flag    string   // its name
	Text    string   // the value for people
	Of      []string // the commands that have the flag
	line    int
	value   any // as kong takes it from a resolver: text as on the command line, or a list of values
}

// Error is about a line of a file.
type Error struct {
	Path string
	Line int
	Err  error
}

// Error says where.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func (f *File) at(line int, format string, args ...any) error {
	return &Error{Path: f.path, Line: line, Err: fmt.Errorf(format, args...)}
}

// Read reads a file, and refuses what the command line would not take: names that are not there, and values that are none. The model is to have
// the flags of all commands.
func Read(path string, model *kong.Application) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return Parse(path, file, model)
}

// Parse reads what is in a file, which is named in errors.
func Parse(path string, text io.Reader, model *kong.Application) (*File, error) {
	f := &File{path: path}
	decoder := yaml.NewDecoder(text)
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return f, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, f.at(more.Line, "another document begins: expected one")
	}
	if err := f.read(document.Content[0], &names{model}); err != nil {
		return nil, err
	}
	return f, nil
}

// read reads what is for all commands, and the sections of commands.
func (f *File) read(top *yaml.Node, n *names) error {
	if isNull(top) {
		return nil
	}
	return f.each(top, "", func(line int, name string, value *yaml.Node) error {
		_, _, err := n.find("", name)
		switch {
		case value.Kind == yaml.MappingNode && n.command(name) != nil:
			return f.each(value, name, func(line int, flag string, value *yaml.Node) error { return f.add(line, name, flag, value, n) })
		case value.Kind == yaml.MappingNode && err != nil:
			return f.at(line, "%w", n.unknownSection(name))
		}
		return f.add(line, "", name, value, n)
	})
}

// each visits the names of a mapping, each of which may be there once.
func (f *File) each(mapping *yaml.Node, section string, visit func(line int, name string, value *yaml.Node) error) error {
	if mapping.Kind != yaml.MappingNode {
		return f.at(mapping.Line, "expected names of flags with values, as in \"format: resp\"")
	}
	seen := map[string]int{}
	for pair := range slices.Chunk(mapping.Content, 2) {
		name := pair[0]
		if line, again := seen[name.Value]; again {
			return f.at(name.Line, "%s is there already, on line %d", joined(section, name.Value), line)
		}
		seen[name.Value] = name.Line
		if err := visit(name.Line, name.Value, resolved(pair[1])); err != nil {
			return err
		}
	}
	return nil
}

// add takes a value of a flag.
func (f *File) add(line int, section, name string, node *yaml.Node, n *names) error {
	flags, of, err := n.find(section, name)
	if err != nil {
		return f.at(line, "%w", err)
	}
	value, text, err := valueOf(node, flags[0])
	if err != nil {
		return f.at(line, "%s %w", joined(section, name), err)
	}
	for _, flag := range flags {
		if err := check(flag, value); err != nil {
			return f.at(line, "%w", err)
		}
	}
	f.settings = append(f.settings, Setting{Section: section, Flag: name, Text: text, Of: of, line: line, value: value})
	return nil
}

func joined(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// Settings are what the file holds, in its order.
func (f *File) Settings() []Setting { return f.settings }

// Validate implements kong.Resolver. All was checked when the file was read.
func (*File) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: the section of the command goes before what is for all, and a variable before both. kong asks for flags
// that the command line does not give.
func (f *File) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	var found any
	for _, s := range f.settings {
		if s.Flag != flag.Name {
			continue
		}
		switch {
		case s.Section != "" && s.Section == command(ctx):
			return s.value, nil
		case s.Section == "":
			found = s.value
		}
	}
	return found, nil
}

// command is the name of the first command of a line.
func command(ctx *kong.Context) string {
	for _, path := range ctx.Path {
		if path.Command != nil {
			return path.Command.Name
		}
	}
	return ""
}
