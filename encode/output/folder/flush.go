package folder

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/sink"
)

// Flush syncs all that has been written. Parts that the clock says are old are completed by it.
func (f *folder) Flush(ctx context.Context, m sink.Moment) (note any, err error) {
	if f.whole() {
		return f.flushWhole(ctx, m)
	}
	err = f.writes.Flush(func() (func() error, error) {
		for _, p := range f.opened() {
			if m != sink.Passing || f.old(p) {
				f.finish(p)
			}
		}
		if err := f.endFrames(ctx); err != nil {
			return nil, err
		}
		f.sealNext()
		f.becomeReady(m)
		if len(f.complete) > 0 {
			f.shown++
		}
		note = f.noted()
		return f.syncing(), nil
	})
	return note, err
}

// opened are the parts that are open, in an order that does not change.
func (f *folder) opened() []*part {
	var parts []*part
	for _, key := range slices.Sorted(maps.Keys(f.open)) {
		parts = append(parts, f.open[key])
	}
	return parts
}

// noted is the note of all parts as they are.
func (f *folder) noted() folderNote {
	n := folderNote{Shown: f.shown, Left: slices.Clone(f.left), Given: maps.Clone(f.given), Ready: slices.Clone(f.ready)}
	for dir, w := range f.hours {
		if n.Hours == nil {
			n.Hours = map[string]int64{}
		}
		n.Hours[dir] = w.hour
	}
	for _, p := range f.opened() {
		n.Open = append(n.Open, p.noted())
	}
	for _, p := range f.complete {
		n.Complete = append(n.Complete, p.noted())
	}
	return n
}

// syncing gives what makes the parts durable as they are now, and sees that they are in their places.
func (f *folder) syncing() func() error {
	all := append(f.opened(), f.complete...)
	dirty := slices.DeleteFunc(slices.Clone(all), func(p *part) bool { return !p.Unsynced() })
	return func() error {
		if err := f.syncAll(dirty); err != nil {
			return err
		}
		return checkThere(all)
	}
}

// syncAll makes files and their names durable.
func (f *folder) syncAll(parts []*part) error {
	dirs := map[string]bool{}
	for _, p := range parts {
		if err := p.Sync(); err != nil {
			return err
		}
		if !p.named {
			dirs[filepath.Dir(p.Path())] = true
			p.named = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := f.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// endFrames ends the frame that is open in each part: what is after it would not be in the file.
func (f *folder) endFrames(ctx context.Context) error {
	for _, p := range append(f.opened(), f.complete...) {
		p.Mark()
		if err := p.EndFrame(ctx); err != nil {
			return errors.Join(err, p.Rewind())
		}
	}
	return nil
}

// checkThere looks for all parts in their places.
func checkThere(parts []*part) error {
	for _, p := range parts {
		if err := p.CheckThere(); err != nil {
			return err
		}
	}
	return nil
}

// Saved shows the parts that are complete by the note, and then says whose they are.
func (f *folder) Saved(ctx context.Context, note any) error {
	n := note.(folderNote)
	for _, p := range n.Complete {
		err := f.show(ctx, &p)
		shown := f.whole() && errors.Is(err, fs.ErrNotExist) // by somebody else
		if err != nil && !shown {
			return err
		}
		if err := f.forget(p.Name); err != nil {
			return err
		}
	}
	if len(n.Complete) > 0 && !f.whole() {
		if err := f.writeOwner(ctx, n.Shown); err != nil { // if it fails, the next run does
			return err
		}
	}
	return f.tellAll(ctx, n.Ready)
}

// forget closes a part that has been shown.
func (f *folder) forget(name string) error {
	f.writes.Lock()
	defer f.writes.Unlock()
	i := f.completed(name)
	if i < 0 {
		return nil
	}
	err := f.complete[i].Close()
	f.complete = slices.Delete(f.complete, i, i+1)
	wake(f.forgot)
	return err
}

// shownMarks is sink.Traits.Shown.
func (f *folder) shownMarks(marks map[*decode.Log]checkpoint.Mark) {
	for _, p := range append(f.opened(), f.complete...) {
		Unshown(marks, p.Name)
	}
}

// Unshown moves the mark of a log back to where a part of it begins that consumers do not see, given by its name.
func Unshown(marks map[*decode.Log]checkpoint.Mark, part string) {
	n, _ := ParsePartName(part)
	for log, m := range marks {
		if n.Series == Series(log) && (n.Epoch < m.Epoch || n.Epoch == m.Epoch && n.At.Before(m.Position)) {
			marks[log] = checkpoint.Mark{Position: n.At, Epoch: n.Epoch}
		}
	}
}

// completed is the place of a part among those that are complete and not shown; -1: it is none of them. The lock is held.
func (f *folder) completed(name string) int {
	return slices.IndexFunc(f.complete, func(p *part) bool { return p.Name == name })
}

// show publishes a part that is complete by the state.
func (f *folder) show(ctx context.Context, n *partNote) error {
	staged, err := f.staged(ctx, n)
	if err != nil {
		return err
	}
	return f.store.Publish(ctx, staged, n.Name)
}
