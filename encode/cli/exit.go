package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlog/pin"
	"pikabin/encode/checkpoint"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// The exit codes.
const (
	ExitOther       = 1
	ExitUsage       = 2
	ExitCorrupt     = 3
	ExitGone        = 4
	ExitSink        = 5
	ExitLocked      = 6
	ExitInterrupted = 130
)

const exitHelp = `
Exit codes: 0 done, 1 other failure, 2 usage, 3 corrupt input, 4 position gone (gap, purged, rewritten),
5 the output failed, 6 the state is in use by another process, 130 interrupted.
`

var (
	errReported    = errors.New("already reported")
	errSkippedGaps = errors.New("missing ranges were skipped")
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
		name    *folder.NameError
		refused *run.RefusedError
		failed  *sink.Error
		full    *sink.FullError
		stopped *sink.StoppedError
		corrupt *decode.CorruptError
		beyond  *decode.BeyondError
		changed *folder.ChangedError
		hole    decode.Hole
		locked  *checkpoint.LockedError
		damaged *checkpoint.DamagedError
		log     *checkpoint.OtherLogError
		output  *checkpoint.OtherOutputError
		foreign *pin.ForeignError
	)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return 0
	case errors.Is(err, run.ErrInterrupted), errors.As(err, &full), errors.As(err, &stopped):
		return ExitInterrupted
	case errors.As(err, &usage), errors.As(err, &name), errors.As(err, &foreign), errors.As(err, &refused), errors.As(err, &log), errors.As(err, &output):
		return ExitUsage
	case errors.As(err, &locked):
		return ExitLocked
	case errors.As(err, &failed):
		return ExitSink
	case errors.As(err, &corrupt), errors.As(err, &damaged):
		return ExitCorrupt
	case errors.As(err, &hole), errors.As(err, &beyond), errors.As(err, &changed), errors.Is(err, errSkippedGaps):
		return ExitGone
	}
	return ExitOther
}

// hint says what the user can do, where a flag helps: past a position that is after the end, nothing can be read.
func hint(err error) string {
	var hole decode.Hole
	var corrupt *decode.CorruptError
	switch code := exitCode(err); {
	case code == ExitCorrupt && errors.As(err, &corrupt):
		return "all that is before it has been written; --on-corrupt=skip continues after it and reports what is lost"
	case code == ExitGone && errors.As(err, &hole):
		return "all that is before it has been written; --on-gap=skip continues after it and reports what is missing"
	}
	return ""
}

// kinds name the exit codes for programs that read the messages.
var kinds = map[int]string{
	ExitOther: "other", ExitUsage: "usage", ExitCorrupt: "corrupt", ExitGone: "gone", ExitSink: "output", ExitLocked: "locked", ExitInterrupted: "interrupted",
}

// fieldsOf are what an error says of its kind and its place, for programs.
func fieldsOf(err error) []slog.Attr {
	code := exitCode(err)
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

// skippedFields are the range that was skipped.
func skippedFields(err error) []slog.Attr {
	if hole, ok := errors.AsType[decode.Hole](err); ok {
		return append(holeFields(hole), slog.String("kind", kinds[ExitGone]))
	}
	lost, ok := errors.AsType[*decode.Lost](err)
	if !ok {
		return nil
	}
	return []slog.Attr{
		slog.String("kind", kinds[ExitCorrupt]), slog.String("db", lost.Log.String()), slog.String("from", lost.From.String()),
		slog.String("to", lost.To.String()), slog.Int64("bytes", lost.To.Offset-lost.From.Offset),
	}
}
