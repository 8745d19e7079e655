// Package output is the table of outputs.
package output

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pikabin/encode/output/file"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/object"
	"pikabin/encode/output/redis"
	"pikabin/encode/output/stream"
	"pikabin/encode/sink"
)

// types are the outputs that there are, sorted by name. No value of --output has the form of two of them.
var types = []sink.Type{file.Type, folder.Type, object.HDFS, kafka.Type, object.Type, redis.Type, stream.Type}

// Types lists the outputs that there are, sorted by name.
func Types() []sink.Type { return slices.Clone(types) }

// Parse makes an output of a value of --output and of the settings that were given. It opens nothing.
func Parse(target string, settings map[string]string) (sink.Output, error) {
	if i := slices.IndexFunc(types, func(t sink.Type) bool { return slashless(target, t.Form) }); i >= 0 {
		return nil, fmt.Errorf("%q: an address has two slashes after its colon, as in %s (a file or folder of this name is ./%s)", target, types[i].Form, target)
	}
	for _, t := range types {
		o, ok, err := t.Parse(target, settings)
		if !ok {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			if !t.Has(name) {
				return nil, fmt.Errorf("--%s is not for output %q: it is for %s", name, target, formOf(name))
			}
		}
		return o, err
	}
	return nil, fmt.Errorf("no output has the form of %q: expected %s", target, Forms(func(t sink.Type) string { return t.Name }))
}

// slashless tells an address without its two slashes, which would be the name of a file.
func slashless(target, form string) bool {
	scheme, _, address := strings.Cut(form, "://")
	return address && strings.HasPrefix(target, scheme+":") && !strings.HasPrefix(target, scheme+"://")
}

// formOf is the form of the outputs that have a setting.
func formOf(setting string) string {
	var forms []string
	for _, t := range types {
		if t.Has(setting) {
			forms = append(forms, t.Form+" ("+t.Doc+")")
		}
	}
	return strings.Join(forms, " and ")
}

// Forms lists the forms that --output takes, each with what describe says of it.
func Forms(describe func(sink.Type) string) string {
	var forms []string
	for _, t := range types {
		forms = append(forms, t.Form+" ("+describe(t)+")")
	}
	return strings.Join(forms, ", ")
}

// Group are the flags that some types of output have, which no group before it has.
type Group struct {
	Forms    []string // of the types
	Settings []sink.Setting
}

// Groups are the flags that are for some types of output only, each once.
func Groups() []Group {
	var groups []Group
	at := map[string]int{} // of groups, by their forms
	for _, name := range names() {
		var forms []string
		var setting sink.Setting
		for _, t := range types {
			if i := slices.IndexFunc(t.Settings, func(s sink.Setting) bool { return s.Name == name }); i >= 0 {
				forms, setting = append(forms, t.Form), t.Settings[i]
			}
		}
		key := strings.Join(forms, " and ")
		if _, ok := at[key]; !ok {
			at[key] = len(groups)
			groups = append(groups, Group{Forms: forms})
		}
		groups[at[key]].Settings = append(groups[at[key]].Settings, setting)
	}
	return groups
}

// names are those of all settings, each once.
func names() []string {
	var all []string
	for _, t := range types {
		for _, s := range t.Settings {
			if !slices.Contains(all, s.Name) {
				all = append(all, s.Name)
			}
		}
	}
	return all
}

// Settings are the flags of all groups.
func Settings() []sink.Setting {
	var all []sink.Setting
	for _, g := range Groups() {
		all = append(all, g.Settings...)
	}
	return all
}

// Variables are the names of the environment variables that outputs take besides those of the flags.
func Variables() []string {
	var all []string
	for _, t := range types {
		if t.Variables != nil {
			all = append(all, t.Variables()...)
		}
	}
	return all
}
