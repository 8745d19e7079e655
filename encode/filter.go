package encode

import (
	"fmt"
	"regexp"
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
	keys, excludeKeys             []*regexp.Regexp
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
	var err error
	if m.keys, err = globs(f.Keys); err != nil {
		return nil, err
	}
	if m.excludeKeys, err = globs(f.ExcludeKeys); err != nil {
		return nil, err
	}
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

func matchAny(patterns []*regexp.Regexp, key []byte) bool {
	for _, p := range patterns {
		if p.Match(key) {
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

func globs(patterns []string) ([]*regexp.Regexp, error) {
	out := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		re, err := regexp.Compile(globToRegexp(p))
		if err != nil {
			return nil, fmt.Errorf("key pattern %q: %w", p, err)
		}
		out[i] = re
	}
	return out, nil
}

// globToRegexp translates the patterns of KEYS: *, ?, [abc], [^a-z] and a backslash before a literal. As
// there, * matches anything, slashes and line ends included.
func globToRegexp(glob string) string {
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			re.WriteString(`.*`)
		case '?':
			re.WriteString(`.`)
		case '[':
			end := strings.IndexByte(glob[i:], ']')
			if end < 0 {
				re.WriteString(`\[`)
				continue
			}
			re.WriteString(strings.ReplaceAll(glob[i:i+end+1], `\`, `\\`))
			i += end
		case '\\':
			if i+1 < len(glob) {
				i++
			}
			re.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			re.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	re.WriteString(`\z`)
	return re.String()
}
