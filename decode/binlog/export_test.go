package binlog

import (
	"context"
	"time"
)

// OpenTailAt is OpenTail with a clock of the test's, which says when a wait is over.
func OpenTailAt(ctx context.Context, paths []string, o TailOptions, now func() time.Time, wait func(context.Context, time.Duration) error) (*Tail, error) {
	t, err := openTail(ctx, paths, o, now)
	if err == nil {
		t.wait = wait
	}
	return t, err
}
