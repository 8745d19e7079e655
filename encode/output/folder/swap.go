package folder

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// The parts of a partition that gets no more of them are merged by package compact, also beside a run: it exchanges the folder of the partition for one
// that has fewer parts, with the same events. A folder with a staged file, which a run is to show, is left as it is. So that a run does not begin one in a
// folder that is exchanged at this moment, both take a lock, which is held for moments only.

// swapLockName is the file of that lock.
const swapLockName = ".pikabin.swap"

// Undisturbed does something under the lock, while the folders of partitions stay what they are: no run begins a file in one where none is staged, and none
// is exchanged. dir is the folder that the partitions are in.
func Undisturbed(ctx context.Context, d *disk.Disk, dir string, do func() error) error {
	unlock, err := d.AwaitLock(ctx, filepath.Join(dir, swapLockName))
	if err != nil {
		return err
	}
	return errors.Join(do(), unlock())
}

// undisturbed is Undisturbed where there are partitions.
func (f *folder) undisturbed(ctx context.Context, do func() error) error {
	if f.zone == nil {
		return do()
	}
	return Undisturbed(ctx, f.Disk, f.dir, do)
}

// stage makes the file of a part.
func (f *folder) stage(ctx context.Context, path string) (g *disk.File, err error) {
	err = f.undisturbed(ctx, func() error {
		if err := f.MakeDir(ctx, filepath.Dir(path)); err != nil {
			return err
		}
		g, err = f.CreateOwn(ctx, path)
		return err
	})
	return g, err
}

// refuseMerged does not let a run without a state write a log once more where its parts have been merged: theirs would have other names, and be there
// beside them.
func (f *folder) refuseMerged() error {
	return Walk(f.Disk, f.dir, func(path string) error {
		if n, ok := ParsePartName(path); ok && n.Merged > 0 {
			return &sink.TargetError{Err: fmt.Errorf("%s has been merged of the parts of an earlier run, whose events would be there twice: move the parts away, or name another folder", path)}
		}
		return nil
	})
}

// IsStaged tells whether a file is a part that a run is writing, or is to show, by its name.
func IsStaged(name string) bool { return hiddenPattern.MatchString(filepath.Base(name)) }
