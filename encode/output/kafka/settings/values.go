package settings

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

// values hands out options by their names, those of the URL before those of the environment and these before those of a file, and remembers what was wrong.
type values struct {
	given   url.Values
	file    map[string]string // options that properties stand for
	known   []string
	secrets []string
	errs    []error
}

// lookup finds the value of an option, "" if it has none.
func (v *values) lookup(name string) string {
	v.known = append(v.known, name)
	if list := v.given[name]; len(list) > 0 {
		return list[len(list)-1]
	}
	return cmp.Or(os.Getenv(envName(name)), v.file[name])
}

// envName is the variable that sets an option.
func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// secret finds a value that is taken from the environment only, or from a file of properties.
func (v *values) secret(name string) string {
	v.secrets = append(v.secrets, name)
	return cmp.Or(os.Getenv(envName(name)), v.file[name])
}

func (v *values) fail(name, expected string) {
	v.errs = append(v.errs, fmt.Errorf("option %s: expected %s", name, expected))
}

func (v *values) text(name, otherwise string) string {
	if value := v.lookup(name); value != "" {
		return value
	}
	return otherwise
}

// choice takes one of the values, the first one by default.
func (v *values) choice(name string, values ...string) string {
	value := v.text(name, values[0])
	if !slices.Contains(values, value) {
		v.fail(name, strings.Join(values, ", "))
	}
	return value
}

// flag is true where the option has no value, too.
func (v *values) flag(name string) bool {
	value := v.lookup(name)
	if value == "" {
		return v.given.Has(name)
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		v.fail(name, "true or false")
	}
	return on
}

func (v *values) number(name string, otherwise int64) int64 {
	return parsed(v, name, "a number", otherwise, func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) })
}

func (v *values) size(name string, otherwise int64) int64 {
	return parsed(v, name, "a size, such as 1MiB", otherwise, units.ParseSize)
}

func (v *values) duration(name string, otherwise time.Duration) time.Duration {
	return parsed(v, name, "a duration, such as 500ms or 30s", otherwise, units.ParseDuration)
}

// parsed reads a value by a function.
func parsed[T any](v *values, name, expected string, otherwise T, parse func(string) (T, error)) T {
	value := v.lookup(name)
	if value == "" {
		return otherwise
	}
	t, err := parse(value)
	if err != nil {
		v.fail(name, expected)
	}
	return t
}

// settings takes KEY=VALUE[,KEY=VALUE]. Only a comma in front of another KEY= parts them, since values may hold commas.
func (v *values) settings(name string) map[string]string {
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
			v.fail(name, "KEY=VALUE[,KEY=VALUE]")
		default:
			settings[last] += "," + part
		}
	}
	return settings
}

// finish says what was wrong, options included that nobody asked for. Their values are not shown.
func (v *values) finish() error {
	for _, name := range slices.Sorted(maps.Keys(v.given)) {
		switch {
		case slices.Contains(v.known, name):
		case slices.Contains(v.secrets, name):
			v.errs = append(v.errs, fmt.Errorf("a %s does not belong into the address: set %s in the environment, or the option %s-file",
				name, envName(name), name))
		default:
			slices.Sort(v.known)
			v.errs = append(v.errs, fmt.Errorf("there is no option %q, only %s", name, strings.Join(v.known, ", ")))
		}
	}
	return errors.Join(v.errs...)
}
