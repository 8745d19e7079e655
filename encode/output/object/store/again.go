package store

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// How long it is waited before a store is asked once more, twice as long each time.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 15 * time.Second
)

// Again asks a store until it answers, so many times at most.
func Again(ctx context.Context, times int, ask func() error) error {
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		err := ask()
		if times--; err == nil || times <= 0 || lasts(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// lasts says that asking again gives the same error.
func lasts(err error) bool {
	_, refused := errors.AsType[*RefusedError](err)
	_, ours := errors.AsType[*fs.PathError](err)
	return refused || ours || errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrExists)
}
