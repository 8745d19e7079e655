// Package environment reads what is given besides the command line: variables of this program, and values that are there and empty.
package environment

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/misspelt"
	"pikabin/encode/cli/network"
	"pikabin/encode/cli/shared"
	"pikabin/encode/output"
)

// Prefix begins the names of the environment variables of this program. Every flag has one, but for those that act at once.
const Prefix = "PIKABIN"

// testVariables begins the names of those that the tests of this program take.
const testVariables = Prefix + "_TEST_"

// Check refuses variables of this program that stand for no flag of any command, as flags that do not exist are refused. The model may
// have the flags of one command only; whole gives that of all.
func Check(model *kong.Application, whole func() *kong.Application, environ []string) error {
	unknown := others(environ, Variables(model.Node))
	if len(unknown) == 0 {
		return nil
	}
	known := Variables(whole().Node)
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
	services := servicesOf(environ)
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, Prefix+"_") && !strings.HasPrefix(name, testVariables) && !slices.Contains(known, name) && !isOfService(name, services) {
			names = append(names, name)
		}
	}
	return names
}

// hostOfService ends the name of one of the variables by which Kubernetes tells every container of the services of its namespace. Those of a service
// that is called pikabin, such as PIKABIN_SERVICE_HOST and PIKABIN_PORT_9108_TCP, begin as the variables of this program do.
const hostOfService = "_SERVICE_HOST"

// servicesOf is what the variables of each service begin with.
func servicesOf(environ []string) (prefixes []string) {
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if prefix, ok := strings.CutSuffix(name, hostOfService); ok {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

func isOfService(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return strings.HasPrefix(name, prefix+"_SERVICE_") || name == prefix+"_PORT" || strings.HasPrefix(name, prefix+"_PORT_")
	})
}

// Variables are the names of those that a command and those below it take, and of those that outputs and sources take besides the flags.
func Variables(node *kong.Node) []string {
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

// CheckEmpty refuses values that are given and empty: an unset variable of a script must not pass for a flag that was left out.
func CheckEmpty(command *kong.Context) error {
	for _, path := range command.Path {
		if path.Positional != nil && !path.Positional.Tag.Has("empty") && flags.IsEmpty(path.Positional.Target) {
			return fmt.Errorf("<%s> is empty", path.Positional.Name)
		}
	}
	for _, flag := range command.Flags() {
		if !flags.IsEmpty(flag.Target) {
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
