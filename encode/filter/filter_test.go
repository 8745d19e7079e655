package filter_test

import (
	"cmp"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/filter"
	"pikabin/encode/sinktest"
)

// kept runs commands through a filter and gives those that come out, with their keys and parts.
func kept(t *testing.T, f filter.Filter, commands ...[]string) []string {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{})
	for _, argv := range commands {
		w.Command(argv...)
	}
	dir := t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	to, _, err := sinktest.Convert(t, dir, 0, encode.Options{Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(to.String()) {
		fields := strings.Fields(line)
		list = append(list, strings.Join(fields[2:len(fields)-1], " "))
	}
	return list
}

// TestKeyGlobs has a line for each rule of KEYS.
func TestKeyGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, matches, not string // keys between spaces
	}{
		{"", "", "a"},
		{"abc", "abc", "ab abcd xabc ABC"},
		{"*", "a abc a/b/c \x00\xff", ""},
		{"a*", "a ab a/b", "b ba"},
		{"*a", "a ba aba", "ab"},
		{"a**b", "ab axb aabb", "a b abx"},
		{"a*b*c", "abc aXbYc abbcc abcbc", "ac abcx acb"},
		{"*aab", "aab aaab aaaaab", "aaba"},
		{"?", "a \xff /", "ab"},
		{"h?llo", "hello h/llo h\nllo", "hllo heello"},
		{"??", "ab \u00e9", "a abc"},
		{"[a-c]x", "ax bx cx", "dx x abx"},
		{"[c-a]x", "ax bx cx", "dx"},
		{"[abc]", "a b c", "d ab ]"},
		{"[^x]", "a \xff ^", "x ab"},
		{"[^a-c]", "d", "a b c"},
		{"[a^]", "a ^", "b"},
		{"[]a", "", "a ]a"},
		{"[^]a", "xa ]a", "a"},
		{`[\]]`, "]", `\ a`},
		{`[\^a]`, "^ a", "b"},
		{`[a\-c]`, "a - c", "b"},
		{"[a-]", "a _ ]", "- ."}, // a range up to the bracket, which then closes nothing
		{"[ab", "a b", "[ab ab ["},
		{"[", "", "["},
		{`\*`, "*", "a"},
		{`\?x`, "?x", "ax"},
		{`\[a]`, "[a]", "a"},
		{`a\`, `a\`, "a"},
		{`\\`, `\`, `\\`},
		{"a.c", "a.c", "abc"},
		{"a+(b|c)$", "a+(b|c)$", "aab"},
		{"\xff\x00*", "\xff\x00 \xff\x00a", "\xff \x00\xff"},
		{"\u043a*", "\u043a \u043a\u043b", "\u043b"},
		{"user:*:name", "user:1:name user::name user:a:b:name", "user:name users:1:name"},
	} {
		f := filter.Filter{Keys: []string{c.pattern}}
		var commands [][]string
		for key := range strings.SplitSeq(c.matches+" "+c.not, " ") {
			if key != "" {
				commands = append(commands, []string{"INCR", key})
			}
		}
		want := 0
		for key := range strings.SplitSeq(c.matches, " ") {
			if key != "" {
				want++
			}
		}
		if got := kept(t, f, commands...); len(got) != want {
			t.Errorf("%q keeps %d of %q, want the first %d: %s", c.pattern, len(got), commands, want, got)
		}
		if got := kept(t, filter.Filter{ExcludeKeys: f.Keys}, commands...); len(got) != len(commands)-want {
			t.Errorf("%q excludes other keys of %q: leaves %s", c.pattern, commands, got)
		}
	}
}

// TestGlobOfManyStars would take ages if each star were tried again.
func TestGlobOfManyStars(t *testing.T) {
	f := filter.Filter{Keys: []string{strings.Repeat("a*", 30) + "b"}}
	if got := kept(t, f, []string{"SET", strings.Repeat("a", 10_000), "v"}); got != nil {
		t.Errorf("kept %.100s", got)
	}
}

func TestFilterRules(t *testing.T) {
	log := [][]string{
		{"SET", "a", "1"}, {"set", "b", "2"}, {"HMSET", "h", "f", "v"}, {"DEL", "a", "b", "c"}, {"FLUSHDB"}, {"INVENTED", "x"}, {"EXPIREAT", "a", "2000000000"},
	}
	list := func(s ...string) []string { return s }
	for name, c := range map[string]struct {
		filter filter.Filter
		want   []string
	}{
		"nothing is said":           {filter.Filter{}, list(`0/0 set "a"`, `0/0 set "b"`, `0/0 hmset "h"`, `0/3 del "a"`, `1/3 del "b"`, `2/3 del "c"`, `0/0 flushdb ""`, `0/0 invented ""`, `0/0 expireat "a"`)},
		"a command":                 {filter.Filter{Commands: list("SET")}, list(`0/0 set "a"`, `0/0 set "b"`)},
		"several commands":          {filter.Filter{Commands: list("invented", "FlushDB")}, list(`0/0 flushdb ""`, `0/0 invented ""`)},
		"a type":                    {filter.Filter{Types: list("Hash")}, list(`0/0 hmset "h"`, `0/3 del "a"`, `1/3 del "b"`, `2/3 del "c"`, `0/0 flushdb ""`, `0/0 invented ""`, `0/0 expireat "a"`)},
		"a type that is named":      {filter.Filter{Types: list("Hash"), NamedOnly: true}, list(`0/0 hmset "h"`)},
		"an op":                     {filter.Filter{Ops: list("Delete")}, list(`0/3 del "a"`, `1/3 del "b"`, `2/3 del "c"`)},
		"not an op":                 {filter.Filter{ExcludeOps: list("set", "delete", "other")}, list(`0/0 hmset "h"`, `0/0 flushdb ""`, `0/0 expireat "a"`)},
		"a regular expression":      {filter.Filter{KeyRegexes: list("^[ah]$"), NamedOnly: true}, list(`0/0 set "a"`, `0/0 hmset "h"`, `0/3 del "a"`, `0/0 expireat "a"`)},
		"not a type":                {filter.Filter{ExcludeTypes: list("hash", "string")}, list(`0/3 del "a"`, `1/3 del "b"`, `2/3 del "c"`, `0/0 flushdb ""`, `0/0 invented ""`, `0/0 expireat "a"`)},
		"a key, parts are filtered": {filter.Filter{Keys: list("a")}, list(`0/0 set "a"`, `0/3 del "a"`, `0/0 flushdb ""`, `0/0 invented ""`, `0/0 expireat "a"`)},
		"several keys":              {filter.Filter{Keys: list("b", "[c-h]"), NamedOnly: true}, list(`0/0 set "b"`, `0/0 hmset "h"`, `1/3 del "b"`, `2/3 del "c"`)},
		"not a key":                 {filter.Filter{ExcludeKeys: list("a", "b")}, list(`0/0 hmset "h"`, `2/3 del "c"`, `0/0 flushdb ""`, `0/0 invented ""`)},
		"a key, but not one of it":  {filter.Filter{Keys: list("?"), ExcludeKeys: list("a"), NamedOnly: true}, list(`0/0 set "b"`, `0/0 hmset "h"`, `1/3 del "b"`, `2/3 del "c"`)},
		"a key and a command":       {filter.Filter{Keys: list("a"), Commands: list("del", "set")}, list(`0/0 set "a"`, `0/3 del "a"`)},
		"not a command":             {filter.Filter{ExcludeCommands: list("DEL", "SET", "FLUSHDB")}, list(`0/0 hmset "h"`, `0/0 invented ""`, `0/0 expireat "a"`)},
		"what excludes itself":      {filter.Filter{Commands: list("set"), ExcludeCommands: list("set")}, nil},
	} {
		if diff := gocmp.Diff(c.want, kept(t, c.filter, log...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	o := encode.Options{Filter: filter.Filter{Types: []string{"sets"}}}
	if err := o.Check(); err == nil || !strings.Contains(err.Error(), `"sets" is not a type`) {
		t.Errorf("got %v", err)
	}
	for text, f := range map[string]filter.Filter{
		`"sets" is not an op`: {Ops: []string{"sets"}}, `"gap" is not an op`: {ExcludeOps: []string{"gap"}}, "missing closing )": {KeyRegexes: []string{"("}},
	} {
		o := encode.Options{Filter: f}
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

// changed are commands with the keys that each may change, "*" for any, and their type.
var changed = []struct{ command, keys, kind string }{
	{"SET a 1", "a", "string"},
	{"SETBIT b 1 1", "b", "bitmap"},
	{"HSET a f v", "a", "hash"},
	{"RPOPLPUSH a b", "a b", "list"},
	{"RPOPLPUSH c a", "c a", "list"},
	{"SMOVE b c m", "b c", "set"},
	{"SUNIONSTORE a b c", "a", "set"},
	{"BRPOP a b 0", "a b", "list"},
	{"ZADD c 1 m", "c", "zset"},
	{"EXPIREAT b 2000000000", "b", "*"},
	{"DEL a", "a", "*"},
	{"UNLINK c", "c", "*"},
	{"FLUSHDB", "*", "*"},
	{"FLUSHDB hash", "*", "*"},
	{"FLUSHALL", "*", "*"},
	{"PKPATTERNMATCHDEL a*", "*", "*"},
	{"PKHSET a f v", "*", "*"},
	{"PFADD b e", "b", "hll"},
	{"GEOADD a 1 2 m", "a", "geo"},
	{"XADD c 1-1 f v", "c", "stream"},
	{"PERSIST a", "a", "*"},
}

// TestFilterHidesNoChange has random filters of keys and types: what may change a wanted key of a wanted type comes, and nothing else does.
func TestFilterHidesNoChange(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	some := func(list ...string) (picked []string) {
		for _, s := range list {
			if r.IntN(3) == 0 {
				picked = append(picked, s)
			}
		}
		return picked
	}
	for range 60 {
		f := filter.Filter{
			Keys: some("a", "b", "[bc]"), ExcludeKeys: some("a", "c"),
			Types: some("string", "hash", "list", "set", "zset", "geo", "hll"), ExcludeTypes: some("set", "hll", "stream"),
			KeyRegexes: some("^[a]$", "c"),
		}
		wantedKeys := slices.Concat(f.Keys, f.KeyRegexes)
		holder := map[string]string{"bitmap": "string", "hll": "string", "geo": "zset"}
		in := func(list []string, name string) bool {
			return slices.ContainsFunc(list, func(pattern string) bool { return strings.Contains(pattern, name) })
		}
		keyWanted := func(key string) bool {
			return key == "*" || (len(wantedKeys) == 0 || in(wantedKeys, key)) && !in(f.ExcludeKeys, key)
		}
		typeWanted := func(kind string) bool {
			return kind == "*" || !slices.Contains(f.ExcludeTypes, kind) && (len(f.Types) == 0 || slices.ContainsFunc(f.Types, func(t string) bool {
				return cmp.Or(holder[t], t) == cmp.Or(holder[kind], kind)
			}))
		}
		var log [][]string
		var want []string
		for range 40 {
			c := changed[r.IntN(len(changed))]
			log = append(log, strings.Fields(c.command))
			if slices.ContainsFunc(strings.Fields(c.keys), keyWanted) && typeWanted(c.kind) {
				want = append(want, strings.ToLower(strings.Fields(c.command)[0]))
			}
		}
		var got []string
		for _, line := range kept(t, f, log...) {
			got = append(got, strings.Fields(line)[1])
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v of %q (-want +got):\n%s", f, log, diff)
		}
	}
}
