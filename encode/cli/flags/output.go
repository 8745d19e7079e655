package flags

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"pikabin/encode/output"
	"pikabin/encode/sink"
)

// SettingFlags are the flags that the table of outputs names: those that are for one type of output.
type SettingFlags struct{ kong.Plugins }

// NewSettingFlags makes a struct with a field for each of the settings, as kong takes it.
func NewSettingFlags() SettingFlags {
	var fields []reflect.StructField
	for _, g := range output.Groups() {
		for _, s := range g.Settings {
			fields = append(fields, fieldOf(len(fields), &s, "Output to "+strings.Join(g.Forms, " and ")+":"))
		}
	}
	return SettingFlags{kong.Plugins{reflect.New(reflect.StructOf(fields)).Interface()}}
}

func fieldOf(i int, s *sink.Setting, group string) reflect.StructField {
	kind, tag := reflect.TypeFor[bool](), fmt.Sprintf("name:%q help:%q group:%q", s.Name, s.Help, group)
	if s.Placeholder != "" {
		kind, tag = reflect.TypeFor[string](), tag+fmt.Sprintf(" placeholder:%q", s.Placeholder)
	}
	return reflect.StructField{Name: fmt.Sprintf("Setting%d", i), Type: kind, Tag: reflect.StructTag(tag)}
}

// settings are the values that were given, by the names of the settings. A command without such flags has none.
func (f *SettingFlags) settings() map[string]string {
	given := map[string]string{}
	if len(f.Plugins) == 0 {
		return given
	}
	values := reflect.ValueOf(f.Plugins[0]).Elem()
	for i, s := range output.Settings() {
		switch v := values.Field(i); {
		case s.Placeholder != "" && v.String() != "":
			given[s.Name] = v.String()
		case s.Placeholder == "" && v.Bool():
			given[s.Name] = "true"
		}
	}
	return given
}
