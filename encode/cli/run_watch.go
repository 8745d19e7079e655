package cli

import (
	"context"
	"fmt"
	"sync"

	"pikabin/decode"
	"pikabin/decode/inspect"
	"pikabin/encode/console"
	"pikabin/encode/health"
)

// watch serves the health of the run, and shows it on a terminal when that is not the output.
func (f *following) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	m := health.New(health.Options{
		Stats: f.options.Stats, Source: f.statuses, Stalled: f.Stalled, Version: f.version, Size: inspect.FormatSize,
	})
	var wg sync.WaitGroup
	if f.Listen != "" {
		l, err := health.Listen(ctx, f.Listen)
		if err != nil {
			cancel()
			return usageError{err}
		}
		f.console.Info(fmt.Sprintf("serving /metrics and /healthz on %s", l.Addr()))
		wg.Go(func() {
			if err := health.Serve(ctx, l, m); err != nil {
				f.console.Warn(err.Error())
			}
		})
	}
	var line *console.Status
	if f.Output != "-" {
		line = f.console.Status(f.Progress)
	}
	if line != nil {
		wg.Go(func() { m.Watch(ctx, line.Show) })
	}
	f.unwatch = func() {
		cancel()
		wg.Wait()
		line.Finish()
	}
	return nil
}

// statuses are the logs as they are on the disk. Where one cannot be looked at now it is as it was.
func (f *following) statuses() []health.LogStatus {
	f.mu.Lock()
	tail := f.tail
	f.mu.Unlock()
	if tail == nil {
		return nil
	}
	list, _ := tail.Status()
	statuses := make([]health.LogStatus, len(list))
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, l := range list {
		statuses[i] = health.LogStatus{
			Log: l.ID, From: f.starts[l.ID].from, End: l.Committed, Oldest: l.Oldest, Segments: len(l.Segments), Grew: l.Moved,
			Behind: func(from decode.Position) int64 { bytes, _ := l.Behind(from); return bytes },
		}
	}
	return statuses
}
