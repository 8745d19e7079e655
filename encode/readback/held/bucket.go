package held

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/places"
	"pikabin/encode/output/object/store"
	"pikabin/encode/vfs"
)

// UnreadError is a store, or a system of files, that did not give what an output holds: nothing is said of the output then.
type UnreadError struct{ Err error }

// Error says what was asked for, and what can be done.
func (e *UnreadError) Error() string { return fmt.Sprintf("reading the output back: %v", e.Err) }

// Unwrap gives the cause.
func (e *UnreadError) Unwrap() error { return e.Err }

// bucket is a prefix of a bucket, or a folder of HDFS. What is staged for a state that several hosts share is below another one.
type bucket struct{ store.Place }

func openBucket(kind *places.Kind, target string) (place, error) {
	t, err := kind.Parse(target)
	if err != nil {
		return nil, err
	}
	b, err := t.Open()
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

// open copies an object into a file without a name, since Parquet is read from its end.
func (b bucket) open(ctx context.Context, name string) (content, error) {
	f, err := vfs.Nameless("pikabin-object-*")
	if err != nil {
		return nil, err
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

// tries is how often a store is asked that does not answer.
const tries = 6

// again asks a store until it answers, or for a few times. The error is an *UnreadError.
func again(ctx context.Context, ask func() error) error {
	if err := store.Again(ctx, tries, ask); err != nil {
		return &UnreadError{err}
	}
	return nil
}
