package sink

import (
	"errors"
	"fmt"
	"syscall"
)

// TargetError is a value of --output that makes no sense, or an option of it.
type TargetError struct{ Err error }

// Error says what is wrong with it.
func (e *TargetError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *TargetError) Unwrap() error { return e.Err }

// StoppedError is an output that was not there yet when the run was told to end. Nothing was written.
type StoppedError struct{ Err error }

// Error says what was waited for.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("told to end before the output was open: %v", e.Err)
}

// Unwrap gives the cause.
func (e *StoppedError) Unwrap() error { return e.Err }

// Error is a failure of the sink: what was read is fine, what is after the committed position has
// not been delivered.
type Error struct{ Err error }

// Error says that it was the output.
func (e *Error) Error() string { return fmt.Sprintf("writing the output: %v", e.Err) }

// Unwrap gives the cause, such as EPIPE or ENOSPC.
func (e *Error) Unwrap() error { return e.Err }

// SyncError is a file that could not be made durable. What was written to it since it was durable may be gone, so that the run ends.
type SyncError struct {
	Path string
	Err  error
}

// Error says what counts.
func (e *SyncError) Error() string {
	return fmt.Sprintf("%s could not be made durable (%v): what it holds since the last save is not counted as delivered; with a state the next run continues at the last save",
		e.Path, errno(e.Err))
}

// Unwrap gives the cause.
func (e *SyncError) Unwrap() error { return e.Err }

// IsFull tells an error that goes away when somebody makes room, and the same is done again.
func IsFull(err error) bool {
	if _, ok := errors.AsType[*SyncError](err); ok {
		return false
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// FullError is what still had no room when the run was told to end. What was delivered before is whole.
type FullError struct {
	Path string
	Err  error
}

// Error says what there was no room for.
func (e *FullError) Error() string {
	return fmt.Sprintf("there was no room for %s up to the end (%v)", e.Path, errno(e.Err))
}

// errno is what the system says. The rest of the error is the path once more.
func errno(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// Unwrap gives the cause.
func (e *FullError) Unwrap() error { return e.Err }

// EndedFull tells an error that only says that there was no room up to the end.
func EndedFull(err error) bool {
	_, ok := errors.AsType[*FullError](err)
	return ok
}

// LostOutputError is an output that is not what the state says was written.
type LostOutputError struct {
	Path string
	Want int64  // bytes
	Have int64  // bytes; -1: the file is not there
	Text string // more about it
}

// Error says both sides, and what can be done.
func (e *LostOutputError) Error() string {
	have := fmt.Sprintf("it has %d", e.Have)
	if e.Have < 0 {
		have = "it is not there"
	}
	return fmt.Sprintf("output %s is not the one that the state is of: %d bytes had been written, %s%s; "+
		"put it back, or begin with a new output and a new state", e.Path, e.Want, have, e.Text)
}

// MovedError is a file that is not in its place any more, though it is being written: its events would be nowhere.
type MovedError struct{ Path string }

// Error says what has to be done.
func (e *MovedError) Error() string {
	return e.Path + ", which is being written, was moved or removed: what it holds since the last save is not counted as delivered; put it back, or start with a new output and a new state"
}

// OlderStateError is a state that is older than the output, such as one from a backup.
type OlderStateError struct{ Output string }

// Error says what can be done.
func (e *OlderStateError) Error() string {
	return fmt.Sprintf("the state is older than the parts in %s: to continue would write events into other parts once more; put the newer state back, or begin with a new folder and a new state",
		e.Output)
}
