// Package filter says which changes to keep.
package filter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pikabin/decode"
)

// Filter says which changes to keep. Within one list any match counts; the lists must all agree, and
// what an exclude list matches goes. The zero value keeps everything.
//
// A filter of keys or types is for those who follow these keys: it keeps all that changes one of them, or may. That is a change
// which names no key or no type (a flush, a delete by pattern, DEL, EXPIRE, a command that is not known), the source of a move, and
// of types those that share keys: bitmaps and HyperLogLogs are strings, geo sets are sorted sets.
// With NamedOnly such a change is kept only if it names what is wanted.
type Filter struct {
	Commands, Ops, Types                      []string
	ExcludeCommands, ExcludeOps, ExcludeTypes []string

	Keys, ExcludeKeys []string // globs, as in KEYS
	KeyRegexes        []string // regular expressions, of which a key may match any, as of Keys

	NamedOnly bool
}

// Matcher is a Filter made ready for use by one or many goroutines.
type Matcher struct {
	commands, excludeCommands []string
	ops, excludeOps           []string
	types, excludeTypes       []string
	keys, excludeKeys         []glob
	regexes                   []*regexp.Regexp
	namedOnly                 bool
}

// Compile checks the filter. It returns nil for one that keeps everything.
func (f *Filter) Compile() (*Matcher, error) {
	m := &Matcher{
		commands: lower(f.Commands), excludeCommands: lower(f.ExcludeCommands),
		ops: lower(f.Ops), excludeOps: lower(f.ExcludeOps),
		types: lower(f.Types), excludeTypes: lower(f.ExcludeTypes),
		keys: globs(f.Keys), excludeKeys: globs(f.ExcludeKeys), namedOnly: f.NamedOnly,
	}
	if err := among("a type", decode.TypeNames(), m.types, m.excludeTypes); err != nil {
		return nil, err
	}
	if err := among("an op", decode.OpNames(), m.ops, m.excludeOps); err != nil {
		return nil, err
	}
	for _, text := range f.KeyRegexes {
		expression, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("regular expression of keys: %w", err)
		}
		m.regexes = append(m.regexes, expression)
	}
	if len(f.Commands)+len(f.Ops)+len(f.Types)+len(f.ExcludeCommands)+len(f.ExcludeOps)+len(f.ExcludeTypes) == 0 && !f.ByKey() {
		return nil, nil
	}
	return m, nil
}

// among refuses names that are none of those that there are.
func among(what string, all []string, lists ...[]string) error {
	for _, name := range slices.Concat(lists...) {
		if !slices.Contains(all, name) {
			return fmt.Errorf("%q is not %s: expected one of %s", name, what, strings.Join(all, ", "))
		}
	}
	return nil
}

// ByKey reports whether a multi-key command may lose some of its keys to the filter.
func (f *Filter) ByKey() bool { return len(f.Keys)+len(f.ExcludeKeys)+len(f.KeyRegexes) > 0 }

// Keep judges a change.
func (m *Matcher) Keep(c *decode.Change) bool {
	if m == nil {
		return true
	}
	return wanted(m.commands, m.excludeCommands, c.Cmd, c.Name()) && wanted(m.ops, m.excludeOps, c.Op.String(), "") &&
		m.keepType(c) && m.keepKey(c)
}

// wanted looks for a name, or another one of the same thing, in a list and in that of what is excluded.
func wanted(list, exclude []string, name, other string) bool {
	return (len(list) == 0 || slices.Contains(list, name) || slices.Contains(list, other)) &&
		!slices.Contains(exclude, name) && !slices.Contains(exclude, other)
}

func (m *Matcher) keepType(c *decode.Change) bool {
	switch name := c.Type.String(); {
	case c.Type == decode.TypeNone:
		return len(m.types) == 0 || m.mayTouch(c)
	case slices.Contains(m.excludeTypes, name):
		return false
	case len(m.types) == 0 || slices.Contains(m.types, name):
		return true
	}
	return !m.namedOnly && slices.ContainsFunc(m.types, func(name string) bool { return holderOf(name) == holderOf(c.Type.String()) })
}

// holderOf is the type whose keys hold values of a type.
func holderOf(name string) string {
	switch name {
	case "bitmap", "hll":
		return "string"
	case "geo":
		return "zset"
	}
	return name
}

func (m *Matcher) keepKey(c *decode.Change) bool {
	if len(m.keys)+len(m.excludeKeys)+len(m.regexes) == 0 {
		return true
	}
	if c.Key == nil {
		return len(m.keys)+len(m.regexes) == 0 || m.mayTouch(c)
	}
	return m.keyWanted(c.Key) || slices.ContainsFunc(c.OtherKeys(), m.keyWanted)
}

// mayTouch reports whether a change that names no key or no type counts as one of all keys and types. What changes nothing does not.
func (m *Matcher) mayTouch(c *decode.Change) bool {
	return !m.namedOnly && (c.Op != decode.OpOther || c.Effect == decode.EffectUnknown)
}

func (m *Matcher) keyWanted(key []byte) bool {
	included := len(m.keys)+len(m.regexes) == 0 || matchAny(m.keys, key) ||
		slices.ContainsFunc(m.regexes, func(r *regexp.Regexp) bool { return r.Match(key) })
	return included && !matchAny(m.excludeKeys, key)
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
