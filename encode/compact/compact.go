// Package compact makes few files of many: it merges the parts of each partition that gets no more of them, and puts the folder with the merged ones in the
// place of the partition's folder, at once. Who lists the partition finds the parts of before or those of after, and each event once in both.
//
// What is made is made in a staging folder beside the table, since readers of a table look into all folders below it, whatever their names are. There is
//
//	new/db=db0/dt=2025-06-01/hr=12      the folder that is made and then exchanged; after that it holds the parts of before
//	old/1764236400/db=db0/...           parts of before, by the second at which their run began, until they are removed
//
// A crash leaves a folder in new that was not exchanged yet, or was. The names tell: a merged part says how often its events were merged, and is merged more
// often than all that it was made of.
package compact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Options say what is merged.
type Options struct {
	Dir     string // that the partitions are in
	Staging string // a folder on the same file system, and not in Dir; Copy needs none

	OlderThan time.Duration // partitions of which a part is younger are left alone
	Target    int64         // bytes of parts that become one
	Keep      time.Duration // how long the parts of before stay in the staging folder; Copy leaves them where they are
	DryRun    bool          // change nothing, and tell what would be done

	Workers int    // that make a Parquet file at the same time
	Version string // of this program

	Disk vfs.FS                 // nil: that of the machine
	Now  func() time.Time       // nil: the clock of the machine
	Tell func(p *Outcome) error // of each partition with parts, once it is done; an error ends the run
	Warn func(text string)      // of what is no matter of one partition
}

// run is one run of it.
type run struct {
	Options
	*disk.Disk
	began time.Time
}

func newRun(o Options) *run {
	env := sink.Env{Disk: o.Disk}
	env.Monitor = monitor{env.Watched(), o.Warn}
	r := &run{Options: o, Disk: disk.New(&env)}
	if r.Now == nil {
		r.Now = time.Now
	}
	r.began = r.Now()
	return r
}

// monitor has the disk tell the user what it waits for.
type monitor struct {
	sink.Monitor
	warn func(text string)
}

// Warn implements sink.Monitor.
func (m monitor) Warn(text string) { m.warn(text) }

// Run merges the parts of all partitions. What cannot be merged is told, and left as it is.
func Run(ctx context.Context, o Options) error {
	r := newRun(o)
	if err := r.checkStaging(); err != nil {
		return err
	}
	dirs, err := r.partitions(r.Dir, "")
	if err != nil {
		return err
	}
	if r.DryRun {
		return r.each(ctx, dirs, r.plan)
	}
	unlock, err := r.begin(ctx)
	if err != nil {
		return err
	}
	if err = r.each(ctx, dirs, r.merge); err == nil {
		err = r.discard(r.made("")) // which has empty folders
	}
	return errors.Join(err, unlock())
}

// each does something for each partition, and tells what came of it.
func (r *run) each(ctx context.Context, dirs []string, do func(context.Context, *Outcome) error) error {
	for _, dir := range dirs {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		p := &Outcome{Dir: dir}
		err := do(ctx, p)
		if why, ok := errors.AsType[*leftError](err); ok {
			p.Why, p.Waits, err = why.err, why.waits, nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(r.Dir, dir), err)
		}
		if p.Parts == 0 && p.Why == nil {
			continue
		}
		if err := r.Tell(p); err != nil {
			return err
		}
	}
	return nil
}

// checkStaging refuses a staging folder that is not of compact alone, which removes what it finds there.
func (r *run) checkStaging() error {
	entries, err := r.ReadDir(r.Staging)
	if isGone(err) {
		return nil
	}
	locked := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == lockName })
	for _, e := range entries {
		ours := e.Name() == lockName || locked && e.IsDir() && (e.Name() == newName || e.Name() == oldName)
		if !ours {
			return fmt.Errorf("%s is not compact's: a staging folder has to be new, empty, or of an earlier compact", filepath.Join(r.Staging, e.Name()))
		}
	}
	return err
}

// begin makes the staging folder ready, which one run uses at a time.
func (r *run) begin(ctx context.Context) (unlock func() error, err error) {
	if err := r.MakeDir(ctx, r.Staging); err != nil {
		return nil, err
	}
	unlock, err = r.Lock(filepath.Join(r.Staging, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%s is being used by another compact", r.Staging)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.recover(ctx), r.clean()); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// What is in the staging folder.
const (
	lockName = ".pikabin.lock"
	newName  = "new"
	oldName  = "old"
)

// merge merges the parts of a partition, if that gives fewer.
func (r *run) merge(ctx context.Context, p *Outcome) error {
	there, err := r.look(p)
	if err != nil || p.Parts == p.Merged {
		return err
	}
	if err := r.make(ctx, p, there); err != nil {
		return errors.Join(err, r.discard(r.made(p.Dir)))
	}
	if err := r.swap(ctx, p.Dir, there); err != nil {
		return err
	}
	return r.retire(ctx, p.Dir)
}

// plan only tells what merge would do.
func (r *run) plan(_ context.Context, p *Outcome) error {
	_, err := r.look(p)
	return err
}

// made is where the folder of a partition is made.
func (r *run) made(dir string) string { return filepath.Join(r.Staging, newName, dir) }

// Outcome is what became of a partition.
type Outcome struct {
	Dir    string // in the folder of all
	Parts  int    // of before; of Copy those that were not copied before
	Bytes  int64  // of them
	Merged int    // parts of after, or objects
	After  int64  // bytes of them; of a plan 0

	Why   error // it was left as it is; nil: it was not
	Waits bool  // and will be merged at a later time
}

// leftError says why a partition is left as it is.
type leftError struct {
	err   error
	waits bool
}

// Error says why.
func (e *leftError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *leftError) Unwrap() error { return e.err }

// left makes an error that ends the work on a partition, and not the run.
func left(format string, args ...any) error { return &leftError{err: fmt.Errorf(format, args...)} }

// waits is left for what passes.
func waits(format string, args ...any) error {
	return &leftError{err: fmt.Errorf(format, args...), waits: true}
}

// isGone reports whether an error says that something is not there.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
