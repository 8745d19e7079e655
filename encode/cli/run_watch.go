package cli

import (
	"context"

	"pikabin/decode"
	"pikabin/encode/health"
	"pikabin/encode/run"
)

// watch serves the health of the run, and shows it on a terminal when that is not the output.
func (f *following) watch(ctx context.Context) (err error) {
	w := run.Watch{Listen: f.Listen, Stalled: f.Stalled, Version: f.version, Console: f.console}
	if f.Output != "-" {
		w.Line = f.Progress
	}
	f.unwatch, err = w.Begin(ctx, f.options.Stats, f.statuses)
	return err
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
			Log: l.ID, From: f.starts[l.ID].from, End: l.Committed, Segments: len(l.Segments), Grew: l.Moved,
			Behind: func(from decode.Position) int64 { bytes, _ := l.Behind(from); return bytes },
			Older:  l.Older, Trouble: l.Trouble, TroubleSince: l.TroubleSince,
		}
	}
	return statuses
}
