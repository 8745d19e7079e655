// Pikabin turns the binlog that a Pika server leaves on its disk into a change stream that other
// programs can use.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	_ "time/tzdata" // zones of --partition, wherever the program runs

	"github.com/alecthomas/kong"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/inspect"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/encode/health"
	"pikabin/encode/vfs"
	"pikabin/formats"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// version is set by the linker in releases.
var version string

// cli is the command line. Every flag can also be set by an environment variable, PIKABIN_ and its
// name.
type cli struct {
	Convert convertCommand `cmd:"" help:"Read what is committed, write it, end."`
	Tail    tailCommand    `cmd:"" help:"Read what is committed, write it, and follow the log."`
	Info    infoCommand    `cmd:"" help:"Print what is in a log: segments, times, commands, sizes."`
	Verify  verifyCommand  `cmd:"" help:"Check every byte that can be checked, and report damage by segment and offset."`
	Inspect inspectCommand `cmd:"" help:"Print records for a person: headers, fields, bytes."`
	Seek    seekCommand    `cmd:"" help:"Print the position of the first record at or after a time, or of a logic id."`
	Schema  schemaCommand  `cmd:"" help:"Print the schema of a format."`
	State   stateCommand   `cmd:"" help:"Show a saved state and how far it is behind; set or clear its positions."`

	LogFormat string           `enum:"text,json" default:"text" help:"Form of the messages on standard error: ${enum}."`
	Quiet     bool             `short:"q" help:"Only warnings and errors on standard error."`
	Version   kong.VersionFlag `env:"-" help:"Print the version."`
}

// streams are what a command may write to.
type streams struct {
	stdout  output
	console *console.Console
	quiet   bool
}

// output is standard output, whose errors are those of a sink. The sink itself writes to what is within.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = &encode.SinkError{Err: err}
	}
	return n, err
}

// exit is what kong's exit function panics with, so that run returns from a --help.
type exit int

// run is the whole program but for the process around it.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exit:
			code = int(r)
		default:
			panic(r) // a bug must not look like a run that ended well
		}
	}()
	var c cli
	parser := kong.Must(&c,
		kong.Name("pikabin"), kong.Description(description), kong.UsageOnError(), kong.DefaultEnvars("PIKABIN"),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exit(code)) }), kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100, FlagsLast: true}),
		kong.Vars{"version": programVersion(), "formats": strings.Join(formats.Names(), ", "), "outputs": outputForms(func(s encode.SinkType) string { return s.Doc })},
	)
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "pikabin: %v\nTry \"pikabin --help\".\n", err)
		return exitUsage
	}
	ctx, stop := interruptible()
	defer stop()
	s := &streams{stdout: output{stdout}, console: console.New(stderr, c.LogFormat == "json", c.Quiet), quiet: c.Quiet}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(s)
	code = exitCode(err)
	if code != 0 && !errors.Is(err, errReported) {
		text := err.Error()
		if name := command.Selected().Name; name == "convert" || name == "tail" {
			text += hint(err)
		}
		s.console.Error(text)
	}
	return code
}

const description = `Turns the binlog that a Pika server leaves on its disk into a change stream.

SOURCE is Pika's log folder (all its DBs), the folder of one DB, or segment files (write2file12, also
write2file12.zst and .gz). It is only ever read.`

// help adds what is the same for all commands.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprint(ctx.Stdout, exitHelp)
	return err
}

// outputForms lists the forms that --output takes, each with what describe says of it.
func outputForms(describe func(encode.SinkType) string) string {
	var forms []string
	for _, s := range encode.Sinks() {
		forms = append(forms, s.Form+" ("+describe(s)+")")
	}
	return strings.Join(forms, ", ")
}

// lookupFormat finds a format by the name that the user gave.
func lookupFormat(name string) (formats.Format, error) {
	format, ok := formats.Lookup(name)
	if !ok {
		return format, usageError{fmt.Errorf("no format is called %q: there are %s", name, strings.Join(formats.Names(), ", "))}
	}
	return format, nil
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// interruptible makes a context that the first SIGINT or SIGTERM ends; the second one ends the program
// at once. A closed pipe is an error of the write, not a signal.
func interruptible() (context.Context, func()) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; ok {
			signal.Stop(signals)
			cancel(errInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}

// The exit codes.
const (
	exitOther       = 1
	exitUsage       = 2
	exitCorrupt     = 3
	exitGone        = 4
	exitSink        = 5
	exitLocked      = 6
	exitInterrupted = 130
)

const exitHelp = `
Exit codes: 0 done, 1 other failure, 2 usage, 3 corrupt input, 4 position gone (gap, purged, rewritten),
5 the output failed, 6 the state is in use by another process, 130 interrupted.
`

var (
	errInterrupted = errors.New("interrupted")
	errReported    = errors.New("already reported")
)

// usageError is a command line that cannot be meant.
type usageError struct{ error }

// notNegative refuses numbers of things below zero. 0 is the default.
func notNegative(flag string, n int64) error {
	if n < 0 {
		return usageError{fmt.Errorf("%s %d: expected a number that is not negative", flag, n)}
	}
	return nil
}

// noNegativeTime refuses times below zero. 0 is the default.
func noNegativeTime(flag string, d time.Duration) error {
	if d < 0 {
		return usageError{fmt.Errorf("%s %v: expected a time that is not negative", flag, d)}
	}
	return nil
}

// exitCode asks the error.
func exitCode(err error) int {
	var (
		usage   usageError
		sink    *encode.SinkError
		full    *encode.FullError
		stopped *encode.StoppedError
		corrupt *decode.CorruptError
		beyond  *binlog.BeyondError
		changed *binlog.ChangedError
		hole    decode.Hole
		locked  *checkpoint.LockedError
		damaged *checkpoint.DamagedError
		log     *checkpoint.OtherLogError
		output  *checkpoint.OtherOutputError
	)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return 0
	case errors.Is(err, errInterrupted), errors.As(err, &full), errors.As(err, &stopped):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &log), errors.As(err, &output):
		return exitUsage
	case errors.As(err, &locked):
		return exitLocked
	case errors.As(err, &sink):
		return exitSink
	case errors.As(err, &corrupt), errors.As(err, &damaged):
		return exitCorrupt
	case errors.As(err, &hole), errors.As(err, &beyond), errors.As(err, &changed):
		return exitGone
	}
	return exitOther
}

// hint says what the user can do, where a flag helps: behind a position that lies beyond the end nothing goes on.
func hint(err error) string {
	var hole decode.Hole
	var corrupt *decode.CorruptError
	switch code := exitCode(err); {
	case code == exitCorrupt && errors.As(err, &corrupt):
		return "\npikabin: all that is before it has been written; --on-corrupt=skip goes on behind it and reports what is lost"
	case code == exitGone && errors.As(err, &hole):
		return "\npikabin: all that is before it has been written; --on-gap=skip goes on behind it and reports what is missing"
	}
	return ""
}

// sourceFlags say which logs to read.
type sourceFlags struct {
	DB        []string `placeholder:"NAME" help:"Only these DBs, such as db0, or db0/3 for one slot."`
	ExcludeDB []string `placeholder:"NAME" help:"Not these DBs."`
	Pika      string   `placeholder:"VERSION" help:"The version of the server, such as 3.0, instead of what the bytes of its log show."`
}

func (f *sourceFlags) generation() (decode.Generation, error) {
	if f.Pika == "" {
		return decode.GenerationUnknown, nil
	}
	g, err := decode.ParseGeneration(f.Pika)
	if err != nil {
		return g, usageError{err}
	}
	return g, nil
}

// find opens the sources and tells the user what is odd about them.
func (f *sourceFlags) find(s *streams, sources []string) ([]*binlog.Log, error) {
	generation, err := f.generation()
	if err != nil {
		return nil, err
	}
	logs, err := binlog.Find(sources, binlog.Options{Generation: generation})
	if err != nil {
		return nil, err
	}
	logs = slices.DeleteFunc(logs, func(l *binlog.Log) bool { return !f.wants(l.ID().String()) })
	if len(logs) == 0 {
		return nil, usageError{fmt.Errorf("none of the DBs in %s is wanted", strings.Join(sources, ", "))}
	}
	for _, l := range logs {
		for _, note := range l.Notes() {
			s.console.Warn(note.String())
		}
	}
	return logs, nil
}

// wants says whether a log is to be read. The DB is named for all its slots.
func (f *sourceFlags) wants(log string) bool {
	db, _, _ := strings.Cut(log, "/")
	named := func(names []string) bool { return slices.Contains(names, log) || slices.Contains(names, db) }
	return (len(f.DB) == 0 || named(f.DB)) && !named(f.ExcludeDB)
}

// rangeFlags say which part of the logs.
type rangeFlags struct {
	From  string `placeholder:"WHERE" help:"Begin at a position (12:4096), a time (2025-06-01T12:00:00+08:00, local without a zone), so long ago (2h, 7d), start or end."`
	Until string `placeholder:"WHERE" help:"End before this place, in the same forms."`
}

// extent is the part of one log that is read.
type extent struct {
	log         *binlog.Log
	from, until decode.Position
	text        string          // the places, for the user
	rewritten   decode.Hole     // what stands before from, if the log is not the one any more that the state is of
	mark        checkpoint.Mark // from, as it is saved
}

// where reads the places.
func (f *rangeFlags) where() (from, until binlog.Where, err error) {
	now := time.Now()
	from, errFrom := binlog.ParseWhere(f.From, now)
	until, errUntil := binlog.ParseWhere(f.Until, now)
	if err := errors.Join(errFrom, errUntil); err != nil {
		return from, until, usageError{err}
	}
	return from.Or(binlog.Start), until.Or(binlog.End), nil
}

// resolve finds the places in each log. What the state knows goes before --from, which is for
// what it does not know.
func (f *rangeFlags) resolve(ctx context.Context, logs []*binlog.Log, k *keeping) ([]extent, error) {
	from, until, err := f.where()
	if err != nil {
		return nil, err
	}
	if len(logs) > 1 && (from.IsPosition() || until.IsPosition()) {
		return nil, errOneDB
	}
	extents := make([]extent, len(logs))
	for i, l := range logs {
		e, why, err := k.begin(ctx, l, from)
		if err != nil {
			return nil, err
		}
		if e.until, err = l.Resolve(ctx, until); err != nil {
			return nil, err
		}
		e.text = fmt.Sprintf("%s: from %s to %s", l.ID(), why, placeText(e.until, until))
		extents[i] = e
	}
	return extents, nil
}

var errOneDB = usageError{errors.New("a position is a place in one DB's log: give the folder of one DB or --db, or use a time")}

// placeText is a position and what the user called it. The end of an archive has no offset before it is unpacked.
func placeText(p decode.Position, where binlog.Where) string {
	if p.Offset == math.MaxInt64 {
		return fmt.Sprintf("the end of write2file%d", p.Segment)
	}
	return fmt.Sprintf("%v (%v)", p, where)
}

// convertCommand is the backfill.
type convertCommand struct {
	Sources []string `arg:"" name:"source" help:"Log folders, DB folders or segment files."`
	sourceFlags
	rangeFlags
	streamFlags
}

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
	ExactlyOnce     bool   `env:"-" help:"Kafka: events and position in one transaction."`
	Standby         bool   `env:"-" help:"Kafka: with --exactly-once, wait until no other run writes for the source, and take over."`
	CreateTopics    bool   `env:"-" help:"Kafka: make topics that are missing."`
	SinglePartition bool   `env:"-" help:"Kafka: everything into partition 0, for a total order."`
	Tombstones      bool   `env:"-" help:"Kafka: a null behind each delete, for compacted topics."`
	OnOversize      string `env:"-" placeholder:"HOW" help:"Kafka: an event above max.message.bytes: fail, dlq:TOPIC, dlq:/FILE (the whole event) or blob:FOLDER (its value)."`
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
	Key            []string          `placeholder:"GLOB" help:"Only events of keys like this, as in KEYS."`
	ExcludeKey     []string          `placeholder:"GLOB" help:"Not events of keys like this."`
	Command        []string          `placeholder:"NAME" help:"Only these commands."`
	ExcludeCommand []string          `placeholder:"NAME" help:"Not these commands."`
	Type           []string          `placeholder:"NAME" help:"Only events of these data types."`
	ExcludeType    []string          `placeholder:"NAME" help:"Not events of these data types."`
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

// Help is shown by convert --help.
func (*convertCommand) Help() string {
	return `Examples:

  pikabin convert /data/pika/log > changes.jsonl
  pikabin convert /data/pika/log/log_db0 --from 2h --key 'user:*' | jq .key
  pikabin convert archive/write2file*.zst -o changes.jsonl.zst
  pikabin convert /data/pika/log -f redis | redis-cli --pipe`
}

// Run converts.
func (c *convertCommand) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s, &c.sourceFlags)
	if err != nil {
		return usageError{err}
	}
	logs, err := c.find(s, c.Sources)
	if err != nil {
		return err
	}
	if err := c.checkOutputs(c.Sources, logs); err != nil {
		return err
	}
	k, err := c.openState(c.Sources, &o)
	if err != nil {
		return err
	}
	defer k.close()
	if err := k.check(ctx, logs); err != nil {
		return err
	}
	extents, err := c.resolve(ctx, logs, k)
	if err != nil {
		return err
	}
	sink, err := c.openSink(ctx, s, &o, k, c.Sources, logs)
	if err != nil {
		return err
	}
	if k.adopt(sink) {
		if extents, err = c.resolve(ctx, logs, k); err != nil {
			return errors.Join(err, sink.Close(ctx))
		}
	}
	for _, e := range extents {
		s.console.Info(e.text)
	}
	return atStart(c.pump(ctx, s, extents, sink, o), extents)
}

// dbsOf are the names of the DBs that the logs are of, each once.
func dbsOf(logs []*binlog.Log) []string {
	var dbs []string
	for _, l := range logs {
		dbs = append(dbs, l.ID().DB)
	}
	slices.Sort(dbs)
	return slices.Compact(dbs)
}

// openSink opens the output where the state says that it ended.
func (f *streamFlags) openSink(ctx context.Context, s *streams, o *encode.Options, k *keeping, sources []string, logs []*binlog.Log) (encode.Sink, error) {
	debug.SetMemoryLimit(int64(f.Memory) + runtimeReserve)
	roll, err := f.roll()
	if err != nil {
		return nil, usageError{err}
	}
	sink, err := encode.OpenSink(encode.SinkOptions{
		Target: f.Output, Settings: f.settings(), Stdout: s.stdout.Writer, DBs: dbsOf(logs), Format: o.Format, Compression: o.Compression,
		Roll: roll, Resume: k.file != nil, Note: k.state.Note,
		Belongs: func(output string) error { return k.belongTo(output, f.Format, o.Compression) },
		Guard:   func(path string) error { return checkOutside("output", path, sources, logs) },
		Warn:    s.console.Warn, Waits: o.Stats.Waits, Oversized: o.Stats.Oversized, StandsBy: o.Stats.StandsBy, Stop: ctx.Done(),
	})
	if target, ok := errors.AsType[*encode.TargetError](err); ok {
		return nil, usageError{target}
	}
	if stopped, ok := errors.AsType[*encode.StoppedError](err); ok {
		return nil, stopped
	}
	if err != nil {
		return nil, &encode.SinkError{Err: err}
	}
	return sink, nil
}

// keeping is the state of a run, if it keeps one.
type keeping struct {
	file  *checkpoint.File // nil: it keeps none
	mu    sync.Mutex       // of state: logs appear while it is saved
	state checkpoint.State

	// output holds the places that the output itself has told of. They go before those of the file.
	output map[string]checkpoint.Mark

	behind func(text string) // is told that a log ends before such a place, and is waited for; nil: none is
}

// adopt asks an output how far it has come, if it knows.
func (k *keeping) adopt(sink encode.Sink) bool {
	p, ok := sink.(encode.Positioner)
	if ok {
		k.output = p.Positions()
	}
	return len(k.output) > 0
}

// mark is where a log is to go on, and who says so.
func (k *keeping) mark(log string) (m checkpoint.Mark, who string, ok bool) {
	if m, ok := k.output[log]; ok {
		return m, "the output", true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if m, ok = k.state.DBs[log]; ok {
		who = "the state " + k.file.Path()
	}
	return m, who, ok
}

// goesOn reports whether there was a run before, which has left places of some logs.
func (k *keeping) goesOn() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.output)+len(k.state.DBs) > 0
}

// openState locks the state of this output.
func (f *streamFlags) openState(sources []string, o *encode.Options) (*keeping, error) {
	k := &keeping{state: checkpoint.State{DBs: map[string]checkpoint.Mark{}}}
	if f.State == "" {
		return k, nil
	}
	source, err := checkpoint.Sources(sources)
	if err != nil {
		return nil, err
	}
	if k.file, err = checkpoint.Open(f.State); err != nil {
		return nil, err
	}
	k.state, _ = k.file.State()
	k.state.Source, k.state.DBs = source, maps.Clone(k.state.DBs)
	if k.state.DBs == nil {
		k.state.DBs = map[string]checkpoint.Mark{}
	}
	o.Save, o.Fences = k.save, true
	output := f.Output
	if isRemote(output) { // who it is, it says when it is open
		return k, nil
	}
	if output != "-" {
		output, err = vfs.RealPath(output)
	}
	if err == nil {
		err = k.belongTo(output, f.Format, o.Compression)
	}
	if err != nil {
		return nil, errors.Join(err, k.file.Close())
	}
	return k, nil
}

// isRemote tells outputs that no files of this machine are.
func isRemote(output string) bool { return strings.Contains(output, "://") }

// belongTo refuses a state of another output.
func (k *keeping) belongTo(output, format string, compression encode.Compression) error {
	if k.file == nil {
		return nil
	}
	if err := k.file.CheckOutput(output, format, compression.String()); err != nil {
		return err
	}
	k.state.Output, k.state.Format, k.state.Compression = output, format, compression.String()
	return nil
}

// check refuses logs that are not those of the state.
func (k *keeping) check(ctx context.Context, logs []*binlog.Log) error {
	if k.file == nil {
		return nil
	}
	byID := map[*decode.Log]*binlog.Log{}
	var ids []*decode.Log
	for _, l := range logs {
		byID[l.ID()] = l
		ids = append(ids, l.ID())
	}
	return k.file.CheckSource(k.state.Source, ids, func(id *decode.Log, m checkpoint.Mark) error {
		return byID[id].CheckFence(ctx, m.Position, m.Fence)
	})
}

// begin finds out where a log is begun: where the state says, if its history is still the same, else at from. The text is
// for the user.
func (k *keeping) begin(ctx context.Context, l *binlog.Log, from binlog.Where) (extent, string, error) {
	e := extent{log: l}
	mark, who, ok := k.mark(l.ID().String())
	if !ok {
		var err error
		if e.from, err = l.Resolve(ctx, from); err != nil {
			return e, "", err
		}
		e.mark.Position = e.from
		// What cannot be read before the place is for the reading to tell of. It begins all the same.
		e.mark.Fence, _ = l.Fence(ctx, e.from)
		return e, placeText(e.from, from), nil
	}
	e.from, e.mark = mark.Position, mark
	err := k.checkFence(ctx, l, mark)
	if ctx.Err() != nil {
		return e, "", context.Cause(ctx)
	}
	rewritten, isOther := errors.AsType[*binlog.RewrittenError](err)
	if beyond, ok := errors.AsType[*binlog.BeyondError](err); ok {
		isOther = true
		rewritten = &binlog.RewrittenError{
			Log: l.ID(), From: mark.Position, To: l.HistoryStart(), Reason: fmt.Sprintf("the log ends at %v already", beyond.End),
		}
	}
	// A master and its replicas have the same records at the same places, with headers of their own. A state is of one of
	// them; what the output tells may come from a run beside another.
	if isOther && (!rewritten.SameRecord || k.output == nil) {
		e.from, e.rewritten = rewritten.To, rewritten
	}
	return e, fmt.Sprintf("%v (%s)", mark.Position, who), nil
}

// catchUpTime is how long a log may stay behind the place that the output tells of before it is taken for another one.
const catchUpTime = 30 * time.Second

// checkFence compares a log with what was read before its place. A replica may be behind its master, beside which the output has been
// written up to now.
func (k *keeping) checkFence(ctx context.Context, l *binlog.Log, m checkpoint.Mark) error {
	err := l.CheckFence(ctx, m.Position, m.Fence)
	beyond, ok := errors.AsType[*binlog.BeyondError](err)
	if !ok || k.output == nil || k.behind == nil {
		return err
	}
	k.behind(fmt.Sprintf("%s: the log ends at %v, and the output has come to %v: waiting for it, as for a replica that is behind", l.ID(), beyond.End, m.Position))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(catchUpTime); ok; _, ok = errors.AsType[*binlog.BeyondError](err) {
		select {
		case <-tick.C:
		case <-late:
			return err
		case <-ctx.Done():
			return err
		}
		if err = l.Refresh(); err == nil {
			err = l.CheckFence(ctx, m.Position, m.Fence)
		}
	}
	return err
}

// save puts a checkpoint into the state. What the state holds of other logs stays.
func (k *keeping) save(c encode.Checkpoint) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for log, mark := range c.Marks {
		k.state.DBs[log.String()] = mark
	}
	k.state.Note = c.Note
	return k.file.Save(k.state)
}

func (k *keeping) close() {
	if k.file != nil {
		k.file.Close() //nolint:gosec // what was saved stays, and the lock ends with the process
	}
}

// atStart adds to damage at the very place where a log was begun that the place may be the mistake.
func atStart(err error, extents []extent) error {
	damage, ok := errors.AsType[*decode.CorruptError](err)
	if !ok {
		return err
	}
	at := decode.Position{Segment: damage.Segment, Offset: damage.Offset}
	for _, e := range extents {
		if at.Offset > 0 && e.from == at {
			return fmt.Errorf("%w (does a record begin at %v? inspect --from shows the one it lies in)", err, at)
		}
	}
	return err
}

// tailCommand follows live logs.
type tailCommand struct {
	Sources []string `arg:"" name:"source" help:"Pika's log folder, or folders of DBs."`
	sourceFlags
	From string `placeholder:"WHERE" help:"Begin at a position (12:4096), a time, so long ago (2h), start or end (the default). A DB that the state knows goes on where it was."`
	streamFlags
	tailFlags
}

// tailFlags say how logs are followed.
type tailFlags struct {
	PollMax  time.Duration `default:"100ms" placeholder:"TIME" help:"Longest time between two looks at a log that has been silent for a while. Default: 100ms."`
	Poll     bool          `help:"Look from time to time only: for file systems that do not tell of changes."`
	IdleExit time.Duration `placeholder:"TIME" help:"End when nothing new has come for so long."`
	Pin      string        `placeholder:"DIR" help:"Keep segments from the server's purge until they are delivered, by hard links in this folder on the same file system."`
	PinLimit console.Size  `placeholder:"SIZE" help:"Bound on what the links hold that the server has purged. Above it the oldest are let go, loudly. Default: none."`
	Listen   string        `placeholder:"ADDRESS" help:"Serve /metrics and /healthz here, such as 127.0.0.1:9108."`
	Stalled  time.Duration `default:"60s" placeholder:"TIME" help:"/healthz fails when the log has grown and nothing was delivered for so long. Default: 60s."`
}

// check refuses what cannot be meant.
func (f *tailFlags) check() error {
	if f.PinLimit > 0 && f.Pin == "" {
		return usageError{errors.New("--pin-limit bounds what --pin holds: name its folder with --pin")}
	}
	return errors.Join(noNegativeTime("--poll-max", f.PollMax), noNegativeTime("--idle-exit", f.IdleExit), noNegativeTime("--stalled", f.Stalled))
}

// Help is shown by tail --help.
func (*tailCommand) Help() string {
	return `Examples:

  pikabin tail /data/pika/log | jq -r .key
  pikabin tail /data/pika/log --db db0 --from 10m --type hash
  pikabin tail /data/pika/log --state pika.state -o /data/changes/ --compress zstd --roll-interval 10m
  pikabin tail /data/pika/log --state pika.state -o changes.jsonl --pin /data/pika/pins --listen 127.0.0.1:9108
  pikabin tail /data/pika/log --from start -o kafka://broker:9092/pika --exactly-once --standby

SIGINT and SIGTERM deliver what was read and end, SIGHUP completes the current part of the output.`
}

// Run follows the logs until it is told to stop.
func (c *tailCommand) Run(ctx context.Context, s *streams) error {
	c.live = true
	o, err := c.options(s, &c.sourceFlags)
	if err = errors.Join(err, c.check()); err != nil {
		return usageError{err}
	}
	f := &following{tailCommand: c, streams: s, options: o, starts: map[*decode.Log]extent{}}
	if f.from, err = binlog.ParseWhere(c.From, time.Now()); err != nil {
		return usageError{err}
	}
	if err = f.open(ctx); err == nil {
		err = f.run(ctx)
	} else if f.sink != nil {
		err = errors.Join(err, f.sink.Close(ctx))
	}
	if f.unwatch != nil {
		f.unwatch()
	}
	return errors.Join(f.endedEarly(f.endedFull(err)), f.close())
}

// following is a tail that runs.
type following struct {
	*tailCommand
	*streams
	options encode.Options
	from    binlog.Where
	keeping *keeping
	pins    *binlog.Pins // nil: nothing is pinned
	tail    *binlog.Tail
	sink    encode.Sink
	stuck   bool // the output takes nothing: what is under way is left to the end of the process
	unwatch func()

	// What another history than that of the state has replaced comes out in front of its log.
	holes []decode.Hole
	next  func() (decode.Chunk, error) // comes behind the holes; nil: the tail is to be asked

	mu     sync.Mutex
	starts map[*decode.Log]extent
}

// open takes up the state, finds the logs, and opens the output.
func (f *following) open(ctx context.Context) error {
	o := &f.options
	if err := f.checkOutputs(f.Sources, nil); err != nil {
		return err
	}
	if err := f.openPins(ctx); err != nil {
		return err
	}
	var err error
	if f.keeping, err = f.openState(f.Sources, o); err != nil {
		return err
	}
	f.keeping.behind = f.console.Warn
	generation, err := f.generation()
	if err != nil {
		return err
	}
	o.Start, o.Late, o.Save, o.Stats = map[*decode.Log]checkpoint.Mark{}, f.late, f.save, &encode.Stats{}
	if isRemote(f.Output) { // it may know how far it has come
		if err := f.openRemote(ctx, generation); err != nil {
			return err
		}
	}
	tail, err := binlog.OpenTail(ctx, f.Sources, binlog.TailOptions{
		Options: binlog.Options{Generation: generation}, PollMax: f.PollMax, NoWatch: f.Poll, Idle: f.IdleExit,
		Want:  func(l *decode.Log) bool { return f.wants(l.String()) },
		Start: f.start, Note: func(n binlog.Note) { f.console.Warn(n.String()) },
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.tail = tail
	f.mu.Unlock()
	logs := f.tail.Logs()
	if len(logs) > 1 && f.from.IsPosition() {
		return errOneDB
	}
	if len(logs) == 0 {
		f.console.Warn(fmt.Sprintf("no DB that is wanted is in %s yet: waiting for one to appear", strings.Join(f.Sources, ", ")))
	}
	if err := errors.Join(f.keeping.check(ctx, logs), f.checkOutputs(f.Sources, logs)); err != nil {
		return err
	}
	if f.sink == nil {
		f.sink, err = f.openSink(ctx, f.streams, o, f.keeping, f.Sources, logs)
	}
	return err
}

// openRemote opens an output that no file of this machine is, before the logs are followed.
func (f *following) openRemote(ctx context.Context, generation decode.Generation) error {
	logs, err := binlog.FindLive(f.Sources, binlog.Options{Generation: generation})
	if err != nil {
		return err
	}
	logs = slices.DeleteFunc(logs, func(l *binlog.Log) bool { return !f.wants(l.ID().String()) })
	if err := f.watch(context.WithoutCancel(ctx)); err != nil { // who stands by for long is asked, too
		return err
	}
	if f.sink, err = f.openSink(ctx, f.streams, &f.options, f.keeping, f.Sources, logs); err == nil {
		f.keeping.adopt(f.sink)
	}
	return err
}

func (f *following) openPins(ctx context.Context) error {
	if f.Pin == "" {
		return nil
	}
	if err := checkOutside("pin folder", filepath.Join(f.Pin, "."), f.Sources, nil); err != nil {
		return err
	}
	var err error
	f.pins, err = binlog.NewPins(context.WithoutCancel(ctx), binlog.PinOptions{Dir: f.Pin, Limit: int64(f.PinLimit), Warn: f.console.Warn})
	return err
}

// start says where a log is begun. One that appears later is all new, and so is one that the run before has not left a place of.
func (f *following) start(ctx context.Context, l *binlog.Log, late bool) (decode.Position, error) {
	from := f.from.Or(binlog.End)
	if late || f.From == "" && f.keeping.goesOn() {
		from = binlog.Start
	}
	e, why, err := f.keeping.begin(ctx, l, from)
	if err != nil {
		return e.from, err
	}
	f.console.Info(fmt.Sprintf("%s: from %s", l.ID(), why))
	if e.rewritten != nil {
		f.holes = append(f.holes, e.rewritten)
	}
	if !late {
		f.options.Start[l.ID()] = e.mark
	}
	f.mu.Lock()
	f.starts[l.ID()] = e
	f.mu.Unlock()
	if f.pins != nil {
		epoch := e.mark.Epoch
		if e.rewritten != nil {
			epoch++
		}
		err = f.pins.Follow(l, e.from, epoch)
	}
	return e.from, err
}

// late is what is known of a log that was not there at the start.
func (f *following) late(log *decode.Log) (checkpoint.Mark, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.starts[log]
	return e.mark, ok
}

// Next gives what the tail does, and what is missing in front of it.
func (f *following) Next(ctx context.Context) (decode.Chunk, error) {
	if len(f.holes) == 0 && f.next == nil {
		chunk, err := f.tail.Next(ctx)
		if r, ok := errors.AsType[*binlog.RewrittenError](err); ok && f.pins != nil {
			f.pins.Restart(r.Log, r.To)
		}
		if len(f.holes) == 0 {
			return chunk, err
		}
		f.next = func() (decode.Chunk, error) { return chunk, err }
	}
	if len(f.holes) > 0 {
		hole := f.holes[0]
		f.holes = f.holes[1:]
		return decode.Chunk{}, hole
	}
	next := f.next
	f.next = nil
	return next()
}

// save keeps the place, and lets go of the segments before it.
func (f *following) save(c encode.Checkpoint) error {
	if f.keeping.file != nil {
		if err := f.keeping.save(c); err != nil {
			return err
		}
	}
	if f.pins != nil {
		for log, mark := range c.Marks {
			f.pins.Release(log, mark.Position, mark.Epoch)
		}
	}
	return nil
}

// drainTime is how long an output that takes nothing any more, and does not end by itself, is waited for at the end.
const drainTime = 10 * time.Second

// run reads until the context ends, and then until all that was read has been delivered.
func (f *following) run(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	if _, keeps := f.sink.(encode.Keeper); keeps {
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
	}
	roll := make(chan struct{})
	f.options.Roll = roll
	ended := make(chan error, 1)
	defer context.AfterFunc(ctx, f.tail.Stop)()
	f.options.Stop = ctx.Done()
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if f.unwatch == nil {
		if err := f.watch(background); err != nil {
			return errors.Join(err, f.sink.Close(ctx))
		}
	}
	go func() { ended <- f.pump(background) }()
	stop, late := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case err := <-ended:
			return err
		case <-hangup:
			go func() {
				select {
				case roll <- struct{}{}:
				case <-background.Done():
				}
			}()
		case <-stop:
			if _, ends := f.sink.(encode.Ending); !ends {
				late = time.After(drainTime)
			}
			stop = nil
		case <-late:
			f.stuck = true
			f.endWithout("the output takes nothing")
			return nil
		}
	}
}

// endedFull makes an end of a disk that was full up to it: as with an output that takes nothing, the rest is for the next run.
func (f *following) endedFull(err error) error {
	full, ok := errors.AsType[*encode.FullError](err)
	if _, unsaved := errors.AsType[*encode.StateError](err); !ok || unsaved {
		return err
	}
	f.endWithout(full.Error())
	return nil
}

// endedEarly makes an end of a run that was told to end before it had begun.
func (f *following) endedEarly(err error) error {
	if _, ok := errors.AsType[*encode.StoppedError](err); !ok && (f.tail != nil || !errors.Is(err, errInterrupted)) {
		return err
	}
	f.console.Info(err.Error())
	return nil
}

func (f *following) endWithout(why string) {
	rest := "comes the next time, from the place that is saved"
	if _, ok := f.sink.(encode.Positioner); !ok && f.keeping.file == nil {
		rest = "is left out: no --state keeps the place"
	}
	f.console.Warn(fmt.Sprintf("%s: ending without it; what was not delivered %s", why, rest))
}

// pump reads into the sink and says how it went.
func (f *following) pump(ctx context.Context) error {
	began := time.Now()
	result, err := encode.Run(ctx, f, f.sink, f.options)
	f.console.Info(summary(&result, time.Since(began)))
	return lossOf(f.streams, &result, err)
}

// watch serves the health of the run, and shows it on a terminal when that is not the output.
func (f *following) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	m := health.New(health.Options{
		Stats: f.options.Stats, Source: f.statuses, Stalled: f.Stalled, Version: programVersion(), Size: inspect.FormatSize,
	})
	var wg sync.WaitGroup
	if f.Listen != "" {
		l, err := health.Listen(ctx, f.Listen)
		if err != nil {
			cancel()
			return usageError{err}
		}
		f.console.Info(fmt.Sprintf("serving /metrics and /healthz on %s", l.Addr()))
		wg.Go(func() {
			if err := health.Serve(ctx, l, m); err != nil {
				f.console.Warn(err.Error())
			}
		})
	}
	var line *console.Status
	if f.Output != "-" {
		line = f.console.Status(f.Progress)
	}
	if line != nil {
		wg.Go(func() { m.Watch(ctx, line.Show) })
	}
	f.unwatch = func() {
		cancel()
		wg.Wait()
		line.Finish()
	}
	return nil
}

// statuses are the logs as they are on the disk. Where one cannot be looked at now it is as it was.
func (f *following) statuses() []health.LogStatus {
	f.mu.Lock()
	tail := f.tail
	f.mu.Unlock()
	if tail == nil {
		return nil
	}
	list, _ := tail.Status()
	statuses := make([]health.LogStatus, len(list))
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, l := range list {
		statuses[i] = health.LogStatus{
			Log: l.ID, From: f.starts[l.ID].from, End: l.Committed, Oldest: l.Oldest, Segments: len(l.Segments), Grew: l.Moved,
			Behind: func(from decode.Position) int64 { bytes, _ := l.Behind(from); return bytes },
		}
	}
	return statuses
}

// close lets go of everything.
func (f *following) close() error {
	if f.stuck {
		return nil
	}
	var errs []error
	if f.tail != nil {
		errs = append(errs, f.tail.Close())
	}
	if f.pins != nil {
		errs = append(errs, f.pins.Close())
	}
	if f.keeping != nil {
		f.keeping.close()
	}
	return errors.Join(errs...)
}

// runtimeReserve is what the program takes besides the bytes in flight.
const runtimeReserve = 64 << 20

// pump reads the extents into the sink and says how it went.
func (c *convertCommand) pump(ctx context.Context, s *streams, extents []extent, sink encode.Sink, o encode.Options) error {
	plans := make([]*binlog.Plan, len(extents))
	o.Start = map[*decode.Log]checkpoint.Mark{}
	total := int64(0)
	for i, e := range extents {
		plans[i] = e.log.Chunks(e.from, e.until, binlog.PlanOptions{Ahead: c.Workers, Before: e.rewritten})
		o.Start[e.log.ID()] = e.mark
		total += e.log.SizeBetween(e.from, e.until)
	}
	source := binlog.NewSource(plans...)
	defer source.Close()
	bar := s.console.Progress(c.Progress, total)
	o.Progress = bar.Add
	began := time.Now()
	result, err := encode.Run(ctx, source, sink, o)
	bar.Finish()
	for _, t := range result.Torn {
		s.console.Warn(fmt.Sprintf("%s: half a record at the end, at %d:%d: left out", t.Log, t.At.Segment, t.At.Offset))
	}
	s.console.Info(summary(&result, time.Since(began)))
	return lossOf(s, &result, err)
}

// lossOf makes an error of damage that was skipped.
func lossOf(s *streams, r *encode.Result, err error) error {
	if err == nil && r.Lost > 0 {
		s.console.Warn(fmt.Sprintf("%d damaged ranges were skipped, %s in all", r.Lost, inspect.FormatSize(r.LostBytes)))
		return fmt.Errorf("%w: %w", errReported, &decode.CorruptError{})
	}
	return err
}

func summary(r *encode.Result, took time.Duration) string {
	var ends []string
	for _, log := range r.Logs {
		ends = append(ends, fmt.Sprintf("%s %v", log, r.Committed[log]))
	}
	text := fmt.Sprintf("%d events from %d records (%d change nothing), %s in %s, %s/s", r.Changes, r.Records, r.Passed,
		inspect.FormatSize(r.Read), took.Round(time.Millisecond), inspect.FormatSize(int64(float64(r.Read)/max(took.Seconds(), 1e-9))))
	if len(ends) > 0 {
		text += "; delivered up to " + strings.Join(ends, ", ")
	}
	return text
}

// roll says when parts of a folder are complete.
func (f *outputFlags) roll() (encode.Roll, error) {
	r := encode.Roll{Size: int64(f.RollSize), Interval: f.RollInterval, Live: f.live}
	if err := noNegativeTime("--roll-interval", f.RollInterval); err != nil {
		return r, err
	}
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
	compression := encode.CompressionOf(f.Output)
	if f.Compress != "" {
		if compression, err = encode.ParseCompression(f.Compress); err != nil {
			return encode.Options{}, err
		}
	}
	if err := f.checkSink(); err != nil {
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
	o := encode.Options{
		Format:        format,
		FormatOptions: formats.Options{Base64: f.Bytes == "base64", Args: f.Args},
		Decoder:       decode.DecoderOptions{All: f.All, Renamed: f.Renamed, Pika: generation},
		Filter: encode.Filter{
			Commands: f.Command, Types: f.Type, Keys: f.Key,
			ExcludeCommands: f.ExcludeCommand, ExcludeTypes: f.ExcludeType, ExcludeKeys: f.ExcludeKey,
		},
		Compression: compression, Hive: roll.Hive,
		Workers: f.Workers, Memory: int64(f.Memory), Limit: f.Limit,
		SkipCorrupt: f.OnCorrupt == "skip", SkipGaps: f.OnGap == "skip",
		Report: func(err error) { s.console.Warn(err.Error()) },
		Warn:   s.console.Warn,
	}
	return o, o.Check()
}

// checkSink refuses outputs of no known form, and options that the output does not have.
func (f *streamFlags) checkSink() error {
	list := encode.Sinks()
	i := slices.IndexFunc(list, func(t encode.SinkType) bool { return t.Matches(f.Output) })
	if i < 0 {
		return fmt.Errorf("no sink has the form of output %q: expected %s", f.Output, outputForms(func(s encode.SinkType) string { return s.Name }))
	}
	if settings := f.settings(); len(settings) > 0 && !list[i].Settings {
		return fmt.Errorf("--%s is not for output %q (%s)", slices.Sorted(maps.Keys(settings))[0], f.Output, list[i].Doc)
	}
	return nil
}

// checkOutputs looks at all that is written.
func (f *streamFlags) checkOutputs(sources []string, logs []*binlog.Log) error {
	if err := checkOutput(f.Output, sources, logs); err != nil || f.State == "" {
		return err
	}
	if info, err := os.Stat(f.State); strings.HasSuffix(f.State, "/") || err == nil && info.IsDir() {
		return usageError{fmt.Errorf("state %s is a folder: name a file in it", f.State)}
	}
	return checkOutside("state", f.State, sources, logs)
}

// checkOutput tells files from folders, and protects those of the server: nothing is ever written there, by whatever name they
// are reached.
func checkOutput(output string, sources []string, logs []*binlog.Log) error {
	if output == "-" || isRemote(output) {
		return nil
	}
	info, err := os.Stat(cmp.Or(strings.TrimRight(output, "/"), "/"))
	switch {
	case err == nil && info.IsDir() && !strings.HasSuffix(output, "/"):
		return usageError{fmt.Errorf("output %s is a folder: name a file in it, or let it end in a slash for parts in it", output)}
	case err == nil && !info.IsDir() && strings.HasSuffix(output, "/"):
		return usageError{fmt.Errorf("output %s is no folder", output)}
	}
	if strings.HasSuffix(output, "/") {
		output = filepath.Clean(output) // as the sink takes it
	}
	if err := checkOutside("output", output, sources, logs); err != nil {
		return err
	}
	for _, l := range logs {
		for _, segment := range l.Segments() {
			if s, err := os.Stat(segment.Path); err == nil && os.SameFile(s, info) {
				return usageError{fmt.Errorf("output %s is the segment %s, which would be lost", output, segment.Path)}
			}
		}
	}
	return nil
}

// checkOutside refuses a file in the server's folders, by whatever name they are reached.
func checkOutside(what, file string, sources []string, logs []*binlog.Log) error {
	for _, folder := range serverFolders(sources, logs) {
		inside, err := vfs.Inside(file, folder)
		if err != nil {
			return err
		}
		if inside {
			return usageError{fmt.Errorf("%s %s lies in the log folder %s, where nothing is written", what, file, folder)}
		}
	}
	return nil
}

// serverFolders are the folders of the logs, and the log folder above them where that was named.
func serverFolders(sources []string, logs []*binlog.Log) []string {
	folders := slices.DeleteFunc(slices.Clone(sources), func(source string) bool {
		info, err := os.Stat(source)
		return err != nil || !info.IsDir()
	})
	for _, l := range logs {
		folders = append(folders, l.Dir())
	}
	return folders
}

// lookFlags are common to the commands that read logs without converting them.
type lookFlags struct {
	sourceFlags
	Renamed map[string]string `placeholder:"NEW=OLD" help:"A name that the server's rename-command has made, and the command's own."`
}

func (f *lookFlags) decoder() (decode.DecoderOptions, error) {
	generation, err := f.generation()
	o := decode.DecoderOptions{Renamed: f.Renamed, Pika: generation}
	if err == nil {
		if _, err = decode.NewDecoder(o); err != nil {
			err = usageError{err}
		}
	}
	return o, err
}

// scanFlags are common to the commands that read whole logs for a report.
type scanFlags struct {
	Sources []string `arg:"" name:"source" help:"Log folders, DB folders or segment files."`
	lookFlags
	Workers  int    `placeholder:"N" help:"Workers that read and decode. Default: one for each CPU."`
	JSON     bool   `name:"json" help:"A report for programs."`
	Progress string `enum:"auto,always,never" default:"auto" help:"Progress bar on standard error: ${enum}."`
}

// open finds the logs and begins the progress bar.
func (f *scanFlags) open(s *streams) ([]*binlog.Log, inspect.Options, *console.Bar, error) {
	decoder, err := f.decoder()
	if err := errors.Join(err, notNegative("--workers", int64(f.Workers))); err != nil {
		return nil, inspect.Options{}, nil, err
	}
	logs, err := f.find(s, f.Sources)
	if err != nil {
		return nil, inspect.Options{}, nil, err
	}
	total := int64(0)
	for _, l := range logs {
		total += l.SizeBetween(l.Start(), l.Committed())
	}
	bar := s.console.Progress(f.Progress, total)
	return logs, inspect.Options{Workers: f.Workers, Decoder: decoder, Progress: bar.Add}, bar, nil
}

// report is what both info and verify end with.
type report interface {
	WriteTable(w io.Writer) error
	WriteJSON(w io.Writer) error
}

func (f *scanFlags) print(s *streams, r report) error {
	if f.JSON {
		return r.WriteJSON(s.stdout)
	}
	return r.WriteTable(s.stdout)
}

// infoCommand says what is in logs.
type infoCommand struct{ scanFlags }

// Run prints the report.
func (c *infoCommand) Run(ctx context.Context, s *streams) error {
	logs, o, bar, err := c.open(s)
	if err != nil {
		return err
	}
	r, err := inspect.Info(ctx, logs, inspect.InfoOptions{Options: o})
	bar.Finish()
	if err != nil {
		return err
	}
	return c.print(s, r)
}

// verifyCommand says whether logs are whole.
type verifyCommand struct{ scanFlags }

// Run prints the findings as they come, and the report. Damage is exit code 3.
func (c *verifyCommand) Run(ctx context.Context, s *streams) error {
	logs, o, bar, err := c.open(s)
	if err != nil {
		return err
	}
	findings := json.NewEncoder(s.stdout)
	var writeErr error
	r, err := inspect.Verify(ctx, logs, inspect.VerifyOptions{Options: o, Report: func(f *inspect.Finding) {
		switch {
		case c.JSON:
			writeErr = cmp.Or(writeErr, findings.Encode(f))
		case f.Severity == inspect.Damage || !s.quiet:
			bar.Clear()
			_, err := fmt.Fprintln(s.stdout, f)
			writeErr = cmp.Or(writeErr, err)
		}
	}})
	bar.Finish()
	if err = cmp.Or(err, writeErr); err != nil {
		return err
	}
	if err := c.print(s, r); err != nil {
		return err
	}
	if r.Damages > 0 {
		return fmt.Errorf("%w: %w", errReported, &decode.CorruptError{})
	}
	return nil
}

// inspectCommand shows records.
type inspectCommand struct {
	Source string `arg:"" help:"Folder of one DB, or a segment file."`
	rangeFlags
	Count int  `short:"n" placeholder:"N" help:"How many records. Default: 10, or all up to --until."`
	Hex   bool `help:"The bytes of each record, too."`
	Full  bool `help:"Arguments and bytes in full, however long."`
	lookFlags
}

// Help is shown by inspect --help.
func (*inspectCommand) Help() string {
	return `Examples:

  pikabin inspect /data/pika/log/log_db0 --from 12:4096 --hex
  pikabin inspect /data/pika/log/log_db0 --from 10m -n 100 | less`
}

// Run shows the records.
func (c *inspectCommand) Run(ctx context.Context, s *streams) error {
	decoder, err := c.decoder()
	if err := errors.Join(err, notNegative("--count", int64(c.Count))); err != nil {
		return err
	}
	logs, err := c.find(s, []string{c.Source})
	if err != nil {
		return err
	}
	if len(logs) > 1 {
		return usageError{fmt.Errorf("%s holds the logs of several DBs: give the folder of one, or --db", c.Source)}
	}
	extents, err := c.resolve(ctx, logs, &keeping{})
	if err != nil {
		return err
	}
	s.console.Info(extents[0].text)
	o := inspect.ShowOptions{From: extents[0].from, Count: c.Count, Full: c.Full, Hex: c.Hex, Decoder: decoder}
	if c.Until != "" {
		o.Until = extents[0].until
	}
	return inspect.Show(ctx, s.stdout, logs[0], o)
}

// seekCommand turns a time or a logic id into a position.
type seekCommand struct {
	Source  string  `arg:"" help:"Log folder, DB folder or segment file."`
	Time    string  `xor:"what" required:"" placeholder:"TIME" help:"First record at or after this time (or so long ago)."`
	LogicID *uint64 `xor:"what" required:"" placeholder:"N" help:"Record with this logic id."`
	sourceFlags
}

// Help is shown by seek --help.
func (*seekCommand) Help() string {
	return `Examples:

  pikabin seek /data/pika/log/log_db0 --time '2025-06-01 12:00'
  pikabin convert /data/pika/log/log_db0 --from $(pikabin seek /data/pika/log/log_db0 --time 2h)`
}

// Run prints the position, behind the name of the DB if there are several.
func (c *seekCommand) Run(ctx context.Context, s *streams) error {
	logs, err := c.find(s, []string{c.Source})
	if err != nil {
		return err
	}
	for _, l := range logs {
		p, err := c.seek(ctx, l)
		if err != nil {
			return err
		}
		line := p.String() + "\n"
		if len(logs) > 1 {
			line = l.ID().String() + "\t" + line
		}
		if _, err := io.WriteString(s.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

func (c *seekCommand) seek(ctx context.Context, l *binlog.Log) (decode.Position, error) {
	if c.LogicID != nil {
		return l.SeekLogicID(ctx, *c.LogicID)
	}
	where, err := binlog.ParseWhere(c.Time, time.Now())
	if err != nil || where.IsPosition() {
		return decode.Position{}, usageError{fmt.Errorf("%q is not a time", c.Time)}
	}
	return l.Resolve(ctx, where)
}

// schemaCommand prints what a format's readers need.
type schemaCommand struct {
	Format string `arg:"" help:"Name of a format: ${formats}."`
}

// Run prints the schema.
func (c *schemaCommand) Run(s *streams) error {
	format, err := lookupFormat(c.Format)
	if err != nil {
		return err
	}
	if format.Schema == "" {
		return fmt.Errorf("%s has no schema", c.Format)
	}
	_, err = io.WriteString(s.stdout, format.Schema)
	return err
}

// stateCommand looks at a state, or changes its positions.
type stateCommand struct {
	File     string `arg:"" help:"The state file."`
	Source   string `arg:"" optional:"" help:"The log, if it is not where the state was made with it."`
	Position string `arg:"" optional:"" help:"With --db: the position to go on from, such as 12:4096."`
	sourceFlags
	Clear       bool `xor:"change" help:"Forget the positions: all, or those of --db."`
	UsePrevious bool `xor:"change" help:"Take the state before this one, FILE.prev. Once more takes it back."`
	JSON        bool `name:"json" help:"For programs."`
}

// Help is shown by state --help.
func (*stateCommand) Help() string {
	return `Examples:

  pikabin state /var/lib/pikabin/state
  pikabin state /var/lib/pikabin/state --db db0 12:4096
  pikabin state /var/lib/pikabin/state --db db0 --clear

Looking takes no lock. Setting and clearing do: while tail runs they end with exit code 6. Where the log is
there, a position is set with a fingerprint of what stands before it, and one that is not in the log is refused.

What has been written to an output stays as it is. When the output is a file or a folder, which is
delivered exactly once, it goes on where it ends: set forward, the events between are never written to it, and
set back they are written once more. After --clear without --db the state is a new one, for a new output.`
}

// Run shows, sets or clears.
func (c *stateCommand) Run(ctx context.Context, s *streams) error {
	// The source may be left out in front of the position.
	if _, err := decode.ParsePosition(c.Source); err == nil && c.Position == "" {
		c.Source, c.Position = "", c.Source
	}
	if c.Position != "" && (c.Clear || c.UsePrevious) || c.JSON && (c.Position != "" || c.Clear || c.UsePrevious) {
		return usageError{errors.New("one thing at a time: show, set a position, --clear or --use-previous")}
	}
	switch {
	case c.Position != "":
		if c.Source != "" {
			if err := checkOutside("state", c.File, []string{c.Source}, nil); err != nil {
				return err
			}
		}
		return c.change(s, checkpoint.Open, func(f *checkpoint.File) error { return c.set(ctx, s, f) })
	case c.Clear && len(c.DB)+len(c.ExcludeDB) > 0:
		return c.change(s, checkpoint.Open, c.clearSome)
	case c.Clear:
		return c.change(s, checkpoint.OpenToReplace, func(f *checkpoint.File) error { return f.Save(checkpoint.State{}) })
	case c.UsePrevious:
		return c.change(s, checkpoint.OpenToReplace, (*checkpoint.File).UsePrevious)
	}
	return c.show(ctx, s)
}

// change opens the state, changes it and says what it was and is. Only setting a position makes a state.
func (c *stateCommand) change(s *streams, open func(string) (*checkpoint.File, error), change func(*checkpoint.File) error) (err error) {
	if _, ok, err := checkpoint.Load(c.File); !ok && err == nil && c.Position == "" {
		return fmt.Errorf("there is no state %s", c.File)
	}
	f, err := open(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	before, _ := f.State()
	if err := change(f); err != nil {
		return err
	}
	after, _ := f.State()
	s.console.Info(fmt.Sprintf("%s: was %s, is %s", c.File, before.Places(), after.Places()))
	return nil
}

// set moves one position.
func (c *stateCommand) set(ctx context.Context, s *streams, f *checkpoint.File) error {
	p, err := decode.ParsePosition(c.Position)
	if err != nil {
		return usageError{err}
	}
	if len(c.DB) != 1 {
		return usageError{errors.New("a position is a place in one DB's log: name it with --db, such as --db db0")}
	}
	state, _ := f.State()
	logs, err := c.logs(s, &state)
	if err != nil {
		return err
	}
	name := c.DB[0]
	mark, known := state.DBs[name]
	i := slices.IndexFunc(logs, func(l *binlog.Log) bool { return l.ID().String() == name })
	if i < 0 && !known {
		return usageError{fmt.Errorf("there is no log %s: the state holds %s", name, state.Places())}
	}
	mark.Position, mark.Fence = p, decode.Fence{}
	if i < 0 {
		s.console.Warn(fmt.Sprintf("the log of %s is not there to compare: the position is taken as it is", name))
	} else if mark.Fence, err = fenceAt(ctx, s, logs[i], p); err != nil {
		return err
	}
	if c.Source != "" {
		if state.Source, err = checkpoint.Sources([]string{c.Source}); err != nil {
			return err
		}
	}
	state.DBs = maps.Clone(state.DBs)
	if state.DBs == nil {
		state.DBs = map[string]checkpoint.Mark{}
	}
	state.DBs[name] = mark
	return f.Save(state)
}

// fenceAt takes the fingerprint of a position.
func fenceAt(ctx context.Context, s *streams, l *binlog.Log, p decode.Position) (decode.Fence, error) {
	fence, err := l.Fence(ctx, p)
	if err == nil && p.Offset > 0 && fence.Content == (decode.Sum{}) {
		s.console.Warn(fmt.Sprintf("%s: no record is seen to end at %v: what is read from there may be damage (inspect --from shows the record it lies in)", l.ID(), p))
	}
	return fence, err
}

// clearSome forgets the positions of the DBs that are named. With the last one goes all the rest.
func (c *stateCommand) clearSome(f *checkpoint.File) error {
	state, _ := f.State()
	left := maps.Clone(state.DBs)
	maps.DeleteFunc(left, func(name string, _ checkpoint.Mark) bool { return c.wants(name) })
	if len(left) == len(state.DBs) {
		return usageError{fmt.Errorf("none of these is in the state: it holds %s", state.Places())}
	}
	if len(left) == 0 {
		return f.Save(checkpoint.State{})
	}
	state.DBs = left
	return f.Save(state)
}

// logs finds the logs of the user's source, or, if they are still there, those that the state was made with.
func (c *stateCommand) logs(s *streams, state *checkpoint.State) ([]*binlog.Log, error) {
	if c.Source != "" {
		return c.find(s, []string{c.Source})
	}
	if len(state.Source) == 0 {
		return nil, nil
	}
	logs, err := c.find(s, state.Source)
	if err != nil {
		s.console.Warn(fmt.Sprintf("the log of the state cannot be looked at: %v", err))
	}
	return logs, nil
}

// stateReport is what state prints.
type stateReport struct {
	File   string            `json:"file"`
	State  *checkpoint.State `json:"state"`
	Places []inspect.Place   `json:"places"`
}

// show prints the state and where its positions stand.
func (c *stateCommand) show(ctx context.Context, s *streams) error {
	state, ok, err := checkpoint.Load(c.File)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("there is no state %s", c.File)
	}
	logs, err := c.logs(s, &state)
	if err != nil {
		return err
	}
	r := stateReport{File: c.File, State: &state}
	if r.Places, err = c.places(ctx, &state, logs); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.stdout).Encode(r)
	}
	return r.writeTable(s.stdout)
}

// places looks for each position in its log, those first whose logs are there.
func (c *stateCommand) places(ctx context.Context, state *checkpoint.State, logs []*binlog.Log) ([]inspect.Place, error) {
	var places []inspect.Place
	lone := maps.Clone(state.DBs)
	for _, l := range logs {
		name := l.ID().String()
		mark, ok := state.DBs[name]
		if !ok {
			places = append(places, inspect.NewPlace(l))
			continue
		}
		delete(lone, name)
		place, err := inspect.PlaceOf(ctx, l, inspect.Saved(mark))
		if err != nil {
			return nil, err
		}
		places = append(places, place)
	}
	for _, name := range slices.Sorted(maps.Keys(lone)) {
		if c.wants(name) {
			places = append(places, inspect.LonePlace(name, inspect.Saved(lone[name])))
		}
	}
	return places, nil
}

// writeTable writes the report for a person.
func (r *stateReport) writeTable(w io.Writer) error {
	var b strings.Builder
	output := slices.DeleteFunc([]string{cmp.Or(r.State.Output, "none yet"), r.State.Format, r.State.Compression}, func(s string) bool { return s == "" })
	fmt.Fprintf(&b, "%s\n  %-8s %s\n  %-8s %s\n  %-8s %d\n", r.File, "source", cmp.Or(strings.Join(r.State.Source, ", "), "none yet"),
		"output", strings.Join(output, ", "), "saves", r.State.Saves)
	if r.State.Note != nil {
		var note bytes.Buffer
		if err := json.Compact(&note, r.State.Note); err != nil {
			return err
		}
		fmt.Fprintf(&b, "  %-8s %s\n", "note", note.String())
	}
	if len(r.Places) > 0 {
		if err := inspect.WritePlaces(&b, r.Places); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
