package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"pikabin/decode/units"
	"pikabin/encode/output"
)

// variablePrefix begins the names of the environment variables of this program. Every flag has one, but for those that act at once.
const variablePrefix = "PIKABIN"

// testVariables begins the names of those that the tests of this program take.
const testVariables = variablePrefix + "_TEST_"

// newParser makes the parser of the command line into c.
func newParser(c *commands, options ...kong.Option) *kong.Kong {
	return kong.Must(c, append(options, kong.Name("pikabin"), kong.DefaultEnvars(variablePrefix),
		kong.KindMapper(reflect.String, kong.MapperFunc(decodeText)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)))...)
}

// decodeText takes a text as it is. Names of files and keys are bytes, of which kong by itself changes those that are no UTF-8.
func decodeText(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("text")
	if err != nil {
		return err
	}
	text, ok := token.Value.(string)
	if !ok {
		text = fmt.Sprint(token.Value)
	}
	target.SetString(text)
	return nil
}

// decodeDuration reads a span of time as everywhere: with days and weeks, too.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	d, err := units.ParseDuration(text)
	target.SetInt(int64(d))
	return err
}

// checkVariables refuses variables of this program that stand for no flag of any command, as flags that do not exist are refused.
func checkVariables(model *kong.Application, environ []string) error {
	known := variables(model.Node)
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, variablePrefix+"_") || strings.HasPrefix(name, testVariables) || slices.Contains(known, name) {
			continue
		}
		if like := nearest(name, known); like != "" {
			return fmt.Errorf("the environment holds %s, which is no flag of this program: did you mean %s?", name, like)
		}
		return fmt.Errorf("the environment holds %s, which is no flag of this program, or one that can only be given on the command line", name)
	}
	return nil
}

// variables are the names of those that a command and those below it take.
func variables(node *kong.Node) []string {
	names := output.Variables()
	for _, flag := range node.Flags {
		names = append(names, flag.Envs...)
	}
	for _, child := range node.Children {
		names = append(names, variables(child)...)
	}
	return names
}

// checkEmpty refuses values that are given and empty: an unset variable of a script must not pass for a flag that was left out.
func checkEmpty(command *kong.Context) error {
	for _, path := range command.Path {
		if path.Positional != nil && isEmpty(path.Positional.Target) {
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
