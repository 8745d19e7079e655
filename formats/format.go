// Package formats turns one change into bytes. Each format is one file that registers itself, and
// help texts, tables, conformance tests and goldens range over the registry.
package formats

import (
	"slices"
	"strings"

	"pikabin/decode"
)

// Encoder appends the bytes of one change to dst and returns the longer slice, framing included (the
// newline, the length), so that messages can be concatenated. It keeps nothing of c. It may append
// nothing, when the format has said all of the command with an earlier part of it. The bytes depend
// on c alone, never on what was encoded before. What lies in dst behind its length may be overwritten
// with anything. An encoder is used by one goroutine at a time.
type Encoder interface {
	AppendChange(dst []byte, c *decode.Change) []byte
}

// Switcher is an Encoder whose stream has to say when the DB changes.
type Switcher interface {
	// AppendSwitch appends what tells a reader that the changes that follow are of another DB.
	AppendSwitch(dst []byte, db string) ([]byte, error)
}

// Options are what the user may ask of any format. The zero value is the default.
type Options struct {
	Base64    bool // every byte field in its base64 form, in formats that have two
	Args      bool // all arguments in args, also those that other fields hold
	Bare      bool // each change by itself: without what tells it from the next one in a stream
	SplitKeys bool // changes were filtered by key: a multi-key command may have lost some of its parts
}

// Format is an entry of the registry.
type Format struct {
	Name        string // as in --format
	Doc         string // one line for help and README
	Ext         string // of a file name: ".jsonl"
	ContentType string // MIME type of one message
	Schema      string // the schema's text for "pikabin schema", "" if there is none
	New         func(Options) Encoder
}

// shownArgs are the arguments that an event shows in args. Of a multi-key command only the first part has all of
// them: in each, they would grow with the square of the number of keys.
func shownArgs(c *decode.Change, opts Options) [][]byte {
	if opts.Args && len(c.Argv) > 0 && c.KeyIndex == 0 {
		return c.Argv[1:]
	}
	return c.Args
}

var registry []Format

func register(f Format) {
	if _, ok := Lookup(f.Name); ok {
		panic("formats: " + f.Name + " registered twice")
	}
	registry = append(registry, f)
	slices.SortFunc(registry, func(a, b Format) int { return strings.Compare(a.Name, b.Name) })
}

// All lists the formats, sorted by name.
func All() []Format { return slices.Clone(registry) }

// Lookup finds a format by name.
func Lookup(name string) (Format, bool) {
	i := slices.IndexFunc(registry, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return registry[i], true
}

// Names lists the names of the formats, sorted.
func Names() []string {
	names := make([]string, len(registry))
	for i, f := range registry {
		names[i] = f.Name
	}
	return names
}
