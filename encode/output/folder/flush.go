package folder

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
)

// Flush syncs all that has been written. Parts that the clock says are old are completed by it.
func (f *folder) Flush(ctx context.Context, complete bool) (note any, writes int, err error) {
	f.mu.Lock()
	if err := f.err; err != nil {
		f.mu.Unlock()
		return nil, 0, err
	}
	for _, key := range slices.Sorted(maps.Keys(f.open)) {
		if p := f.open[key]; complete || f.old(p) {
			f.finish(p)
		}
	}
	if err := f.endFrames(ctx); err != nil {
		f.err = cmp.Or(f.err, err)
		f.mu.Unlock()
		return nil, 0, err
	}
	if len(f.complete) > 0 {
		f.shown++
	}
	n, writes := folderNote{Shown: f.shown}, f.writes
	var dirty []*part
	for _, key := range slices.Sorted(maps.Keys(f.open)) {
		n.Open = append(n.Open, f.open[key].noted())
		dirty = append(dirty, f.open[key])
	}
	for _, p := range f.complete {
		n.Complete = append(n.Complete, p.noted())
		dirty = append(dirty, p)
	}
	all := slices.Clone(dirty)
	dirty = slices.DeleteFunc(dirty, func(p *part) bool { return !p.Unsynced() })
	f.mu.Unlock()
	if err = f.syncAll(ctx, dirty); err == nil {
		err = checkThere(all)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = cmp.Or(f.err, err)
		return nil, 0, err
	}
	f.writes -= writes
	return n, writes, nil
}

// noted is the note of the part as it is.
func (p *part) noted() partNote {
	n := p.partNote
	n.End = p.Extent()
	return n
}

// syncAll makes files and their names durable.
func (f *folder) syncAll(ctx context.Context, parts []*part) error {
	dirs := map[string]bool{}
	for _, p := range parts {
		if err := p.Sync(ctx); err != nil {
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
	for _, p := range slices.Concat(slices.Collect(maps.Values(f.open)), f.complete) {
		p.mark()
		if err := p.end(ctx); err != nil {
			return errors.Join(err, p.rewind())
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

// Kept shows the parts that are complete by the note, and then says whose they are.
func (f *folder) Kept(ctx context.Context, note any) error {
	n := note.(folderNote)
	for _, p := range n.Complete {
		if err := f.show(ctx, p); err != nil {
			return err
		}
		if err := f.forget(p.Name); err != nil {
			return err
		}
	}
	if len(n.Complete) == 0 {
		return nil
	}
	return f.writeOwner(ctx, n.Shown) // if it fails, the next run does
}

// forget closes a part that has been shown.
func (f *folder) forget(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.complete, func(p *part) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	err := f.complete[i].Close()
	f.complete = slices.Delete(f.complete, i, i+1)
	return err
}

// show gives a part its name. After a crash it may have been done before, and a consumer may have taken the part since: then it is not there.
func (f *folder) show(ctx context.Context, n partNote) error {
	from, to := f.path(hidden(n.Name)), f.path(n.Name)
	err := f.Retry(ctx, to, func() error { return f.Rename(from, to) })
	if err != nil {
		return err
	}
	return f.SyncDir(filepath.Dir(to))
}
