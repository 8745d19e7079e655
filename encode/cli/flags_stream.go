package cli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/units"
	"pikabin/encode"
	"pikabin/encode/console"
	"pikabin/encode/filter"
	"pikabin/encode/frame"
	"pikabin/encode/output"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// streamFlags are common to the commands that write the stream of events.
type streamFlags struct {
	outputFlags
	kafkaFlags
	filterFlags
	runFlags
	State string `placeholder:"FILE" help:"Keep the place in this file: go on from there, and save it as the output is delivered."`
}

// outputFlags say what comes out, and where.
type outputFlags struct {
	Format       string        `short:"f" default:"jsonl" help:"Format of the events: ${formats}."`
	Output       string        `short:"o" default:"-" placeholder:"URL" help:"Where to: ${outputs}."`
	Compress     string        `placeholder:"NAME[:LEVEL]" help:"zstd, gzip or none; from the name of the output if that tells."`
	RollSize     console.Size  `default:"256MiB" placeholder:"SIZE" help:"Complete a part of a folder when it is so long. Default: 256MiB."`
	RollInterval time.Duration `placeholder:"TIME" help:"Complete a part of a folder when it is so old, such as 10m."`
	Partition    string        `placeholder:"hive[:ZONE]" help:"Parts in folders by DB, day and hour of the events in a zone, such as hive:Asia/Shanghai. Default of the zone: UTC."`

	Bytes string `enum:"auto,base64" default:"auto" help:"How formats of text write bytes: auto (base64 if not UTF-8) or base64."`
	Args  bool   `help:"Put all arguments of the command into args."`
	All   bool   `help:"Events for what changes nothing, too: padding, empty records, reads logged by mistake."`

	live bool // the events are of now
}

// kafkaFlags are those options of a Kafka output that decide what its consumers see. They are taken from the URL and from
// PIKABIN_KAFKA_... too.
type kafkaFlags struct {
	ExactlyOnce     bool   `help:"Kafka: events and position in one transaction."`
	Standby         bool   `help:"Kafka: with --exactly-once, wait until no other run writes for the source, and take over."`
	CreateTopics    bool   `help:"Kafka: make topics that are missing."`
	SinglePartition bool   `help:"Kafka: everything into partition 0, for a total order."`
	Tombstones      bool   `help:"Kafka: a null after each delete, for compacted topics."`
	OnOversize      string `placeholder:"HOW" help:"Kafka: an event above max.message.bytes: fail, dlq:TOPIC, dlq:/FILE (the whole event) or blob:FOLDER (its value)."`
}

// settings are the options as the output takes them, without those that are left open.
func (f *kafkaFlags) settings() map[string]string {
	settings := map[string]string{}
	for name, on := range map[string]bool{
		"exactly-once": f.ExactlyOnce, "standby": f.Standby, "create-topics": f.CreateTopics, "single-partition": f.SinglePartition, "tombstones": f.Tombstones,
	} {
		if on {
			settings[name] = "true"
		}
	}
	if f.OnOversize != "" {
		settings["on-oversize"] = f.OnOversize
	}
	return settings
}

// filterFlags say which events to keep.
type filterFlags struct {
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

// runFlags say how it is done.
type runFlags struct {
	OnCorrupt string       `enum:"fail,skip" default:"fail" help:"At damage: fail, or skip to the next record and report what is lost."`
	OnGap     string       `enum:"fail,skip" default:"fail" help:"At missing segments: fail, or skip and report."`
	Workers   int          `placeholder:"N" help:"Workers that decode and encode. Default: one for each CPU."`
	Memory    console.Size `default:"256MiB" help:"Bound on the bytes in flight. A single larger record still passes."`
	Progress  string       `enum:"auto,always,never" default:"auto" help:"Progress bar on standard error: ${enum}."`
}

// frames puts the small batches of a tail together. Without a state nothing tells when they have to be in the output, so that each is a frame then; and of
// what convert reads, the frames must not depend on the time of the run.
func (f *streamFlags) frames(c frame.Compression) (sink.Framer, error) {
	if !f.live || f.State == "" || c == (frame.Compression{}) {
		return nil, nil
	}
	return c.NewCompressor()
}

// job is what is common to convert and tail of a run.
func (f *streamFlags) job(s *streams, source *sourceFlags, sources []string) (*run.Job, error) {
	o, err := f.options(s, source)
	if err != nil {
		return nil, err
	}
	roll, err := f.roll()
	if err != nil {
		return nil, err
	}
	frames, err := f.frames(o.Compression)
	if err != nil {
		return nil, err
	}
	debug.SetMemoryLimit(int64(f.Memory) + runtimeReserve)
	return &run.Job{
		Sources: sources, State: f.State, Guard: run.NewGuard(sources), Encode: o, Tell: s.console,
		Output: run.Output{
			Options: sink.Options{Target: f.Output, Settings: f.settings(), Stdout: s.stdout.Writer, Roll: roll, Frames: frames},
			Open:    openSink,
		},
	}, nil
}

// openSink opens an output. The error says whether it cannot be meant, or failed.
func openSink(o sink.Options) (sink.Sink, error) {
	to, err := output.Open(o)
	if target, ok := errors.AsType[*sink.TargetError](err); ok {
		return nil, usageError{target}
	}
	if stopped, ok := errors.AsType[*sink.StoppedError](err); ok {
		return nil, stopped
	}
	if err != nil {
		return nil, &sink.Error{Err: err}
	}
	return to, nil
}

// runtimeReserve is what the program takes besides the bytes in flight.
const runtimeReserve = 64 << 20

// roll says when parts of a folder are complete.
func (f *outputFlags) roll() (sink.Roll, error) {
	r := sink.Roll{Size: int64(f.RollSize), Interval: f.RollInterval, Live: f.live}
	if folder := strings.HasSuffix(f.Output, "/"); !folder && (f.Partition != "" || f.RollInterval > 0) {
		return r, errors.New("--partition and --roll-interval are for folders: let --output end in a slash")
	}
	if f.Partition == "" {
		return r, nil
	}
	kind, zone, _ := strings.Cut(f.Partition, ":")
	if kind != "hive" {
		return r, fmt.Errorf("--partition %s: expected hive, or hive and a zone, such as hive:Asia/Shanghai", f.Partition)
	}
	var err error
	if r.Hive, err = time.LoadLocation(cmp.Or(zone, "UTC")); err != nil {
		err = fmt.Errorf("--partition %s: %w", f.Partition, err)
	}
	return r, err
}

// options checks the flags and makes the pipeline's options of them.
func (f *streamFlags) options(s *streams, source *sourceFlags) (encode.Options, error) {
	format, err := lookupFormat(f.Format)
	if err != nil {
		return encode.Options{}, err
	}
	compression := frame.Of(f.Output)
	if f.Compress != "" {
		if compression, err = frame.Parse(f.Compress); err != nil {
			return encode.Options{}, err
		}
	}
	if err := errors.Join(f.checkSink(), checkExtension(f.Output, format, compression)); err != nil {
		return encode.Options{}, err
	}
	roll, err := f.roll()
	if err != nil {
		return encode.Options{}, err
	}
	generation, err := source.generation()
	if err := errors.Join(err, notNegative("--workers", int64(f.Workers)), notNegative("--limit", f.Limit)); err != nil {
		return encode.Options{}, err
	}
	f.warnOfCommands(s)
	o := encode.Options{
		Format:        format,
		FormatOptions: formats.Options{Base64: f.Bytes == "base64", Args: f.Args},
		Decoder:       decode.DecoderOptions{All: f.All, Renamed: f.Renamed, Keyed: keyed(f.Keyed), Pika: generation, Before35: decode.Before35(source.Pika)},
		Filter: filter.Filter{
			Commands: f.Command, Ops: f.Op, Types: f.Type, Keys: f.Key, KeyRegexes: f.KeyRegex,
			ExcludeCommands: f.ExcludeCommand, ExcludeOps: f.ExcludeOp, ExcludeTypes: f.ExcludeType, ExcludeKeys: f.ExcludeKey,
			NamedOnly: f.NamedOnly,
		},
		Compression: compression, Hive: roll.Hive,
		Workers: f.Workers, Memory: int64(f.Memory), Limit: f.Limit,
		SkipCorrupt: f.OnCorrupt == "skip", SkipGaps: f.OnGap == "skip",
		Report: func(err error) { s.console.With(skippedFields(err)...).Warn(err.Error()) },
		Warn:   s.console.Warn,
	}
	return o, o.Check()
}

// keyed are the commands by their names in lower case.
func keyed(commands map[string]int) map[string]int {
	lower := make(map[string]int, len(commands))
	for name, at := range commands {
		lower[strings.ToLower(name)] = at
	}
	return lower
}

// checkSink refuses outputs of no known form, and options that the output does not have.
func (f *streamFlags) checkSink() error {
	list := output.Types()
	i := slices.IndexFunc(list, func(t sink.Type) bool { return t.Matches(f.Output) })
	if i < 0 {
		return fmt.Errorf("no sink has the form of output %q: expected %s", f.Output, outputForms(func(s sink.Type) string { return s.Name }))
	}
	if settings := f.settings(); len(settings) > 0 && !list[i].Settings {
		return fmt.Errorf("--%s is not for output %q (%s)", slices.Sorted(maps.Keys(settings))[0], f.Output, list[i].Doc)
	}
	return nil
}

// lossOf makes an error of what was skipped: to go on is not to be whole, for damage and for what is missing alike.
func lossOf(s *streams, r *encode.Result, err error) error {
	if err != nil {
		return err
	}
	if r.Gaps > 0 {
		s.console.Warn(ranges(r.Gaps, "missing") + " skipped")
		err = errSkippedGaps
	}
	if r.Lost > 0 {
		s.console.Warn(fmt.Sprintf("%s skipped, %s in all", ranges(r.Lost, "damaged"), units.FormatSize(r.LostBytes)))
		err = &decode.CorruptError{}
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errReported, err)
	}
	return err
}

// ranges counts ranges of a kind: "1 missing range was", "3 missing ranges were".
func ranges(n int64, kind string) string {
	if n == 1 {
		return "1 " + kind + " range was"
	}
	return fmt.Sprintf("%d %s ranges were", n, kind)
}
