// Pikabin turns the binlog that a Pika server leaves on its disk into a change stream that other
// programs can use.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/inspect"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/formats"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// version is set by the linker in releases.
var version string

// cli is the command line. Every flag can also be set by an environment variable, PIKABIN_ and its
// name.
type cli struct {
	Convert convertCommand `cmd:"" help:"Read what is committed, write it, end."`
	Info    infoCommand    `cmd:"" help:"Print what is in a log: segments, times, commands, sizes."`
	Verify  verifyCommand  `cmd:"" help:"Check every byte that can be checked, and report damage by segment and offset."`
	Inspect inspectCommand `cmd:"" help:"Print records for a person: headers, fields, bytes."`
	Seek    seekCommand    `cmd:"" help:"Print the position of the first record at or after a time, or of a logic id."`
	Schema  schemaCommand  `cmd:"" help:"Print the schema of a format."`

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
		if command.Selected().Name == "convert" {
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
	exitInterrupted = 130
)

const exitHelp = `
Exit codes: 0 done, 1 other failure, 2 usage, 3 corrupt input, 4 position gone (gap, purged, rewritten),
5 the output failed, 130 interrupted.
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

// exitCode asks the error.
func exitCode(err error) int {
	var (
		usage   usageError
		sink    *encode.SinkError
		corrupt *decode.CorruptError
		beyond  *binlog.BeyondError
		changed *binlog.ChangedError
		hole    decode.Hole
	)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return 0
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &sink):
		return exitSink
	case errors.As(err, &corrupt):
		return exitCorrupt
	case errors.As(err, &hole), errors.As(err, &beyond), errors.As(err, &changed):
		return exitGone
	}
	return exitOther
}

// hint says what the user can do, where a flag helps: behind a position that lies beyond the end nothing goes on.
func hint(err error) string {
	var hole decode.Hole
	switch code := exitCode(err); {
	case code == exitCorrupt:
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
	logs = slices.DeleteFunc(logs, func(l *binlog.Log) bool {
		named := func(names []string) bool {
			return slices.Contains(names, l.ID().DB) || slices.Contains(names, l.ID().String())
		}
		return len(f.DB) > 0 && !named(f.DB) || named(f.ExcludeDB)
	})
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

// rangeFlags say which part of the logs.
type rangeFlags struct {
	From  string `placeholder:"WHERE" help:"Begin at a position (12:4096), a time (2025-06-01T12:00:00+08:00, local without a zone), so long ago (2h, 7d), start or end."`
	Until string `placeholder:"WHERE" help:"End before this place, in the same forms."`
}

// extent is the part of one log that is read.
type extent struct {
	log         *binlog.Log
	from, until decode.Position
}

// resolve finds the places in each log, and says which they are.
func (f *rangeFlags) resolve(ctx context.Context, s *streams, logs []*binlog.Log) ([]extent, error) {
	now := time.Now()
	from, errFrom := binlog.ParseWhere(f.From, now)
	until, errUntil := binlog.ParseWhere(f.Until, now)
	if err := errors.Join(errFrom, errUntil); err != nil {
		return nil, usageError{err}
	}
	if len(logs) > 1 && (from.IsPosition() || until.IsPosition()) {
		return nil, usageError{errors.New("a position is a place in one DB's log: give the folder of one DB or --db, or use a time")}
	}
	from, until = from.Or(binlog.Start), until.Or(binlog.End)
	extents := make([]extent, len(logs))
	for i, l := range logs {
		e := extent{log: l}
		var err error
		if e.from, err = l.Resolve(ctx, from); err != nil {
			return nil, err
		}
		if e.until, err = l.Resolve(ctx, until); err != nil {
			return nil, err
		}
		s.console.Info(fmt.Sprintf("%s: from %s to %s", l.ID(), placeText(e.from, from), placeText(e.until, until)))
		extents[i] = e
	}
	return extents, nil
}

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
	outputFlags
	filterFlags
	runFlags
}

// outputFlags say what comes out, and where.
type outputFlags struct {
	Format   string `short:"f" default:"jsonl" help:"Format of the events: ${formats}."`
	Output   string `short:"o" default:"-" placeholder:"URL" help:"Where to: ${outputs}."`
	Compress string `placeholder:"NAME[:LEVEL]" help:"zstd, gzip or none; from the name of the output if that tells."`
	Bytes    string `enum:"auto,base64" default:"auto" help:"How formats of text write bytes: auto (base64 if not UTF-8) or base64."`
	Args     bool   `help:"Put all arguments of the command into args."`
	All      bool   `help:"Events for what changes nothing, too: padding, empty records, reads logged by mistake."`
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
	o, err := c.options(s)
	if err != nil {
		return usageError{err}
	}
	logs, err := c.find(s, c.Sources)
	if err != nil {
		return err
	}
	if err := checkOutput(c.Output, c.Sources, logs); err != nil {
		return err
	}
	extents, err := c.resolve(ctx, s, logs)
	if err != nil {
		return err
	}
	sink, err := encode.OpenSink(encode.SinkOptions{
		Target: c.Output, Stdout: s.stdout.Writer, DBs: dbsOf(logs), Format: o.Format, Compression: o.Compression,
		Warn: s.console.Warn, Stop: ctx.Done(),
	})
	if target, ok := errors.AsType[*encode.TargetError](err); ok {
		return usageError{target}
	}
	if err != nil {
		return &encode.SinkError{Err: err}
	}
	if positioner, ok := sink.(encode.Positioner); ok && c.From == "" {
		o.Start = goOn(s, extents, positioner.Positions())
	}
	debug.SetMemoryLimit(int64(c.Memory) + runtimeReserve)
	return atStart(c.pump(ctx, s, extents, sink, o), extents)
}

// goOn begins each log where the output says that it has come to.
func goOn(s *streams, extents []extent, found map[string]checkpoint.Mark) map[*decode.Log]checkpoint.Mark {
	start := map[*decode.Log]checkpoint.Mark{}
	for i := range extents {
		e := &extents[i]
		if mark, ok := found[e.log.ID().String()]; ok {
			e.from, start[e.log.ID()] = mark.Position, mark
			s.console.Info(fmt.Sprintf("%s: from %v, as far as the output has come", e.log.ID(), mark.Position))
		}
	}
	return start
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

// runtimeReserve is what the program takes besides the bytes in flight.
const runtimeReserve = 64 << 20

// pump reads the extents into the sink and says how it went.
func (c *convertCommand) pump(ctx context.Context, s *streams, extents []extent, sink encode.Sink, o encode.Options) error {
	plans := make([]*binlog.Plan, len(extents))
	total := int64(0)
	for i, e := range extents {
		plans[i] = e.log.Chunks(e.from, e.until, binlog.PlanOptions{Ahead: c.Workers})
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
	if err == nil && result.Lost > 0 {
		s.console.Warn(fmt.Sprintf("%d damaged ranges were skipped, %s in all", result.Lost, inspect.FormatSize(result.LostBytes)))
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

// options checks the flags and makes the pipeline's options of them.
func (c *convertCommand) options(s *streams) (encode.Options, error) {
	format, err := lookupFormat(c.Format)
	if err != nil {
		return encode.Options{}, err
	}
	compression := encode.CompressionOf(c.Output)
	if c.Compress != "" {
		if compression, err = encode.ParseCompression(c.Compress); err != nil {
			return encode.Options{}, err
		}
	}
	if !slices.ContainsFunc(encode.Sinks(), func(t encode.SinkType) bool { return t.Matches(c.Output) }) {
		return encode.Options{}, fmt.Errorf("no sink has the form of output %q: expected %s", c.Output,
			outputForms(func(s encode.SinkType) string { return s.Name }))
	}
	generation, err := c.generation()
	if err := errors.Join(err, notNegative("--workers", int64(c.Workers)), notNegative("--limit", c.Limit)); err != nil {
		return encode.Options{}, err
	}
	o := encode.Options{
		Format:        format,
		FormatOptions: formats.Options{Base64: c.Bytes == "base64", Args: c.Args},
		Decoder:       decode.DecoderOptions{All: c.All, Renamed: c.Renamed, Pika: generation},
		Filter: encode.Filter{
			Commands: c.Command, Types: c.Type, Keys: c.Key,
			ExcludeCommands: c.ExcludeCommand, ExcludeTypes: c.ExcludeType, ExcludeKeys: c.ExcludeKey,
		},
		Compression: compression,
		Workers:     c.Workers, Memory: int64(c.Memory), Limit: c.Limit,
		SkipCorrupt: c.OnCorrupt == "skip", SkipGaps: c.OnGap == "skip",
		Report: func(err error) { s.console.Warn(err.Error()) },
	}
	return o, o.Check()
}

// checkOutput refuses folders, and protects those of the server: nothing is ever written there, by whatever
// name they are reached.
func checkOutput(output string, sources []string, logs []*binlog.Log) error {
	if output == "-" {
		return nil
	}
	info, err := os.Stat(output)
	if err == nil && info.IsDir() || strings.HasSuffix(output, "/") {
		return usageError{fmt.Errorf("output %s is a folder: name a file in it", output)}
	}
	path, err := realPath(output)
	if err != nil {
		return err
	}
	for _, folder := range serverFolders(sources, logs) {
		resolved, err := realPath(folder)
		if err != nil {
			return err
		}
		if strings.HasPrefix(path, strings.TrimSuffix(resolved, "/")+"/") {
			return usageError{fmt.Errorf("output %s lies in the log folder %s, where nothing is written", output, folder)}
		}
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

// realPath is the absolute path without symbolic links, of a file that need not be there yet.
func realPath(path string) (string, error) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return filepath.Abs(resolved)
	}
	// A folder that is not there is an error of opening the output.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		dir = filepath.Dir(path)
	}
	return filepath.Abs(filepath.Join(dir, filepath.Base(path)))
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
	extents, err := c.resolve(ctx, s, logs)
	if err != nil {
		return err
	}
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
