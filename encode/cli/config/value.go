package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

var (
	errEmpty = errors.New("is empty: give it a value, or leave it out")
	errOne   = errors.New("takes one value")
	errPlain = errors.New("takes plain values: numbers, words, texts in quotes")
	errPairs = errors.New("takes names with values, as in {new: old}")
)

// valueOf is the value of a node for a flag, and the same for people. Text is taken as it is written: 12:4096 and 2025-06-01 mean what they mean on
// the command line.
func valueOf(node *yaml.Node, flag *kong.Flag) (value any, text string, err error) {
	kind := flag.Target.Kind()
	switch {
	case isNull(node) || node.Kind == yaml.ScalarNode && node.Value == "" || node.Kind != yaml.ScalarNode && len(node.Content) == 0:
		return nil, "", errEmpty
	case node.Kind == yaml.ScalarNode:
		return node.Value, node.Value, nil
	case node.Kind == yaml.SequenceNode && kind == reflect.Slice:
		return list(node)
	case node.Kind == yaml.MappingNode && kind == reflect.Map:
		return pairs(node)
	case kind == reflect.Map:
		return nil, "", errPairs
	}
	return nil, "", errOne
}

// list are the values of a flag that can be given several times.
func list(node *yaml.Node) (any, string, error) {
	var values []any
	var texts []string
	for _, n := range node.Content {
		n = resolved(n)
		switch {
		case n.Kind != yaml.ScalarNode:
			return nil, "", errPlain
		case isNull(n) || n.Value == "":
			return nil, "", errEmpty
		}
		values, texts = append(values, n.Value), append(texts, n.Value)
	}
	return values, strings.Join(texts, ", "), nil
}

// pairs are names with values, in the form of the command line.
func pairs(node *yaml.Node) (any, string, error) {
	var texts []string
	for pair := range slices.Chunk(node.Content, 2) {
		name, value := pair[0], resolved(pair[1])
		switch {
		case value.Kind != yaml.ScalarNode:
			return nil, "", errPlain
		case name.Value == "" || isNull(value) || value.Value == "":
			return nil, "", errEmpty
		}
		texts = append(texts, name.Value+"="+value.Value)
	}
	escaped := make([]string, len(texts))
	for i, text := range texts {
		escaped[i] = strings.ReplaceAll(text, ";", `\;`)
	}
	return strings.Join(escaped, ";"), strings.Join(texts, ", "), nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// resolved is what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// check refuses a value that the flag would not take on the command line.
func check(flag *kong.Flag, value any) error {
	target := reflect.New(flag.Target.Type()).Elem()
	if err := flag.Parse(kong.Scan().PushTyped(value, kong.FlagValueToken), target); err != nil {
		return err
	}
	if text, ok := value.(string); ok && flag.Enum != "" && !slices.Contains(flag.EnumSlice(), text) {
		return fmt.Errorf("--%s: expected one of %s, and not %q", flag.Name, strings.Join(flag.EnumSlice(), ", "), text)
	}
	return nil
}
