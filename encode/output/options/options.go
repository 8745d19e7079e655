// Package options hands out the options of outputs by their names: what a URL says after its question mark, and the environment where it does not.
package options

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"pikabin/decode/units"
)

// Values hands out options by their names, those of the URL before those of the environment and these before those of a file, and remembers what was wrong.
type Values struct {
	Prefix string            // of the environment variables
	Given  url.Values        // by the URL, and by flags
	File   map[string]string // options that a file of properties stands for; nil: there is none

	known   []string
	secrets []string
	errs    []error
}

// lookup finds the value of an option, "" if it has none.
func (v *Values) lookup(name string) string {
	v.known = append(v.known, name)
	if list := v.Given[name]; len(list) > 0 {
		return list[len(list)-1]
	}
	return cmp.Or(os.Getenv(Variable(v.Prefix, name)), v.File[name])
}

// Variable is the name of the environment variable that sets an option.
func Variable(prefix, name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Secret finds a value that is taken from the environment only, or from a file of properties.
func (v *Values) Secret(name string) string {
	v.secrets = append(v.secrets, name)
	return cmp.Or(os.Getenv(Variable(v.Prefix, name)), v.File[name])
}

// Fail notes that an option has another value than is expected.
func (v *Values) Fail(name, expected string) {
	v.errs = append(v.errs, fmt.Errorf("option %s: expected %s", name, expected))
}

// Text is the value of an option, or what it is otherwise.
func (v *Values) Text(name, otherwise string) string {
	if value := v.lookup(name); value != "" {
		return value
	}
	return otherwise
}

// Choice takes one of the values, the first one by default.
func (v *Values) Choice(name string, values ...string) string {
	value := v.Text(name, values[0])
	if !slices.Contains(values, value) {
		v.Fail(name, strings.Join(values, ", "))
	}
	return value
}

// Flag is true where the option has no value, too.
func (v *Values) Flag(name string) bool {
	value := v.lookup(name)
	if value == "" {
		return v.Given.Has(name)
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		v.Fail(name, "true or false")
	}
	return on
}

// Number reads a whole number.
func (v *Values) Number(name string, otherwise int64) int64 {
	return parsed(v, name, "a number", otherwise, func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) })
}

// Size reads a number of bytes.
func (v *Values) Size(name string, otherwise int64) int64 {
	return parsed(v, name, "a size, such as 1MiB", otherwise, units.ParseSize)
}

// Duration reads a time span.
func (v *Values) Duration(name string, otherwise time.Duration) time.Duration {
	return parsed(v, name, "a duration, such as 500ms or 30s", otherwise, units.ParseDuration)
}

// parsed reads a value by a function.
func parsed[T any](v *Values, name, expected string, otherwise T, parse func(string) (T, error)) T {
	value := v.lookup(name)
	if value == "" {
		return otherwise
	}
	t, err := parse(value)
	if err != nil {
		v.Fail(name, expected)
	}
	return t
}

// Settings takes KEY=VALUE[,KEY=VALUE]. Only a comma in front of another KEY= parts them, since values may hold commas.
func (v *Values) Settings(name string) map[string]string {
	value := v.lookup(name)
	if value == "" {
		return nil
	}
	settings, last := map[string]string{}, ""
	for part := range strings.SplitSeq(value, ",") {
		key, setting, ok := strings.Cut(part, "=")
		switch {
		case ok:
			settings[key], last = setting, key
		case last == "":
			v.Fail(name, "KEY=VALUE[,KEY=VALUE]")
		default:
			settings[last] += "," + part
		}
	}
	return settings
}

// Finish says what was wrong, options included that nobody asked for. Their values are not shown.
func (v *Values) Finish() error {
	for _, name := range slices.Sorted(maps.Keys(v.Given)) {
		switch {
		case slices.Contains(v.known, name):
		case slices.Contains(v.secrets, name):
			v.errs = append(v.errs, fmt.Errorf("a %s does not belong into the address: set %s in the environment, or the option %s-file",
				name, Variable(v.Prefix, name), name))
		default:
			slices.Sort(v.known)
			v.errs = append(v.errs, fmt.Errorf("there is no option %q, only %s", name, strings.Join(v.known, ", ")))
		}
	}
	return errors.Join(v.errs...)
}

// Known are the names of all options that were asked for, but for secrets.
func (v *Values) Known() []string { return slices.Clone(v.known) }

// Variables are the names of the environment variables of all options that were asked for.
func (v *Values) Variables() []string {
	names := make([]string, 0, len(v.known)+len(v.secrets))
	for _, name := range append(v.known, v.secrets...) {
		names = append(names, Variable(v.Prefix, name))
	}
	return names
}
