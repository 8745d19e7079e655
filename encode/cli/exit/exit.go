// Package exit says how the program ends: the exit code of an error, what the user can do about it, and its fields for programs.
package exit

import (
	"errors"
	"log/slog"
	"syscall"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlog/pin"
	"pikabin/decode/replica/link"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
	"pikabin/encode/readback/held"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// The exit codes besides 0. README.md lists them, and scripts/pikabin.service says which of them a restart may mend.
const (
	Other       = 1
	Usage       = 2
	Corrupt     = 3
	Gone        = 4
	Sink        = 5
	Locked      = 6
	Differs     = 7
	Interrupted = 130
)

// Help lists the exit codes for people.
const Help = `
Exit codes: 0 done, 1 other failure (such as a source that is not there), 2 usage, 3 corrupt input,
4 position gone (gap, purged, rewritten), 5 the output failed, 6 the state is in use by another process or
run, 7 verify-output: the output is not what the log says, 130 or 143 interrupted.
`

// Errors of runs that have come to their end, and whose code is not 0.
var (
	ErrReported    = errors.New("already reported")
	ErrSkippedGaps = errors.New("missing ranges were skipped")
	ErrDiffers     = errors.New("the output is not what the log says")
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

// Unwrap gives the cause.
func (e usageError) Unwrap() error { return e.error }

// Misuse says of an error that the command line makes no sense.
func Misuse(err error) error { return usageError{err} }

// rule gives the code of errors of a kind.
type rule struct {
	code int
	is   func(error) bool
}

// a tells errors of a type, however they are wrapped.
func a[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// one tells a certain error.
func one(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// rules are in the order in which they are asked: of several errors in one, the first that is found decides.
var rules = []rule{
	{0, one(syscall.EPIPE)},
	{Interrupted, one(run.ErrInterrupted)},
	{Interrupted, a[*sink.FullError]},
	{Interrupted, a[*sink.StoppedError]},
	{Usage, a[usageError]},
	{Usage, a[*claim.AddressError]},
	{Usage, a[*sink.TargetError]},
	{Usage, a[*folder.NameError]},
	{Usage, a[*pin.ForeignError]},
	{Usage, a[*run.RefusedError]},
	{Usage, a[*link.RefusedError]},
	{Usage, a[*binlog.TwinError]},
	{Usage, a[*run.OtherLogError]},
	{Usage, a[*run.OtherOutputError]},
	{Locked, a[*checkpoint.LockedError]},
	{Locked, a[*claim.HeldError]},
	{Locked, a[*claim.FencedError]},
	{Differs, one(ErrDiffers)},
	{Gone, a[*claim.GoneError]},
	{Sink, a[*sink.Error]},
	{Sink, a[*held.UnreadError]},
	{Corrupt, a[*decode.CorruptError]},
	{Corrupt, a[*checkpoint.DamagedError]},
	{Corrupt, a[*claim.DamagedError]},
	{Gone, a[decode.Hole]},
	{Gone, a[*decode.BeyondError]},
	{Gone, a[*folder.ChangedError]},
	{Gone, a[*folder.ReplacedError]},
	{Gone, one(ErrSkippedGaps)},
}

// Code is the exit code of an error; 0 for none, and for a reader that has had enough.
func Code(err error) int {
	if err == nil {
		return 0
	}
	for _, r := range rules {
		if r.is(err) {
			return r.code
		}
	}
	return Other
}

// Hint says what the user can do, where a flag helps: past a position that is after the end, nothing can be read. done is what has become of what is before
// an error.
func Hint(err error, done string) string {
	var hole decode.Hole
	var corrupt *decode.CorruptError
	switch code := Code(err); {
	case code == Corrupt && errors.As(err, &corrupt):
		return "all that is before it has been " + done + "; --on-corrupt=skip continues after it and reports what is lost"
	case code == Gone && errors.As(err, &hole):
		return "all that is before it has been " + done + "; --on-gap=skip continues after it and reports what is missing"
	}
	return ""
}

// kinds name the exit codes for programs that read the messages.
var kinds = map[int]string{
	Other: "other", Usage: "usage", Corrupt: "corrupt", Gone: "gone", Sink: "output", Locked: "locked", Differs: "differs", Interrupted: "interrupted",
}

// Fields are what an error says of its kind and its place, for programs.
func Fields(err error) []slog.Attr {
	code := Code(err)
	fields := []slog.Attr{slog.String("kind", kinds[code]), slog.Int("exit_code", code)}
	if hole, ok := errors.AsType[decode.Hole](err); ok {
		return append(fields, holeFields(hole)...)
	}
	if damage, ok := errors.AsType[*decode.CorruptError](err); ok {
		at := decode.Position{Segment: damage.Segment, Offset: damage.Offset}
		return append(fields, slog.String("position", at.String()))
	}
	return fields
}

// holeFields are the range that is missing.
func holeFields(hole decode.Hole) []slog.Attr {
	log, from, to := hole.Hole()
	return []slog.Attr{slog.String("db", log.String()), slog.String("from", from.String()), slog.String("to", to.String())}
}

// OddityFields are what a message about a log is about.
func OddityFields(o binlog.Oddity) []slog.Attr {
	return []slog.Attr{slog.String("db", o.Log.String()), slog.String("path", o.Path)}
}

// SkippedFields are the range that was skipped.
func SkippedFields(err error) []slog.Attr {
	if hole, ok := errors.AsType[decode.Hole](err); ok {
		return append(holeFields(hole), slog.String("kind", kinds[Code(err)]))
	}
	lost, ok := errors.AsType[*decode.Lost](err)
	if !ok {
		return nil
	}
	return []slog.Attr{
		slog.String("kind", kinds[Corrupt]), slog.String("db", lost.Log.String()), slog.String("from", lost.From.String()),
		slog.String("to", lost.To.String()), slog.Int64("bytes", lost.To.Offset-lost.From.Offset),
	}
}
