package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/misspelt"
	"pikabin/encode/cli/network"
	"pikabin/encode/cli/shared"
	"pikabin/encode/output"
)

// variablePrefix begins the names of the environment variables of this program. Every flag has one, but for those that act at once.
const variablePrefix = "PIKABIN"

// testVariables begins the names of those that the tests of this program take.
const testVariables = variablePrefix + "_TEST_"

// checkVariables refuses variables of this program that stand for no flag of any command, as flags that do not exist are refused. The model may
// have the flags of one command only.
func checkVariables(model *kong.Application, environ []string) error {
	unknown := others(environ, variables(model.Node))
	if len(unknown) == 0 {
		return nil
	}
	known := variables(newParser(&globalFlags{}, nil, "").Model.Node)
	if unknown = others(unknown, known); len(unknown) == 0 {
		return nil
	}
	name := unknown[0]
	if like := misspelt.Nearest(name, known); like != "" {
		return fmt.Errorf("the environment holds %s, which is no flag of this program: did you mean %s?", name, like)
	}
	return fmt.Errorf("the environment holds %s, which is no flag of this program, or one that can only be given on the command line", name)
}

// others are the names of variables of this program that are not known.
func others(environ, known []string) (names []string) {
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, variablePrefix+"_") && !strings.HasPrefix(name, testVariables) && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	return names
}

// variables are the names of those that a command and those below it take, and of those that outputs and sources take besides the flags.
func variables(node *kong.Node) []string {
	return slices.Concat(flagVariables(node), output.Variables(), []string{network.PasswordVariable}, shared.Variables())
}

func flagVariables(node *kong.Node) (names []string) {
	for _, flag := range node.Flags {
		names = append(names, flag.Envs...)
	}
	for _, child := range node.Children {
		names = append(names, flagVariables(child)...)
	}
	return names
}

// checkEmpty refuses values that are given and empty: an unset variable of a script must not pass for a flag that was left out.
func checkEmpty(command *kong.Context) error {
	for _, path := range command.Path {
		if path.Positional != nil && !path.Positional.Tag.Has("empty") && isEmpty(path.Positional.Target) {
			return fmt.Errorf("<%s> is empty", path.Positional.Name)
		}
	}
	for _, flag := range command.Flags() {
		if !isEmpty(flag.Target) {
			continue
		}
		if slices.ContainsFunc(command.Path, func(p *kong.Path) bool { return p.Flag == flag }) {
			return fmt.Errorf("--%s is empty: give it a value, or leave it out", flag.Name)
		}
		for _, name := range flag.Envs {
			if _, ok := os.LookupEnv(name); ok {
				return fmt.Errorf("%s is empty: give it a value, or unset it", name)
			}
		}
	}
	return nil
}

// isEmpty tells a text, a list or a map without anything in it, and those that hold an empty text.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() { //nolint:exhaustive // numbers are never empty
	case reflect.String, reflect.Map:
		return v.Len() == 0
	case reflect.Slice:
		empty := v.Len() == 0
		for i := range v.Len() {
			empty = empty || isEmpty(v.Index(i))
		}
		return empty
	}
	return false
}
