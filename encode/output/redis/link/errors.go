package link

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/gomodule/redigo/redis"
)

// LoginError is a server that does not let us in.
type LoginError struct{ Err error }

// Error says what can be done.
func (e *LoginError) Error() string {
	return fmt.Sprintf("the server does not let us in: %v: name the user in the address, and give the password in PIKABIN_REDIS_PASSWORD or in the file of the option password-file", e.Err)
}

// Unwrap gives the cause.
func (e *LoginError) Unwrap() error { return e.Err }

// shutOut is a LoginError where the server has refused something that each connection begins with.
func shutOut(err error) error {
	if why, refused := asReply(err); refused && (!Passes(err) || IsAbout(why, "NOAUTH")) {
		return &LoginError{Err: err}
	}
	return err
}

// ClusterError is a server that has only a part of the keys, and has not said so when it was asked what it is.
type ClusterError struct{ Err error }

// Error says what can be done.
func (e *ClusterError) Error() string {
	return fmt.Sprintf("the server has only a part of the keys, as a node of a Redis Cluster has (%v), but its INFO names no cluster: "+
		"name a node itself, and nothing that is between", e.Err)
}

// Unwrap gives the cause.
func (e *ClusterError) Unwrap() error { return e.Err }

// LaterError is something that is over some time later, when the same is tried again.
type LaterError struct{ Why string }

// Error says what.
func (e *LaterError) Error() string { return e.Why }

// passing are the first words of errors that are over some time later, when the same is sent again.
var passing = []string{
	"LOADING", "OOM", "READONLY", "MASTERDOWN", "MISCONF", "NOREPLICAS", "NOGOODSLAVE", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "NOAUTH", "UNBLOCKED",
}

// Passes tells errors that are over some time later, when the same is sent again over a new connection.
func Passes(err error) bool {
	login := &LoginError{}
	cluster := &ClusterError{}
	if errors.As(err, &login) || errors.As(err, &cluster) || isTLS(err) {
		return false
	}
	if reply, ok := asReply(err); ok {
		return slices.Contains(passing, firstWord(reply)) || strings.Contains(string(reply), "max number of clients")
	}
	_, later := errors.AsType[*LaterError](err)
	network, ok := errors.AsType[net.Error](err)
	return later || ok && network != nil || isCut(err)
}

// isTLS tells errors of certificates, and of sides that do not both speak TLS.
func isTLS(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	op, alert := errors.AsType[*net.OpError](err)
	return certificate || record || alert && op.Op == "remote error"
}

// IsAbout tells whether an error that the server has said begins with one of some words.
func IsAbout(e redis.Error, words ...string) bool { return slices.Contains(words, firstWord(e)) }

// asReply is an error that the server has said.
func asReply(err error) (redis.Error, bool) { return errors.AsType[redis.Error](err) }

func firstWord(e redis.Error) string {
	word, _, _ := strings.Cut(string(e), " ")
	return word
}

// Judge says what an error reply to a command means: an error that ends the connection, because it passes or because nothing helps, or nil for one
// that is about this command alone.
func Judge(e redis.Error) error {
	switch {
	case isElsewhere(e):
		return &ClusterError{Err: e}
	case Passes(e):
		return e
	}
	return nil
}

// isElsewhere tells the answer of a server that has a part of the keys alone, to a command for others.
func isElsewhere(e redis.Error) bool { return IsAbout(e, "MOVED", "ASK", "CROSSSLOT") }

// isCut tells a connection that has ended.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
