package follow

import (
	"context"
	"errors"
	"time"
)

// OpenAt is Open with a clock of the test's, which says when a wait is over.
func OpenAt(ctx context.Context, paths []string, o Options, now func() time.Time, wait func(context.Context, time.Duration) error) (*Tail, error) {
	t, err := open(ctx, paths, o, now)
	if err == nil {
		t.wait = wait
	}
	return t, err
}

// Woken reports whether a tail that waits for an hour is woken by what do does.
func Woken(ctx context.Context, paths []string, do func() error) (bool, error) {
	t, err := Open(ctx, paths, Options{})
	if err != nil {
		return false, err
	}
	err = errors.Join(do(), t.sleep(ctx, time.Hour))
	return t.pace.woken, errors.Join(err, t.Close())
}
