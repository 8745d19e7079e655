package flags

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"pikabin/encode/cli/shared"
	"pikabin/encode/cli/shell"
	"pikabin/encode/run"
)

// share gives a job the state that several hosts share, if --state names one.
func (f *StreamFlags) share(s *shell.Streams, job *run.Job) error {
	if !shared.IsAddress(f.State) {
		if scheme, _, ok := strings.Cut(f.State, "://"); ok {
			return fmt.Errorf("--state %s://…: a state is a file, or etcd://HOST:2379/KEY, etcds://HOST:2379/KEY or s3://BUCKET/PATH/NAME", scheme)
		}
		return nil
	}
	var err error
	if job.Shared, err = shared.Open(f.State, s.Console.Warn); err != nil {
		return err
	}
	job.State, job.Shared.Settings = "", f.names()
	return nil
}

// sameFor are the settings of outputs that names and bytes of parts depend on.
var sameFor = []string{"partition", "roll-interval", "roll-size"}

// names are the flags that names and bytes of the output depend on, besides format and compression, with their values.
func (f *StreamFlags) names() map[string]string {
	given := f.settings()
	maps.DeleteFunc(given, func(name, _ string) bool { return !slices.Contains(sameFor, name) })
	all := map[string]any{"bytes": f.Bytes, "args": f.Args, "all": f.All}
	filters := reflect.ValueOf(f.FilterFlags)
	for i := range filters.NumField() {
		all[dashed(filters.Type().Field(i).Name)] = filters.Field(i).Interface()
	}
	delete(all, "limit")
	for name, value := range all {
		if v := reflect.ValueOf(value); !v.IsZero() && !IsEmpty(v) {
			given[name] = fmt.Sprint(value)
		}
	}
	return given
}

// dashed makes the name of a flag of that of a field.
func dashed(field string) string {
	var name strings.Builder
	for i, r := range field {
		if i > 0 && r >= 'A' && r <= 'Z' {
			name.WriteByte('-')
		}
		name.WriteString(strings.ToLower(string(r)))
	}
	return name.String()
}

// IsEmpty tells a text, a list or a map without anything in it, and those that hold an empty text.
func IsEmpty(v reflect.Value) bool {
	switch v.Kind() { //nolint:exhaustive // numbers are never empty
	case reflect.String, reflect.Map:
		return v.Len() == 0
	case reflect.Slice:
		empty := v.Len() == 0
		for i := range v.Len() {
			empty = empty || IsEmpty(v.Index(i))
		}
		return empty
	}
	return false
}
