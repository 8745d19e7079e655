package held

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/s3"
	"pikabin/encode/output/object/store"
)

// UnreadError is a store that did not give what an output holds: nothing is said of the output then.
type UnreadError struct{ Err error }

// Error says what was asked for, and what can be done.
func (e *UnreadError) Error() string { return fmt.Sprintf("reading the output back: %v", e.Err) }

// Unwrap gives the cause.
func (e *UnreadError) Unwrap() error { return e.Err }

// bucket is a prefix of a bucket. What is staged for a state that several hosts share is below another one.
type bucket struct{ *s3.Bucket }

func openBucket(target string) (place, error) {
	t, err := s3.Parse(target)
	if err != nil {
		return nil, err
	}
	b, err := s3.Open(t)
	if err != nil {
		return nil, err
	}
	return bucket{b}, nil
}

func (b bucket) close() { b.Close() }

func (b bucket) names(ctx context.Context) (names []string, err error) {
	err = again(ctx, func() error { return b.Check(ctx) })
	if err != nil {
		return nil, err
	}
	err = again(ctx, func() error {
		names = names[:0]
		for name, err := range b.List(ctx) {
			if err != nil {
				return err
			}
			if inPartitions(name) {
				names = append(names, name)
			}
		}
		return nil
	})
	return names, err
}

// inPartitions says that all folders of a name are those of partitions.
func inPartitions(name string) bool {
	folders := strings.Split(name, "/")
	return !slices.ContainsFunc(folders[:len(folders)-1], func(f string) bool { return !folder.IsPartition(f) })
}

// open copies an object into a temporary file that loses its name at once, since Parquet is read from its end.
func (b bucket) open(ctx context.Context, name string) (content, error) {
	f, err := os.CreateTemp("", "pikabin-object-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil { // the descriptor keeps the bytes; a crash of this program leaves nothing over
		return nil, errors.Join(err, f.Close())
	}
	c := local{File: f}
	err = again(ctx, func() (err error) {
		c.size, err = b.Copy(ctx, name, f)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

// How often a store is asked that does not answer, and how long it is waited between two times, twice as long each time.
const (
	tries     = 6
	firstWait = 100 * time.Millisecond
)

// again asks a store until it answers, or for a few times. The error is an *UnreadError.
func again(ctx context.Context, ask func() error) error {
	for n, wait := 1, firstWait; ; n, wait = n+1, 2*wait {
		err := ask()
		if err == nil {
			return nil
		}
		if lasts(err) || n == tries {
			return &UnreadError{err}
		}
		select {
		case <-ctx.Done():
			return &UnreadError{err}
		case <-time.After(wait):
		}
	}
}

// lasts says that asking again gives the same error.
func lasts(err error) bool {
	_, refused := errors.AsType[*store.RefusedError](err)
	_, ours := errors.AsType[*fs.PathError](err)
	return refused || ours || errors.Is(err, fs.ErrNotExist)
}
