package run

import (
	"fmt"
	"strings"

	"pikabin/encode/checkpoint"
)

// OtherLogError is a state that belongs to another log than the one to be read.
type OtherLogError struct {
	Path         string           // of the state
	State        checkpoint.State // what it holds
	Source, Logs []string         // what is to be read
	Err          error            // what of the log does not fit; nil: none of the state's logs is in the source
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
