package encode

import (
	"fmt"
	"slices"
	"strings"

	"pikabin/decode"
)

// Filter says which changes to keep. Within one list any match counts; the lists must all agree, and
// what an exclude list matches goes. The zero value keeps everything.
type Filter struct {
	Commands, Types, Keys                      []string // keys are globs, as in KEYS
	ExcludeCommands, ExcludeTypes, ExcludeKeys []string
}

// matcher is a Filter made ready for use by one or many goroutines.
type matcher struct {
	commands, types               []string
	excludeCommands, excludeTypes []string
	keys, excludeKeys             []glob
}

// compile checks the filter. It returns nil for one that keeps everything.
func (f *Filter) compile() (*matcher, error) {
	m := &matcher{
		commands: lower(f.Commands), excludeCommands: lower(f.ExcludeCommands),
		types: lower(f.Types), excludeTypes: lower(f.ExcludeTypes),
	}
	for _, name := range slices.Concat(m.types, m.excludeTypes) {
		if _, ok := decode.ParseType(name); !ok {
			return nil, fmt.Errorf("%q is not a type: expected one of %s", name, strings.Join(decode.TypeNames(), ", "))
		}
	}
	m.keys, m.excludeKeys = globs(f.Keys), globs(f.ExcludeKeys)
	if len(f.Commands)+len(f.Types)+len(f.Keys)+len(f.ExcludeCommands)+len(f.ExcludeTypes)+len(f.ExcludeKeys) == 0 {
		return nil, nil
	}
	return m, nil
}

// byKey reports whether a multi-key command may lose some of its keys to the filter.
func (f *Filter) byKey() bool { return len(f.Keys)+len(f.ExcludeKeys) > 0 }

// keep judges a change. A change without a key passes a key filter only if that merely excludes.
func (m *matcher) keep(c *decode.Change) bool {
	if m == nil {
		return true
	}
	return (len(m.commands) == 0 || slices.Contains(m.commands, c.Cmd)) &&
		!slices.Contains(m.excludeCommands, c.Cmd) &&
		(len(m.types) == 0 || slices.Contains(m.types, c.Type.String())) &&
		!slices.Contains(m.excludeTypes, c.Type.String()) &&
		(len(m.keys) == 0 || c.Key != nil && matchAny(m.keys, c.Key)) &&
		(c.Key == nil || !matchAny(m.excludeKeys, c.Key))
}

func matchAny(patterns []glob, key []byte) bool {
	for _, p := range patterns {
		if p.match(key) {
			return true
		}
	}
	return false
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(name)
	}
	return out
}

func globs(patterns []string) []glob {
	out := make([]glob, len(patterns))
	for i, p := range patterns {
		out[i] = parseGlob(p)
	}
	return out
}
