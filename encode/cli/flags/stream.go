package flags

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
	"pikabin/encode/console"
	"pikabin/encode/filter"
	"pikabin/encode/frame"
	"pikabin/encode/output"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// StreamFlags are common to the commands that write the stream of events.
type StreamFlags struct {
	OutputFlags  `group:"Output:"`
	State        string `group:"Output:" placeholder:"FILE" help:"Keep the place in this file: continue from there, and save it as the output is delivered. Several hosts share one that is etcd://HOST:2379/KEY or s3://BUCKET/PATH/NAME."`
	FilterFlags  `group:"Filter:"`
	RunFlags     `group:"Run:"`
	DryRun       bool `group:"Run:" help:"Read and filter what is there, look at the output and the state, and say what would be done. Nothing is written."`
	SettingFlags      // each type of output has its group
}

// OutputFlags say what comes out, and where.
type OutputFlags struct {
	Format   string `short:"f" placeholder:"NAME" help:"Format of the events: ${formats}. Default: jsonl, and what the server understands for redis:// and rediss://."`
	Output   string `short:"o" default:"-" placeholder:"URL" help:"Where to: ${outputs}."`
	Compress string `placeholder:"NAME[:LEVEL]" help:"zstd, gzip or none; from the name of the output if that tells. Inside of files of Avro: deflate, snappy, zstd or none; of Parquet: zstd, snappy, gzip or none."`

	Bytes    string `enum:"auto,base64" default:"auto" help:"How formats of text write bytes: auto (base64 if not UTF-8) or base64."`
	Envelope string `enum:"none,cloudevents,debezium,debezium-plain" default:"none" help:"What a JSON event is put into, for consumers that know it: ${enum}. debezium has the schema in each event."`
	Args     bool   `help:"Put all arguments of the command into args."`

	RowGroup   console.Size `placeholder:"SIZE" help:"How many bytes of events make a row group of a Parquet file. A file takes four times as much memory for each worker. Default: 16MiB."`
	Timestamps bool         `help:"A column time in Parquet files: ts as a timestamp."`

	All bool `help:"Events for what changes nothing, too: padding, empty records, reads logged by mistake."`
}

// FilterFlags say which events to keep.
type FilterFlags struct {
	Key            []string          `sep:"none" placeholder:"GLOB" help:"Only events of keys like this, as in KEYS, and what may change such a key without naming it."`
	KeyRegex       []string          `sep:"none" placeholder:"REGEX" help:"The same with a regular expression."`
	ExcludeKey     []string          `sep:"none" placeholder:"GLOB" help:"Not events of keys like this."`
	Command        []string          `placeholder:"NAME" help:"Only these commands."`
	ExcludeCommand []string          `placeholder:"NAME" help:"Not these commands."`
	Op             []string          `placeholder:"NAME" help:"Only events with these ops, such as set or delete."`
	ExcludeOp      []string          `placeholder:"NAME" help:"Not events with these ops."`
	Type           []string          `placeholder:"NAME" help:"Only events of these data types, and what may change such a key without naming its type."`
	ExcludeType    []string          `placeholder:"NAME" help:"Not events of these data types."`
	NamedOnly      bool              `help:"With --key or --type: no flush, no delete by pattern and nothing else that names no key or type."`
	Keyed          map[string]int    `placeholder:"NAME=N" help:"Argument N of a command that pikabin does not know is its key."`
	Limit          int64             `placeholder:"N" help:"Stop after N events."`
	Renamed        map[string]string `placeholder:"NEW=OLD" help:"A name that the server's rename-command has made, and the command's own."`
}

// RunFlags say how it is done.
type RunFlags struct {
	OnCorrupt string       `enum:"fail,skip" default:"fail" help:"At damage: fail, or skip to the next record and report what is lost."`
	OnGap     string       `enum:"fail,skip" default:"fail" help:"At missing segments: fail, or skip and report."`
	Workers   int          `placeholder:"N" help:"Workers that decode and encode. Default: one for each CPU."`
	Memory    console.Size `default:"256MiB" help:"Bound on the bytes in flight. A single larger record still passes."`
	Progress  string       `enum:"auto,always,never" default:"auto" help:"Progress bar on standard error: ${enum}."`
}

// Job is what is common to convert and tail of a run.
func (f *StreamFlags) Job(s *shell.Streams, source *SourceFlags, sources []string) (*run.Job, error) {
	out, err := output.Parse(f.Output, f.settings())
	if err != nil {
		return nil, err
	}
	return f.JobTo(s, source, sources, out)
}

// JobTo is Job for an output that is there already.
func (f *StreamFlags) JobTo(s *shell.Streams, source *SourceFlags, sources []string, out sink.Output) (*run.Job, error) {
	o, err := f.options(s, source, out.Target())
	if err != nil {
		return nil, err
	}
	debug.SetMemoryLimit(int64(f.Memory) + runtimeReserve)
	job := &run.Job{Sources: sources, State: f.State, Guard: run.NewGuard(sources), Output: out, Stdout: shell.Events(s.Stdout.Writer), Encode: o, Tell: s.Console}
	return job, f.share(s, job)
}

// runtimeReserve is what the program takes besides the bytes in flight.
const runtimeReserve = 64 << 20

// options checks the flags and makes the pipeline's options of them.
func (f *StreamFlags) options(s *shell.Streams, source *SourceFlags, target sink.Target) (encode.Options, error) {
	if target.Takes != nil && f.Format != "" {
		return encode.Options{}, fmt.Errorf("-o %s takes what its server understands: leave out -f %s", scheme(f.Output), f.Format)
	}
	format, err := LookupFormat(cmp.Or(f.Format, "jsonl"))
	if err != nil {
		return encode.Options{}, err
	}
	if err := f.checkSealed(format, target); err != nil {
		return encode.Options{}, err
	}
	envelope, err := f.envelope(&format, target)
	if err != nil {
		return encode.Options{}, err
	}
	compression, err := f.compression(format, target)
	if err := cmp.Or(err, checkExtension(target.File, format, compression)); err != nil {
		return encode.Options{}, err
	}
	generation, err := source.Generation()
	if err := errors.Join(err, NotNegative("--workers", int64(f.Workers)), NotNegative("--limit", f.Limit)); err != nil {
		return encode.Options{}, err
	}
	f.warnOfCommands(s)
	o := encode.Options{
		Format:        format,
		FormatOptions: formats.Options{Base64: f.Bytes == "base64", Args: f.Args, Envelope: envelope},
		Decoder:       decode.DecoderOptions{All: f.All, Renamed: f.Renamed, Keyed: keyed(f.Keyed), Pika: generation, Before35: decode.Before35(source.Pika)},
		Filter: filter.Filter{
			Commands: f.Command, Ops: f.Op, Types: f.Type, Keys: f.Key, KeyRegexes: f.KeyRegex,
			ExcludeCommands: f.ExcludeCommand, ExcludeOps: f.ExcludeOp, ExcludeTypes: f.ExcludeType, ExcludeKeys: f.ExcludeKey,
			NamedOnly: f.NamedOnly,
		},
		Compression: compression, Seal: formats.SealOptions{RowGroup: int64(f.RowGroup), Timestamps: f.Timestamps, Version: s.Program.Version},
		Workers: f.Workers, Memory: int64(f.Memory), Limit: f.Limit,
		SkipCorrupt: f.OnCorrupt == "skip", SkipGaps: f.OnGap == "skip",
		Report: func(err error) { s.Console.With(exit.SkippedFields(err)...).Warn(err.Error()) },
		Warn:   s.Console.Warn,
	}
	return o, o.Check()
}

// scheme is what a value of --output begins with. There may be secrets in the rest.
func scheme(output string) string {
	name, _, _ := strings.Cut(output, "://")
	return name + "://"
}

// checkSealed refuses outputs without complete files for formats that can only be made of those, and options of such formats for others.
func (f *OutputFlags) checkSealed(format formats.Format, target sink.Target) error {
	switch {
	case format.Seal != nil && !target.Parts:
		return fmt.Errorf("a file of %s can only be made once all of its events are there, and -o %s is written as they come: give a folder, as in -o changes/, or object storage", format.Name, f.Output)
	case format.Seal == nil && (f.RowGroup != 0 || f.Timestamps):
		return fmt.Errorf("--row-group and --timestamps are for -f parquet, and not for -f %s", format.Name)
	case f.RowGroup < 0:
		return errors.New("--row-group cannot be negative")
	}
	return nil
}

// envelope is what the format is told to put events into, and puts the content type of that into the row. "" is for nothing.
func (f *OutputFlags) envelope(format *formats.Format, target sink.Target) (string, error) {
	if f.Envelope == "" || f.Envelope == "none" {
		return "", nil
	}
	content, ok := format.Envelopes[f.Envelope]
	switch {
	case target.Takes != nil:
		return "", fmt.Errorf("-o %s takes what its server understands: leave out --envelope", scheme(f.Output))
	case !ok:
		return "", fmt.Errorf("--envelope %s is for -f jsonl, and not for -f %s", f.Envelope, format.Name)
	}
	format.ContentType = content
	return f.Envelope, nil
}

// compression is the one that was asked for, or that the name of the file tells, or the default of files of the format.
func (f *OutputFlags) compression(format formats.Format, target sink.Target) (frame.Compression, error) {
	files := target.Stdout || target.Parts || len(target.Paths) > 0
	switch {
	case len(format.Codecs) > 0 && files:
		return frame.Parse(cmp.Or(f.Compress, format.Codecs[0]), format.Codecs...)
	case len(format.Codecs) > 0 && f.Compress != "":
		return frame.Compression{}, fmt.Errorf("--compress is for files: %s writes messages", f.Output)
	case f.Compress != "":
		return frame.Parse(f.Compress)
	}
	return frame.Of(target.File), nil
}

// keyed are the commands by their names in lower case.
func keyed(commands map[string]int) map[string]int {
	lower := make(map[string]int, len(commands))
	for name, at := range commands {
		lower[strings.ToLower(name)] = at
	}
	return lower
}

// NotNegative refuses numbers of things below zero. 0 is the default.
func NotNegative(flag string, n int64) error {
	if n < 0 {
		return exit.Misuse(fmt.Errorf("%s %d: expected a number that is not negative", flag, n))
	}
	return nil
}

// LookupFormat finds a format by the name that the user gave.
func LookupFormat(name string) (formats.Format, error) {
	format, ok := formats.Lookup(name)
	if !ok {
		return format, exit.Misuse(fmt.Errorf("no format is called %q: there are %s", name, strings.Join(formats.Names(), ", ")))
	}
	return format, nil
}
