// Package formats turns changes into bytes. The table below lists every format; help texts, the README and the
// tests range over it. A format is a package of its own beside this file that knows changes and nothing else.
package formats

import (
	"context"
	"io"
	"slices"

	"pikabin/decode"
	"pikabin/formats/avro"
	"pikabin/formats/csv"
	"pikabin/formats/jsonl"
	"pikabin/formats/msgpack"
	"pikabin/formats/parquet"
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
	Base64    bool   // every byte field in its base64 form, in formats that have two
	Args      bool   // all arguments in args, also those that other fields hold
	Envelope  string // one of the format's Envelopes, "" for none
	Bare      bool   // each change by itself: without what tells it from the next one in a stream
	Told      bool   // the output tells which schema a bare change is of, so that the change itself does not
	SplitKeys bool   // changes were filtered by key: a multi-key command may have lost some of its parts
	Server    bool   // the commands go to a server that runs, whose clock is later than the log's: deadlines are absolute, for a Redis Held later
	Cluster   bool   // each key may be on another node: a multi-key command is one for each key, where that is the same
}

// Held is how many milliseconds deadlines are put off by that are held, see Options.
const Held = resp.Held

// Format is a row of the table.
type Format struct {
	Name        string            // as in --format
	Doc         string            // one line for help and README
	Ext         string            // of a file name: ".jsonl"
	ContentType string            // MIME type of one message
	Schema      string            // the schema's text for "pikabin schema", "" if there is none
	Envelopes   map[string]string // what an event can be put into, and the MIME type of a message then
	Head        string            // what a file begins with, compressed as the messages are
	New         func(Options) Encoder

	// File makes what a file of the format is made of, with one of the Codecs, the first of which is the default. Nil: a file is
	// the messages, one after the other, and is compressed as a whole.
	File   func(codec string, level int) (File, error)
	Codecs []string

	// Seal makes what makes files, with one of the Codecs, where these can only be made of all their messages. Nil: files can be written as the messages
	// come. SealMemory is what it takes.
	Seal       func(SealOptions) (Sealer, error)
	SealMemory func(rowGroup int64, workers int) int64
}

// SealOptions are for formats with a Sealer. All but Workers change the bytes of files.
type SealOptions struct {
	Codec      string
	Level      int    // of the codec
	RowGroup   int64  // bytes of the messages that are put into one row group; 0: the default
	Timestamps bool   // with a column of the time as a timestamp
	NoDB       bool   // without the DB, which is in the names of folders
	Version    string // of this program
	Workers    int    // how many work on a file
}

// Sealer makes a file of all its messages, which are as the Encoder wrote them. The same ones always become the same bytes. Several
// goroutines may make files at a time.
type Sealer interface {
	Seal(ctx context.Context, rows io.Reader, file io.Writer) error
}

// File makes the bytes of a file of the messages of an Encoder: a head, and frames, each of which can be read by itself after the head, so
// that a file can be cut at the end of any. The frames depend on the messages alone. It belongs to one goroutine at a time.
type File interface {
	AppendHead(dst []byte) []byte

	// AppendFrame appends a frame of whole messages, nothing for none.
	AppendFrame(dst, messages []byte) []byte
}

// table has the formats, sorted by name.
var table = []Format{
	{
		Name:        "avro",
		Doc:         "Avro: object container files, compressed inside; in Kafka the single-object encoding",
		Ext:         ".avro",
		ContentType: "avro/binary",
		Schema:      avro.Schema,
		New:         func(o Options) Encoder { return avro.New(avro.Options{Args: o.Args, Bare: o.Bare, Told: o.Told}) },
		File:        func(codec string, level int) (File, error) { return avro.NewBlocks(codec, level) },
		Codecs:      avro.Codecs,
	},
	{
		Name:        "csv",
		Doc:         "comma-separated values with a header line; bytes that are not UTF-8 in base64 in a column of their own, lists as JSON",
		Ext:         ".csv",
		ContentType: "text/csv",
		Schema:      csv.Header,
		Head:        csv.Header,
		New: func(o Options) Encoder {
			return csv.New(csv.Options{Base64: o.Base64, Args: o.Args, Bare: o.Bare}, jsonl.New(jsonl.Options{Base64: o.Base64}))
		},
	},
	{
		Name:        "jsonl",
		Doc:         "one JSON object per line; bytes that are not UTF-8 in base64 under a name of their own",
		Ext:         ".jsonl",
		ContentType: "application/json",
		Schema:      jsonl.Schema,
		Envelopes:   jsonl.Envelopes,
		New: func(o Options) Encoder {
			return jsonl.New(jsonl.Options{Base64: o.Base64, Args: o.Args, Bare: o.Bare, Envelope: jsonl.Envelope(o.Envelope)})
		},
	},
	{
		Name:        "msgpack",
		Doc:         "MessagePack: one map for each event, with bytes as bin and text as str",
		Ext:         ".msgpack",
		ContentType: "application/vnd.msgpack",
		New:         func(o Options) Encoder { return msgpack.New(o.Args) },
	},
	{
		Name:        "parquet",
		Doc:         "Parquet: files for warehouses, of columns, compressed inside; into folders and object storage only",
		Ext:         ".parquet",
		ContentType: "application/vnd.apache.parquet",
		Schema:      parquet.Schema,
		New:         func(o Options) Encoder { return protobuf.New(protobuf.Options{Args: o.Args}) },
		Codecs:      parquet.Codecs,
		Seal:        func(o SealOptions) (Sealer, error) { return parquet.NewSealer(parquet.Options(o)) },
		SealMemory:  parquet.Memory,
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
		New: func(o Options) Encoder {
			return resp.NewRedis(resp.Options{SplitKeys: o.SplitKeys, Server: o.Server, Cluster: o.Cluster})
		},
	},
	{
		Name:        "resp",
		Doc:         "the commands as logged, in the Redis protocol: for redis-cli --pipe and another Pika",
		Ext:         ".resp",
		ContentType: "application/octet-stream",
		New:         func(o Options) Encoder { return resp.New(resp.Options{SplitKeys: o.SplitKeys, Server: o.Server}) },
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
