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
	Warn  func(text string)
	Waits func(why error)
	stop  <-chan struct{}
}

// New gives the disk of an output.
func New(o *sink.Options) *Disk {
	d := &Disk{FS: o.Disk, Warn: o.Warn, Waits: o.Waits, stop: o.Stop}
	if d.FS == nil {
		d.FS = vfs.OS{}
	}
	if d.Warn == nil {
		d.Warn = func(string) {}
	}
	if d.Waits == nil {
		d.Waits = func(error) {}
	}
	return d
}

// How long the waits for room are.
const (
	firstWait = 10 * time.Millisecond
	lastWait  = time.Second
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
	d.Warn(fmt.Sprintf("no room for %s: waiting until there is; nothing is lost (%v)", path, err))
	for wait := firstWait; sink.IsFull(err); wait = min(2*wait, lastWait) {
		d.Waits(err)
		if !d.pause(ctx, wait) {
			return &sink.FullError{Path: path, Err: err}
		}
		err = do()
	}
	d.Waits(nil)
	if err == nil {
		d.Warn(fmt.Sprintf("there is room for %s again: going on", path))
	}
	return err
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
