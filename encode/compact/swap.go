package compact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"pikabin/encode/output/folder"
)

// swap puts the folder that was made in the place of the partition's, unless that has changed meanwhile. No run begins a part there at this moment.
func (r *run) swap(ctx context.Context, dir string, s *state) error {
	return folder.Undisturbed(ctx, r.Disk, r.Dir, func() error { return r.swapLocked(dir, s) })
}

func (r *run) swapLocked(dir string, s *state) error {
	now, err := r.list(dir)
	if err == nil && !same(now, s.files) {
		err = waits("its files have changed while they were merged")
	}
	if err != nil {
		return errors.Join(err, r.discard(r.made(dir)))
	}
	at := filepath.Join(r.Dir, dir)
	if err := r.Exchange(r.made(dir), at); err != nil {
		return r.cannot(err)
	}
	return r.settle(dir, at)
}

// settle makes durable that the folder that was made for a partition and another one have changed places, or that it has moved there.
func (r *run) settle(dir, at string) error {
	return cmp.Or(r.SyncDir(filepath.Dir(at)), r.SyncDir(filepath.Dir(r.made(dir))))
}

// cannot explains why two folders cannot be exchanged.
func (r *run) cannot(err error) error {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w: this system or this file system cannot exchange two folders at once, so that readers would find events twice or not at all", err)
	case errors.Is(err, syscall.EXDEV):
		return fmt.Errorf("%w: %s is on another file system: name a folder beside %s with --staging", err, r.Staging, r.Dir)
	}
	return err
}

// retire puts the parts of before where they are kept for a while.
func (r *run) retire(ctx context.Context, dir string) error {
	to := filepath.Join(r.Staging, oldName, strconv.FormatInt(r.began.Unix(), 10), dir)
	if err := r.MakeDir(ctx, filepath.Dir(to)); err != nil {
		return err
	}
	if _, err := r.Stat(to); err == nil { // of a run that began in the same second
		if err := r.discard(to); err != nil {
			return err
		}
	} else if !isGone(err) {
		return err
	}
	if err := r.Rename(r.made(dir), to); err != nil {
		return err
	}
	if err := r.settle(dir, to); err != nil {
		return err
	}
	if r.Keep > 0 {
		return nil
	}
	return r.discard(to)
}

// recover finishes what an earlier run has begun: a folder that was not exchanged goes, and the parts of before are kept for a while.
func (r *run) recover(ctx context.Context) error {
	dirs, err := r.partitions(r.made(""), "")
	if isGone(err) {
		return nil
	}
	for i := 0; i < len(dirs) && err == nil; i++ {
		err = r.recoverOne(ctx, dirs[i])
	}
	return err
}

func (r *run) recoverOne(ctx context.Context, dir string) error {
	at := filepath.Join(r.Dir, dir)
	staged, err := r.level(r.made(dir))
	if err != nil {
		return err
	}
	there, err := r.level(at)
	if isGone(err) || err == nil && staged > there {
		return r.discard(r.made(dir))
	}
	if err != nil {
		return err
	}
	if err := r.settle(dir, at); err != nil {
		return err
	}
	return r.retire(ctx, dir)
}

// level is how often the parts of a folder were merged at most.
func (r *run) level(dir string) (level int, err error) {
	entries, err := r.ReadDir(dir)
	for _, e := range entries {
		n, _ := folder.ParsePartName(e.Name())
		level = max(level, n.Merged)
	}
	return level, err
}

// clean removes the parts of before that were kept long enough.
func (r *run) clean() error {
	old := filepath.Join(r.Staging, oldName)
	entries, err := r.ReadDir(old)
	if isGone(err) {
		return nil
	}
	for _, e := range entries {
		unix, errName := strconv.ParseInt(e.Name(), 10, 64)
		if errName != nil || r.began.Sub(time.Unix(unix, 0)) < r.Keep {
			continue
		}
		err = errors.Join(err, r.discard(filepath.Join(old, e.Name())))
	}
	return err
}

// discard removes a folder of the staging folder, with all that is in it.
func (r *run) discard(dir string) error {
	entries, err := r.ReadDir(dir)
	if isGone(err) {
		return nil
	}
	for i := 0; i < len(entries) && err == nil; i++ {
		path := filepath.Join(dir, entries[i].Name())
		if entries[i].IsDir() {
			err = r.discard(path)
		} else {
			err = r.Remove(path)
		}
	}
	if err != nil {
		return err
	}
	return r.Remove(dir)
}
