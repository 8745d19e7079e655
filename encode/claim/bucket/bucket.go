// Package bucket keeps a state as an object of a bucket that knows conditional writes.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"pikabin/encode/claim"
	"pikabin/encode/output/object/s3"
	"pikabin/encode/output/object/store"
)

// Store is one object.
type Store struct {
	bucket *s3.Bucket
	name   string

	mu     sync.Mutex
	proven bool // the server keeps to conditions
}

var _ claim.Store = (*Store)(nil)

// IsAddress tells whether a state is kept in a bucket.
func IsAddress(state string) bool { return strings.HasPrefix(state, s3.Scheme) }

// Open makes a store of s3://BUCKET/PATH/NAME?option=value, with the options of outputs to a bucket. Nothing is sent yet.
func Open(address string) (*Store, error) {
	place, options, _ := strings.Cut(address, "?")
	cut := strings.LastIndex(place, "/") + 1
	name := place[cut:]
	if name == "" || cut <= len(s3.Scheme) {
		return nil, fmt.Errorf("it names no object: expected %sBUCKET/PATH/NAME", s3.Scheme)
	}
	target, err := s3.Parse(place[:cut] + "?" + options)
	if err != nil {
		return nil, err
	}
	if target.Checked {
		return nil, errors.New("a state needs conditional writes: the option conditional=off is for outputs")
	}
	bucket, err := s3.Open(target)
	return &Store{bucket: bucket, name: name}, err
}

// Close lets go of the connections.
func (s *Store) Close() { s.bucket.Close() }

// Load implements claim.Store.
func (s *Store) Load(ctx context.Context) ([]byte, string, error) {
	value, version, err := s.bucket.Read(ctx, s.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	return value, version, refused(err)
}

// Swap implements claim.Store.
func (s *Store) Swap(ctx context.Context, version string, value []byte) (string, error) {
	if err := s.prove(ctx); err != nil {
		return "", err
	}
	next, err := s.bucket.Replace(ctx, s.name, version, value)
	if isConflict(err) {
		return "", claim.ErrConflict
	}
	return next, refused(err)
}

// isConflict tells that the object was replaced, made or removed by somebody else.
func isConflict(err error) bool {
	return errors.Is(err, store.ErrExists) || errors.Is(err, fs.ErrNotExist)
}

// refused makes a refusal of a claim of one of the bucket.
func refused(err error) error {
	if e, ok := errors.AsType[*store.RefusedError](err); ok {
		return &claim.RefusedError{Err: e.Err, Advice: e.Advice}
	}
	return err
}

// errNoConditions is a server that writes whatever the conditions are.
var errNoConditions = errors.New("the server overwrites objects in spite of If-None-Match or If-Match")

// prove finds out, once, whether the server keeps to conditions, by an object beside the state: two hosts would take the state from each other
// again and again without them.
func (s *Store) prove(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proven {
		return nil
	}
	probe := s.name + ".probe"
	if _, err := s.bucket.Replace(ctx, probe, "", []byte("{}\n")); err != nil && !isConflict(err) {
		return refused(err)
	}
	for _, version := range []string{"", "00000000000000000000000000000000"} {
		_, err := s.bucket.Replace(ctx, probe, version, []byte("{}\n"))
		if err == nil {
			return &claim.RefusedError{Err: errNoConditions, Advice: "keep the state in etcd, or in a bucket of a server that knows conditional writes"}
		}
		if !isConflict(err) {
			return refused(err)
		}
	}
	s.proven = true
	return nil
}
