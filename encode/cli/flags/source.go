// Package flags are the flags that several commands have, and what is made of them.
package flags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/inspect"
	"pikabin/decode/replica/link"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/piped"
	"pikabin/encode/cli/shell"
	"pikabin/encode/console"
	"pikabin/encode/run"
)

// SourceFlags say which logs to read.
type SourceFlags struct {
	DB        []string `placeholder:"NAME" help:"Only these DBs, such as db0, or db0/3 for one slot."`
	ExcludeDB []string `placeholder:"NAME" help:"Not these DBs."`
	Pika      string   `placeholder:"VERSION" help:"The version of the server, such as 3.0, instead of what the bytes of its log show."`
}

// Generation is the one that --pika names; unknown without it.
func (f *SourceFlags) Generation() (decode.Generation, error) {
	if f.Pika == "" {
		return decode.GenerationUnknown, nil
	}
	g, err := decode.ParseGeneration(f.Pika)
	if err != nil {
		return g, exit.Misuse(err)
	}
	return g, nil
}

// Find opens the sources and tells the user what is odd about them.
func (f *SourceFlags) Find(s *shell.Streams, sources []string) ([]*binlog.Log, error) {
	generation, err := f.Generation()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(sources, link.IsAddress) {
		return nil, exit.Misuse(errors.New("only tail, convert, history, stats and state read a server over the network: this needs its log folder"))
	}
	o := binlog.Options{Generation: generation, Piped: slices.Contains(sources, piped.Name)}
	where := strings.Join(sources, ", ")
	if o.Piped {
		path, err := segmentOf(s, sources)
		if err != nil {
			return nil, err
		}
		sources, where = []string{path}, binlog.StandardInput
	}
	logs, err := binlog.Find(sources, o)
	if err != nil {
		return nil, err
	}
	if missing := f.Missing(f.DB, logs); missing != nil {
		return nil, exit.Misuse(fmt.Errorf("--db: %w in %s", missing, where))
	}
	if missing := f.Missing(f.ExcludeDB, logs); missing != nil {
		s.Console.Warn(fmt.Sprintf("--exclude-db: %v", missing))
	}
	found := NamesOf(logs)
	logs = slices.DeleteFunc(logs, func(l *binlog.Log) bool { return !f.Wants(l.ID().String()) })
	if len(logs) == 0 {
		return nil, exit.Misuse(fmt.Errorf("all DBs in %s are excluded: there are %s", where, found))
	}
	for _, l := range logs {
		for _, o := range l.Oddities() {
			s.Console.With(exit.OddityFields(o)...).Warn(o.String())
		}
	}
	return logs, nil
}

// segmentOf keeps the segment of standard input in a file.
func segmentOf(s *shell.Streams, sources []string) (path string, err error) {
	if len(sources) > 1 {
		return "", exit.Misuse(errors.New("the source - is one segment: its places are 0:OFFSET in db0, and not those of other sources"))
	}
	return s.Stdin.Segment()
}

// Missing says which of the names are of none of the logs, and what there is; nil if each is of one.
func (*SourceFlags) Missing(names []string, logs []*binlog.Log) error {
	for _, name := range names {
		is := func(l *binlog.Log) bool { return l.ID().String() == name || l.ID().DB == name }
		if !slices.ContainsFunc(logs, is) {
			return fmt.Errorf("there is no DB %q, but %s", name, NamesOf(logs))
		}
	}
	return nil
}

// NamesOf lists logs for people.
func NamesOf(logs []*binlog.Log) string {
	const most = 20
	var names []string
	for _, l := range logs[:min(len(logs), most)] {
		names = append(names, l.ID().String())
	}
	if len(logs) > most {
		names = append(names, fmt.Sprintf("%d more", len(logs)-most))
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}

// Wants says whether a log is to be read. The DB is named for all its slots.
func (f *SourceFlags) Wants(log string) bool {
	db, _, _ := strings.Cut(log, "/")
	named := func(names []string) bool { return slices.Contains(names, log) || slices.Contains(names, db) }
	return (len(f.DB) == 0 || named(f.DB)) && !named(f.ExcludeDB)
}

// RangeFlags say which part of the logs.
type RangeFlags struct {
	From  string `placeholder:"WHERE" help:"Begin at a position (12:4096), a time (2025-06-01T12:00:00+08:00, local without a zone), this long ago (2h, 7d), start or end. Clocks that were set back: see seek --help."`
	Until string `placeholder:"WHERE" help:"End before this place, in the same forms."`
}

// Where reads the places.
func (f *RangeFlags) Where() (from, until decode.Where, err error) {
	now := time.Now()
	from, errFrom := decode.ParseWhere(f.From, now)
	until, errUntil := decode.ParseWhere(f.Until, now)
	if err := errors.Join(errFrom, errUntil); err != nil {
		return from, until, exit.Misuse(err)
	}
	from, until = from.Or(decode.LogStart), until.Or(decode.LogEnd)
	if until.Before(from) {
		return from, until, f.ErrEmptyRange(until, from)
	}
	return from, until, nil
}

// Resolve finds the places in a log.
func (f *RangeFlags) Resolve(ctx context.Context, l *binlog.Log) (from, until decode.Position, text string, err error) {
	whereFrom, whereUntil, err := f.Where()
	if err != nil {
		return from, until, "", err
	}
	if from, err = l.Resolve(ctx, whereFrom); err != nil {
		return from, until, "", err
	}
	if until, err = l.Resolve(ctx, whereUntil); err != nil {
		return from, until, "", err
	}
	if f.Empty(whereFrom, whereUntil, from, until) {
		return from, until, "", f.ErrEmptyRange(until, from)
	}
	return from, until, fmt.Sprintf("%s: from %s to %s", l.ID(), run.Named(from, whereFrom), run.Named(until, whereUntil)), nil
}

// Empty tells a range that was given and ends before it begins.
func (f *RangeFlags) Empty(whereFrom, whereUntil decode.Where, from, until decode.Position) bool {
	return f.From != "" && whereFrom != decode.LogStart && whereUntil != decode.LogEnd && until.Before(from)
}

// ErrEmptyRange is a range that ends before it begins.
func (f *RangeFlags) ErrEmptyRange(until, from fmt.Stringer) error {
	return exit.Misuse(fmt.Errorf("--until %s (%v) is before --from %s (%v): nothing is between them", f.Until, until, f.From, from))
}

// ErrOneDB is a position as a place in several logs.
var ErrOneDB = exit.Misuse(errors.New("a position is a place in one DB's log: give the folder of one DB or --db, or use a time"))

// LookFlags are common to the commands that read logs without converting them.
type LookFlags struct {
	SourceFlags
	Renamed map[string]string `placeholder:"NEW=OLD" help:"A name that the server's rename-command has made, and the command's own."`
}

// Decoder are the options of a decoder.
func (f *LookFlags) Decoder() (decode.DecoderOptions, error) {
	generation, err := f.Generation()
	o := decode.DecoderOptions{Renamed: f.Renamed, Pika: generation, Before35: decode.Before35(f.Pika)}
	if err == nil {
		if _, err = decode.NewDecoder(o); err != nil {
			err = exit.Misuse(err)
		}
	}
	return o, err
}

// ScanFlags are common to the commands that read whole logs for a report.
type ScanFlags struct {
	Sources []string `arg:"" name:"source" help:"Log folders, DB folders or segment files."`
	LookFlags
	Workers  int    `placeholder:"N" help:"Workers that read and decode. Default: one for each CPU."`
	JSON     bool   `name:"json" help:"A report for programs."`
	Progress string `enum:"auto,always,never" default:"auto" help:"Progress bar on standard error: ${enum}."`
}

// Open finds the logs and begins the progress bar.
func (f *ScanFlags) Open(s *shell.Streams) ([]*binlog.Log, inspect.Options, *console.Bar, error) {
	decoder, err := f.Decoder()
	if err := errors.Join(err, NotNegative("--workers", int64(f.Workers))); err != nil {
		return nil, inspect.Options{}, nil, err
	}
	logs, err := f.Find(s, f.Sources)
	if err != nil {
		return nil, inspect.Options{}, nil, err
	}
	total := int64(0)
	for _, l := range logs {
		total += l.SizeBetween(l.Start(), l.Committed())
	}
	bar := s.Console.Progress(f.Progress, total)
	return logs, inspect.Options{Workers: f.Workers, Decoder: decoder, Progress: bar.Add}, bar, nil
}

// printable is what both info and verify end with.
type printable interface {
	WriteTable(w io.Writer) error
	WriteJSON(w io.Writer) error
}

// Print prints a report in the form that was asked for.
func (f *ScanFlags) Print(s *shell.Streams, r printable) error {
	if f.JSON {
		return r.WriteJSON(s.Stdout)
	}
	return r.WriteTable(s.Stdout)
}
