// Package store is what an object store has to be able to do so that parts can be delivered to it exactly once, and nothing else. Each
// kind of store is a package beside this one with a type that meets Store.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Store is a place for whole objects, each with a name below one prefix.
//
// An error that wraps ErrExists, fs.ErrNotExist or is a *RefusedError says what it is; any other one may pass, and the same call is
// made again. A call that has failed may have done what it was to do all the same.
type Store interface {
	fmt.Stringer // the name for users, which ends in a slash

	// Check fails where objects cannot be written or listed.
	Check(ctx context.Context) error

	// Put makes an object, whole or not at all, unless one of that name is there: then the error wraps ErrExists. What arrives is
	// compared with the checksum of the blob by the store.
	Put(ctx context.Context, name string, b *Blob) error

	// Head tells of an object, or fails with fs.ErrNotExist.
	Head(ctx context.Context, name string) (Info, error)

	// List gives the names below the prefix, sorted as bytes.
	List(ctx context.Context) iter.Seq2[string, error]

	// Close lets go of what was opened. Nothing is under way then.
	Close()

	// Abort removes what an earlier run has left of unfinished objects, if the name is one of ours.
	Abort(ctx context.Context, ours func(name string) bool) error
}

// Blob is what becomes an object.
type Blob struct {
	Content io.ReaderAt
	Size    int64
	SHA256  [32]byte          // of the content
	Type    string            // content type
	Meta    map[string]string // told of the object by Head; names in lower case
}

// MetaSum is what the object of a part tells of its content: its SHA-256, in hexadecimal digits.
const MetaSum = "pikabin-sha256"

// Info is what a store tells of an object.
type Info struct {
	Size int64
	Meta map[string]string // names in lower case
}

// ErrExists says that there is an object of the name already.
var ErrExists = errors.New("the object is there already")

// RefusedError is an answer that does not change by asking again: somebody has to do something about it.
type RefusedError struct {
	Err    error
	Advice string // what
}

// Error says what was answered, and what can be done.
func (e *RefusedError) Error() string { return fmt.Sprintf("%v; %s", e.Err, e.Advice) }

// Unwrap gives the cause.
func (e *RefusedError) Unwrap() error { return e.Err }
