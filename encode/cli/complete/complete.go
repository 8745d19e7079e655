// Package complete completes command lines for shells, from the model of the command line. The shells have small scripts, which ask the program: so
// that what they offer is what this program takes.
package complete

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

//go:embed shells
var shells embed.FS

// Shells are those that there is a script for.
var Shells = []string{"bash", "fish", "zsh"}

// Script is what a shell is to source.
func Script(shell string) (string, error) {
	text, err := shells.ReadFile("shells/" + shell)
	return string(text), err
}

// Kind is what of the disk may stand at a place, too.
type Kind string

// The kinds.
const (
	None    Kind = "none"
	Files   Kind = "files"
	Folders Kind = "folders"
)

// Answer is what may stand in the place of the last word.
type Answer struct {
	Kind   Kind
	Values []Value
}

// Value is one of the words that may.
type Value struct{ Text, Help string }

// String is the answer as the scripts read it: the kind, and a line for each value with what it is.
func (a Answer) String() string {
	var text strings.Builder
	fmt.Fprintln(&text, a.Kind)
	for _, v := range a.Values {
		fmt.Fprintf(&text, "%s\t%s\n", v.Text, v.Help)
	}
	return text.String()
}

// Values are those that flags and arguments take, by the name of a flag, or of a command and its argument.
type Values func(name string) []string

// Complete completes the last of the words after the name of the program.
func Complete(model *kong.Application, words []string, values Values) Answer {
	l := line{model: model, node: model.Node, values: values, given: map[string]bool{}}
	last := ""
	if len(words) > 0 {
		words, last = words[:len(words)-1], words[len(words)-1]
	}
	for _, word := range words {
		l.read(word)
	}
	return l.complete(last)
}

// line is a command line that was read up to some place.
type line struct {
	model  *kong.Application
	node   *kong.Node // of the command so far
	values Values
	flag   *kong.Flag // that waits for its value
	given  map[string]bool
	args   int  // that were read
	ended  bool // there are no flags any more
}

// read takes a word. bash makes three words of --name=value.
func (l *line) read(word string) {
	switch {
	case word == "=" && l.flag != nil:
	case l.flag != nil:
		l.flag = nil
	case word == "--" && !l.ended:
		l.ended = true
	case !l.ended && len(word) > 1 && word[0] == '-':
		name, _, whole := strings.Cut(word, "=")
		flag := l.find(name)
		if flag == nil {
			return
		}
		l.given[flag.Name] = true
		if !whole && !flag.IsBool() {
			l.flag = flag
		}
	default:
		for _, child := range l.node.Children {
			if child.Name == word && l.args == 0 {
				l.node = child
				return
			}
		}
		l.args++
	}
}

// flags are those of the command and those of every command.
func (l *line) flags() []*kong.Flag {
	var flags []*kong.Flag
	for n := l.node; n != nil; n = n.Parent {
		flags = append(flags, n.Flags...)
	}
	return slices.DeleteFunc(flags, func(f *kong.Flag) bool { return f.Hidden })
}

func (l *line) find(name string) *kong.Flag {
	for _, f := range l.flags() {
		if name == "--"+f.Name || name == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

func (l *line) complete(last string) Answer {
	name, _, hasValue := strings.Cut(last, "=")
	switch flag := l.find(name); {
	case l.flag != nil:
		return l.valuesOf(l.flag, "")
	case !l.ended && hasValue && flag != nil:
		return l.valuesOf(flag, name+"=")
	case !l.ended && strings.HasPrefix(last, "-"):
		return l.names()
	case l.args == 0 && len(l.node.Children) > 0:
		return l.commands()
	}
	return l.argument()
}

// valuesOf are those of a flag, each after what stands before it in the word.
func (l *line) valuesOf(flag *kong.Flag, before string) Answer {
	a := Answer{Kind: kindOf(flag.PlaceHolder)}
	texts := l.values(flag.Name)
	if flag.Enum != "" {
		texts = flag.EnumSlice()
	}
	for _, text := range texts {
		a.Values = append(a.Values, Value{Text: before + text})
	}
	return a
}

// kindOf tells from the placeholder of a flag what it takes.
func kindOf(placeholder string) Kind {
	switch placeholder {
	case "FILE", "URL":
		return Files
	case "DIR":
		return Folders
	}
	return None
}

// names are those of the flags, without those that were given and can be given once.
func (l *line) names() Answer {
	a := Answer{Kind: None}
	for _, f := range l.flags() {
		if again := f.IsSlice() || f.IsMap(); again || !l.given[f.Name] {
			a.Values = append(a.Values, Value{"--" + f.Name, summary(f.Help)})
		}
	}
	return a
}

// commands are those that may stand here.
func (l *line) commands() Answer {
	a := Answer{Kind: None}
	for _, c := range l.node.Children {
		if !c.Hidden {
			a.Values = append(a.Values, Value{c.Name, summary(c.Help)})
		}
	}
	return a
}

// argument is what the next argument of the command may be: the last one may be there several times.
func (l *line) argument() Answer {
	all := l.node.Positional
	if len(all) == 0 {
		return Answer{Kind: None}
	}
	arg := all[min(l.args, len(all)-1)]
	if l.args >= len(all) && !arg.IsCumulative() {
		return Answer{Kind: None}
	}
	texts := l.values(l.node.Name + " " + arg.Name)
	if texts == nil {
		return Answer{Kind: Files}
	}
	a := Answer{Kind: None}
	for _, text := range texts {
		a.Values = append(a.Values, Value{Text: text})
	}
	return a
}

// most is how long a line of help may be beside a name.
const most = 70

// summary is the first sentence of a help, on one line.
func summary(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	line := []rune(strings.TrimSuffix(strings.Join(strings.Fields(first), " "), "."))
	if len(line) > most {
		line = append(line[:most-1], '…')
	}
	return string(line)
}
