package checkpoint

import (
	"fmt"
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
	Foreign  bool   // nothing in the file, nor a generation before it, shows that it ever was a state
}

// Error says what is wrong, what there is instead, and how to take it.
func (e *DamagedError) Error() string {
	if e.Foreign {
		return e.Path + " is no state of pikabin, and is left as it is: name another file for the state"
	}
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
