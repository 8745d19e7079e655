// Package link is a server that is read over the network, and the connections to it: who may be read, how to log in, and the requests that are made.
package link

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// ErrTime is a server that takes too long.
var ErrTime = os.ErrDeadlineExceeded

// RefusedError is a server that cannot be read this way, or a mistake in how it was named. Trying again changes nothing.
type RefusedError struct{ Reason string }

// Error says why, and what to do.
func (e *RefusedError) Error() string { return e.Reason }

// Refuse makes a RefusedError.
func Refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// ConnError is a server that cannot be reached now.
type ConnError struct {
	Host string
	Err  error
}

// Error names the server.
func (e *ConnError) Error() string { return fmt.Sprintf("%s: %v", e.Host, e.Err) }

// Unwrap gives the cause.
func (e *ConnError) Unwrap() error { return e.Err }

// Timeout and Temporary make it a net.Error.
func (e *ConnError) Timeout() bool {
	var n net.Error
	return errors.As(e.Err, &n) && n.Timeout()
}

// Temporary is true: the server may come back.
func (*ConnError) Temporary() bool { return true }

var _ net.Error = (*ConnError)(nil)
