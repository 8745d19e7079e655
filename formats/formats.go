// Package formats turns changes into bytes. The table below lists every format; help texts, the README and the
// tests range over it. A format is a package of its own beside this file that knows changes and nothing else.
package formats

import (
	"slices"

	"pikabin/decode"
	"pikabin/formats/jsonl"
	"pikabin/formats/protobuf"
	"pikabin/formats/resp"
	"pikabin/proto"
)

// Encoder appends the bytes of one change to dst and returns the longer slice, framing included (the
// newline, the length), so that messages can be concatenated. It keeps nothing of c. It may append
// nothing, when the format has said all of the command with an earlier part of it. The bytes depend
// on c alone, never on what was encoded before. The free capacity of dst may be overwritten with
// anything. An encoder is used by one goroutine at a time.
type Encoder interface {
	AppendChange(dst []byte, c *decode.Change) []byte
}

// Switcher is an Encoder whose stream has to say when the DB changes.
type Switcher interface {
	// AppendSwitch appends what tells a reader that the changes that follow are of another DB.
	AppendSwitch(dst []byte, db string) ([]byte, error)
}

// Doubter is an Encoder whose reader does not always come to hold what the server had.
type Doubter interface {
	// Doubt says why not for a change, "" where it does.
	Doubt(c *decode.Change) string
}

// Options are what the user may ask of any format. The zero value is the default. Each row of the table hands
// on those that mean something to its format.
type Options struct {
	Base64    bool // every byte field in its base64 form, in formats that have two
	Args      bool // all arguments in args, also those that other fields hold
	Bare      bool // each change by itself: without what tells it from the next one in a stream
	SplitKeys bool // changes were filtered by key: a multi-key command may have lost some of its parts
}

// Format is a row of the table.
type Format struct {
	Name        string // as in --format
	Doc         string // one line for help and README
	Ext         string // of a file name: ".jsonl"
	ContentType string // MIME type of one message
	Schema      string // the schema's text for "pikabin schema", "" if there is none
	New         func(Options) Encoder
}

// table has the formats, sorted by name.
var table = []Format{
	{
		Name:        "jsonl",
		Doc:         "one JSON object per line; bytes that are not UTF-8 in base64 under a name of their own",
		Ext:         ".jsonl",
		ContentType: "application/json",
		Schema:      jsonl.Schema,
		New: func(o Options) Encoder {
			return jsonl.New(jsonl.Options{Base64: o.Base64, Args: o.Args, Bare: o.Bare})
		},
	},
	{
		Name:        "protobuf",
		Doc:         "pikabin.v1.Change messages, each with its length before it as a varint",
		Ext:         ".pb",
		ContentType: "application/protobuf",
		Schema:      proto.Source,
		New:         func(o Options) Encoder { return protobuf.New(protobuf.Options{Args: o.Args, Bare: o.Bare}) },
	},
	{
		Name:        "redis",
		Doc:         "what the commands did, in the words of Redis 7, for its append-only file: see the command redis",
		Ext:         ".resp",
		ContentType: "application/octet-stream",
		New:         func(o Options) Encoder { return resp.NewRedis(resp.Options{SplitKeys: o.SplitKeys}) },
	},
	{
		Name:        "resp",
		Doc:         "the commands as logged, in the Redis protocol: for redis-cli --pipe and another Pika",
		Ext:         ".resp",
		ContentType: "application/octet-stream",
		New:         func(o Options) Encoder { return resp.New(resp.Options{SplitKeys: o.SplitKeys}) },
	},
}

// All lists the formats, sorted by name.
func All() []Format { return slices.Clone(table) }

// Lookup finds a format by name.
func Lookup(name string) (Format, bool) {
	i := slices.IndexFunc(table, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return table[i], true
}

// Names lists the names of the formats, sorted.
func Names() []string {
	names := make([]string, len(table))
	for i, f := range table {
		names[i] = f.Name
	}
	return names
}
