package folder

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
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
	n, writes := folderNote{}, f.writes
	var dirty []*part
	for _, key := range slices.Sorted(maps.Keys(f.open)) {
		n.Open = append(n.Open, f.open[key].noted())
		dirty = append(dirty, f.open[key])
	}
	for _, p := range f.complete {
		n.Complete = append(n.Complete, p.noted())
		dirty = append(dirty, p)
	}
	dirty = slices.DeleteFunc(dirty, func(p *part) bool { return !p.Unsynced() })
	f.mu.Unlock()
	err = f.syncAll(ctx, dirty)
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

// Kept shows the parts that are complete by the note.
func (f *folder) Kept(ctx context.Context, note any) error {
	for _, n := range note.(folderNote).Complete {
		if err := f.show(ctx, n); err != nil {
			return err
		}
		f.mu.Lock()
		i := slices.IndexFunc(f.complete, func(p *part) bool { return p.Name == n.Name })
		var err error
		if i >= 0 {
			err = f.complete[i].Close()
			f.complete = slices.Delete(f.complete, i, i+1)
		}
		f.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// show gives a part its name. It may have been done before a crash, and a consumer may have taken the part since.
func (f *folder) show(ctx context.Context, n partNote) error {
	from, to := f.path(hidden(n.Name)), f.path(n.Name)
	err := f.Retry(ctx, to, func() error { return f.Rename(from, to) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.SyncDir(filepath.Dir(to))
}
