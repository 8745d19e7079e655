package checkpoint

import (
	"fmt"
	"strings"
)

// LockedError is a state that another process has in use.
type LockedError struct {
	Path string // of the state
	PID  int    // of the process as it says itself, 0 if it does not
}

// Error names the process.
func (e *LockedError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("the state %s is in use by %s, which holds the lock %s%s", e.Path, who, e.Path, lockSuffix)
}

// NewerError is a state of a schema that a later version of this program has made.
type NewerError struct {
	Path   string
	Schema int
}

// Error says what would help.
func (e *NewerError) Error() string {
	return fmt.Sprintf("the state %s was written by a newer pikabin: its schema is %d, this one reads up to %d; take the newer program, or another state file",
		e.Path, e.Schema, Schema)
}

// DamagedError is a state that cannot be believed. Nothing continues by itself from anywhere else.
type DamagedError struct {
	Path     string
	Err      error  // what is wrong
	Previous string // where the generation before lies
	State    *State // what that one holds; nil if it cannot be believed either
}

// Error says what is wrong, what there is instead, and how to take it.
func (e *DamagedError) Error() string {
	text := fmt.Sprintf("the state %s is damaged: %v; ", e.Path, e.Err)
	again := fmt.Sprintf("\"pikabin state %s --clear\" begins anew", e.Path)
	if e.State == nil {
		return text + "there is no generation before it that is whole; " + again
	}
	return text + fmt.Sprintf("the generation before it, %s, is whole and holds %s (save %d): \"pikabin state %s --use-previous\" takes it, %s",
		e.Previous, e.State.Places(), e.State.Saves, e.Path, again)
}

// Unwrap gives what is wrong.
func (e *DamagedError) Unwrap() error { return e.Err }

// OtherLogError is a state that belongs to another log than the one to be read.
type OtherLogError struct {
	Path         string   // of the state
	State        State    // what it holds
	Source, Logs []string // what is to be read
	Err          error    // what of the log does not fit; nil: none of the state's logs is in the source
}

// Error shows both sides.
func (e *OtherLogError) Error() string {
	why := "none of these is there"
	if e.Err != nil {
		why = e.Err.Error()
	}
	return fmt.Sprintf("the state %s is of another log: it was made with %s and holds %s, now %s with %s is read: %s; take another state file for it",
		e.Path, strings.Join(e.State.Source, ", "), e.State.Places(), strings.Join(e.Source, ", "), strings.Join(e.Logs, ", "), why)
}

// Unwrap gives what does not fit.
func (e *OtherLogError) Unwrap() error { return e.Err }

// OtherOutputError is a state that belongs to another output, format or compression: what is in the one was never written
// to the other.
type OtherOutputError struct {
	Path           string // of the state
	What           string // "output", "format" or "compression"
	State, Present string
}

// Error shows both sides.
func (e *OtherOutputError) Error() string {
	return fmt.Sprintf("the state %s belongs to the %s %s, not to %s: take another state file for it, or the %s of the state",
		e.Path, e.What, quoted(e.State), quoted(e.Present), e.What)
}

// quoted makes an empty text visible.
func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
