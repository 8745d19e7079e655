// Package disk is the disk that outputs write to. It waits for room, and has files that grow at their end and can be cut back.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Disk is where the files of a sink lie. It waits for room.
type Disk struct {
	vfs.FS
	monitor sink.Monitor
	stop    <-chan struct{}
}

// New gives the disk of an output.
func New(e *sink.Env) *Disk {
	d := &Disk{FS: e.Disk, monitor: e.Watched(), stop: e.Stop}
	if d.FS == nil {
		d.FS = vfs.OS{}
	}
	return d
}

// How long the waits for room are.
const (
	firstWait = 10 * time.Millisecond
	lastWait  = time.Second

	longestWait = time.Minute // for what is not of the disk
)

// Retry does something until there is room for it, the context ends, or the run is to stop: then the error is a FullError.
func (d *Disk) Retry(ctx context.Context, path string, do func() error) error {
	err := do()
	if !sink.IsFull(err) {
		return err
	}
	if !d.pause(ctx, 0) {
		return &sink.FullError{Path: path, Err: err}
	}
	d.monitor.Warn(fmt.Sprintf("no room for %s: waiting until there is; nothing is lost (%v)", path, err))
	for wait := firstWait; sink.IsFull(err); wait = min(2*wait, lastWait) {
		d.monitor.Waits(err)
		if !d.pause(ctx, wait) {
			return &sink.FullError{Path: path, Err: err}
		}
		err = do()
	}
	d.monitor.Waits(nil)
	if err == nil {
		d.monitor.Warn(fmt.Sprintf("there is room for %s again: continuing", path))
	}
	return err
}

// Persist does something that is not of this disk until it succeeds. done is false when the context ends or the run is to stop before that.
func (d *Disk) Persist(ctx context.Context, what string, do func() error) (done bool) {
	err := do()
	if err == nil {
		return true
	}
	d.monitor.Warn(fmt.Sprintf("%s: %v; trying again", what, err))
	for wait := lastWait; err != nil; wait = min(2*wait, longestWait) {
		d.monitor.Waits(err)
		if !d.pause(ctx, wait) {
			d.monitor.Warn(fmt.Sprintf("%s: %v; left to the next run", what, err))
			return false
		}
		err = do()
	}
	d.monitor.Waits(nil)
	d.monitor.Warn(what + ": done now")
	return true
}

// AwaitLock takes a lock that others hold for moments only, as soon as it is free.
func (d *Disk) AwaitLock(ctx context.Context, path string) (unlock func() error, err error) {
	unlock, err = d.Lock(path)
	for wait := firstWait; errors.Is(err, vfs.ErrLocked); wait = min(2*wait, lastWait) {
		if wait == lastWait {
			d.monitor.Waits(fmt.Errorf("%s: %w", path, err))
			defer d.monitor.Waits(nil)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		unlock, err = d.Lock(path)
	}
	return unlock, err
}

// pause waits, and reports false when there is nothing to wait for any more.
func (d *Disk) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-d.stop:
	}
	select {
	case <-d.stop:
		return false
	default:
		return ctx.Err() == nil
	}
}

// MakeDir makes a folder and those above it, and makes their names durable.
func (d *Disk) MakeDir(ctx context.Context, dir string) error {
	info, err := d.Stat(dir)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.MakeDir(ctx, filepath.Dir(dir)); err != nil {
		return err
	}
	err = d.Retry(ctx, dir, func() error { return d.Mkdir(dir, 0o777) }) // what the umask leaves, as for any output
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncDir(filepath.Dir(dir))
}
