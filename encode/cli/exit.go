package cli

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/run"
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
		refused *run.RefusedError
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
		return ExitInterrupted
	case errors.As(err, &usage), errors.As(err, &refused), errors.As(err, &log), errors.As(err, &output):
		return ExitUsage
	case errors.As(err, &locked):
		return ExitLocked
	case errors.As(err, &sink):
		return ExitSink
	case errors.As(err, &corrupt), errors.As(err, &damaged):
		return ExitCorrupt
	case errors.As(err, &hole), errors.As(err, &beyond), errors.As(err, &changed):
		return ExitGone
	}
	return ExitOther
}

// hint says what the user can do, where a flag helps: behind a position that lies beyond the end nothing goes on.
func hint(err error) string {
	var hole decode.Hole
	var corrupt *decode.CorruptError
	switch code := exitCode(err); {
	case code == ExitCorrupt && errors.As(err, &corrupt):
		return "\npikabin: all that is before it has been written; --on-corrupt=skip goes on behind it and reports what is lost"
	case code == ExitGone && errors.As(err, &hole):
		return "\npikabin: all that is before it has been written; --on-gap=skip goes on behind it and reports what is missing"
	}
	return ""
}
