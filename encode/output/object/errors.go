package object

import (
	"errors"
	"fmt"
)

// LostSpoolError is a spool that is not the one that the state is of: what waited in it to be sent would be missing in the bucket.
type LostSpoolError struct {
	Dir  string
	Text string // what is wrong with it
}

// Error says what can be done.
func (e *LostSpoolError) Error() string {
	return fmt.Sprintf("the spool %s is not the one of this state: %s; put it back, or name it by --%s; if it is lost, what it held has to be read again: "+
		"start with a new state, a new spool and a new prefix", e.Dir, e.Text, spoolDir)
}

// ChangedPartError is a part in the spool that somebody has changed after it was complete.
type ChangedPartError struct {
	Path string
	Text string // what it was, and what it is
}

// Error says what can be done.
func (e *ChangedPartError) Error() string {
	return fmt.Sprintf("%s was changed after it was complete (%s), and was not sent: put back what it was; if it is lost, what it held has to be read again: "+
		"start with a new state, a new spool and a new prefix", e.Path, e.Text)
}

// OtherWriterError is an object under the name of a part that holds something else.
type OtherWriterError struct{ Object string }

// Error says what can be done.
func (e *OtherWriterError) Error() string {
	return fmt.Sprintf("%s is there already, and is not what this run would write: another run writes below the same prefix, or an older state was put back; "+
		"end the other one, or start with a new prefix, a new state and a new spool; nothing was overwritten", e.Object)
}

// errSpoolFull says why the output takes nothing.
var errSpoolFull = errors.New("the spool is at its limit until something has been sent")
