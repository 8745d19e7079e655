package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
)

// seen is what an event says of itself, as far as filters ask.
type seen struct {
	DB, Op, Type, Cmd, Effect string
	Key                       *string
	KeyB64                    *string `json:"key_b64"`
}

func (e *seen) key() (key string, ok bool) {
	if e.KeyB64 != nil {
		text, err := base64.StdEncoding.DecodeString(*e.KeyB64)
		return string(text), err == nil
	}
	if e.Key == nil {
		return "", false
	}
	return *e.Key, true
}

// wanted is a filter as it is said on the command line. Keys are plain, or with stars.
type wanted struct {
	args                         []string
	dbs, excludeDBs              []string
	keys, excludeKeys, regexes   []string
	types, excludeTypes          []string
	ops, excludeOps              []string
	commands, excludeCommands    []string
	namedOnly                    bool
	limit                        int
	random                       *rand.Rand
	allDBs, allKeys, allTypes    []string
	allOps, allCommands, letters []string
}

// some picks a few values for a flag that has its turn.
func (w *wanted) some(flag string, often int, from []string) (picked []string) {
	if len(from) == 0 || w.random.IntN(often) > 0 {
		return nil
	}
	for range 1 + w.random.IntN(3) {
		value := from[w.random.IntN(len(from))]
		picked = append(picked, value)
		w.args = append(w.args, flag+"="+value)
	}
	return picked
}

// newWanted makes a filter of what occurs in events.
func newWanted(random *rand.Rand, events []seen) *wanted {
	w := &wanted{random: random, allTypes: []string{"string", "hash", "list", "set", "zset", "geo", "hll", "bitmap", "stream"}}
	for i := range events {
		e := &events[i]
		w.allDBs, w.allOps, w.allCommands = append(w.allDBs, e.DB), append(w.allOps, e.Op), append(w.allCommands, e.Cmd)
		if key, ok := e.key(); ok && plainKey.MatchString(key) {
			w.allKeys = append(w.allKeys, key, key[:1]+"*", "*"+key[len(key)-1:])
			w.letters = append(w.letters, "^"+key[:1], key[len(key)-1:]+"$")
		}
	}
	w.dbs, w.excludeDBs = w.some("--db", 6, w.allDBs), w.some("--exclude-db", 8, w.allDBs)
	w.keys, w.excludeKeys, w.regexes = w.some("--key", 2, w.allKeys), w.some("--exclude-key", 4, w.allKeys), w.some("--key-regex", 5, w.letters)
	w.types, w.excludeTypes = w.some("--type", 3, w.allTypes), w.some("--exclude-type", 5, w.allTypes)
	w.ops, w.excludeOps = w.some("--op", 5, w.allOps), w.some("--exclude-op", 5, w.allOps)
	w.commands, w.excludeCommands = w.some("--command", 6, w.allCommands), w.some("--exclude-command", 5, w.allCommands)
	if w.namedOnly = random.IntN(3) == 0; w.namedOnly {
		w.args = append(w.args, "--named-only")
	}
	if random.IntN(4) == 0 {
		w.limit = 1 + random.IntN(20)
		w.args = append(w.args, "--limit="+strconv.Itoa(w.limit))
	}
	return w
}

// plainKey is a key that patterns and flags take as it is.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9:]+$`)

// listed reports whether a list, which may be empty, and one of what is excluded let a value pass.
func listed(value string, list, exclude []string) bool {
	return (len(list) == 0 || slices.Contains(list, value)) && !slices.Contains(exclude, value)
}

// holder is the type whose keys hold those of another one.
func holder(name string) string {
	return map[string]string{"bitmap": "string", "hll": "string", "geo": "zset"}[name]
}

func sameHolder(a, b string) bool {
	return a == b || holder(a) == b || a == holder(b) || holder(a) != "" && holder(a) == holder(b)
}

func anyMatch(patterns []string, key string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, key)
		return ok && err == nil
	})
}

// passes says whether an event passes. It is not sure of those that have other keys than they name.
func (w *wanted) passes(e *seen) (passes, sure bool) {
	if !listed(e.DB, w.dbs, w.excludeDBs) || !listed(e.Op, w.ops, w.excludeOps) || !listed(e.Cmd, w.commands, w.excludeCommands) {
		return false, true
	}
	mayChange := !w.namedOnly && (e.Op != "other" || e.Effect == "unknown")
	switch {
	case e.Type == "" && len(w.types) > 0 && !mayChange, e.Type != "" && slices.Contains(w.excludeTypes, e.Type):
		return false, true
	case e.Type != "" && len(w.types) > 0 && !slices.Contains(w.types, e.Type) &&
		(w.namedOnly || !slices.ContainsFunc(w.types, func(name string) bool { return sameHolder(name, e.Type) })):
		return false, true
	}
	named := len(w.keys)+len(w.regexes) > 0
	key, ok := e.key()
	if !ok {
		return !named || mayChange, true
	}
	passes = !named || anyMatch(w.keys, key) ||
		slices.ContainsFunc(w.regexes, func(r string) bool { return regexp.MustCompile(r).MatchString(key) })
	passes = passes && !anyMatch(w.excludeKeys, key)
	return passes, passes || e.Op != "store" && e.Cmd != "blpop" && e.Cmd != "brpop"
}

// check compares what came through a filter with all events: those that pass are there, as they are without it, and no others.
func (w *wanted) check(t *testing.T, lines [][]byte, events []seen, got [][]byte) {
	t.Helper()
	for i := range events {
		if w.limit > 0 && len(got) == 0 {
			return
		}
		passes, sure := w.passes(&events[i])
		there := len(got) > 0 && bytes.Equal(got[0], lines[i])
		if there != passes && (sure || passes) {
			t.Fatalf("%q: passes is %t, is there %t: %s", w.args, passes, there, lines[i])
		}
		if there {
			got = got[1:]
		}
	}
	if len(got) > 0 {
		t.Fatalf("%q: events that are not there without it, or not in this place, such as %s", w.args, got[0])
	}
}

// splitLines gives the lines of a text that ends in one.
func splitLines(text []byte) [][]byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	return lines[:len(lines)-1]
}

// TestRandomFilters converts every fixture with random filters of what occurs in it, and compares with the events that it gives without them.
func TestRandomFilters(t *testing.T) {
	eachFolder(t, func(t *testing.T, f binlogtest.Fixture, from string) {
		t.Helper()
		lines := splitLines(convert(t, from, "--all", "--quiet"))
		events := make([]seen, len(lines))
		for i := range lines {
			if err := json.Unmarshal(lines[i], &events[i]); err != nil {
				t.Fatal(err)
			}
		}
		seed := fnv.New64()
		seed.Write([]byte(f.Name + filepath.Base(from)))
		random := rand.New(rand.NewPCG(9, seed.Sum64()))
		for range 3 {
			w := newWanted(random, events)
			var stdout, stderr bytes.Buffer
			code := cli.Run(append([]string{"convert", from, "--all", "--quiet"}, w.args...), &stdout, &stderr, "")
			if code == exit.Usage && len(w.dbs)+len(w.excludeDBs) > 0 {
				continue // no DB is left
			}
			if code != 0 {
				t.Fatalf("%q: exit code %d: %s", w.args, code, &stderr)
			}
			got := splitLines(stdout.Bytes())
			if w.limit > 0 && len(got) > w.limit {
				t.Fatalf("%q: %d events", w.args, len(got))
			}
			w.check(t, lines, events, got)
		}
	})
}
