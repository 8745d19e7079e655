package encode

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"pikabin/encode/vfs"
)

// disk is where the files of a sink lie. It waits for room.
type disk struct {
	vfs.FS
	warn  func(text string)
	waits func(why error)
	stop  <-chan struct{}
}

func newDisk(o *SinkOptions) *disk {
	d := &disk{FS: o.Disk, warn: o.Warn, waits: o.Waits, stop: o.Stop}
	if d.FS == nil {
		d.FS = vfs.OS{}
	}
	if d.warn == nil {
		d.warn = func(string) {}
	}
	if d.waits == nil {
		d.waits = func(error) {}
	}
	return d
}

// isFull tells an error that goes away when somebody makes room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// How long the waits for room are.
const (
	firstWait = 10 * time.Millisecond
	lastWait  = time.Second
)

// FullError is what still had no room when the run was told to end. What was delivered before is whole.
type FullError struct {
	Path string
	Err  error
}

// Error says what there was no room for.
func (e *FullError) Error() string {
	why := e.Err
	if errno, ok := errors.AsType[syscall.Errno](why); ok {
		why = errno // the rest of it is the path once more
	}
	return fmt.Sprintf("there was no room for %s up to the end (%v)", e.Path, why)
}

// Unwrap gives the cause.
func (e *FullError) Unwrap() error { return e.Err }

// endedFull tells an error that only says that there was no room up to the end.
func endedFull(err error) bool {
	_, ok := errors.AsType[*FullError](err)
	return ok
}

// retry does something until there is room for it, the context ends, or the run is to stop: then the error is a FullError.
func (d *disk) retry(ctx context.Context, path string, do func() error) error {
	err := do()
	if !isFull(err) {
		return err
	}
	if !d.pause(ctx, 0) {
		return &FullError{Path: path, Err: err}
	}
	d.warn(fmt.Sprintf("no room for %s: waiting until there is; nothing is lost (%v)", path, err))
	for wait := firstWait; isFull(err); wait = min(2*wait, lastWait) {
		d.waits(err)
		if !d.pause(ctx, wait) {
			return &FullError{Path: path, Err: err}
		}
		err = do()
	}
	d.waits(nil)
	if err == nil {
		d.warn(fmt.Sprintf("there is room for %s again: going on", path))
	}
	return err
}

// pause waits, and reports false when there is nothing to wait for any more.
func (d *disk) pause(ctx context.Context, wait time.Duration) bool {
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

// makeDir makes a folder and those above it, and makes their names durable.
func (d *disk) makeDir(ctx context.Context, dir string) error {
	info, err := d.Stat(dir)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.makeDir(ctx, filepath.Dir(dir)); err != nil {
		return err
	}
	err = d.retry(ctx, dir, func() error { return d.Mkdir(dir, 0o777) }) // what the umask leaves, as for any output
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncDir(filepath.Dir(dir))
}

// growing is a file that is written at its end.
type growing struct {
	disk   *disk
	file   vfs.File
	path   string
	length int64
	last   []byte // the bytes before length, up to growingFence of them
	dirty  bool   // there is more than was synced
	named  bool   // its name is durable

	begun     int64  // length at the last begin
	begunLast []byte // last, then
}

// growingFence is how many bytes before its end a file is recognised by.
const growingFence = 4096

// extentNote is how far a file had been written, and how to recognise it.
type extentNote struct {
	Length int64  `json:"length"`
	Sum    string `json:"sum,omitempty"` // of the bytes before length
}

func (g *growing) note() extentNote {
	if g.length == 0 {
		return extentNote{}
	}
	return extentNote{Length: g.length, Sum: sumOf(g.last)}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// create makes a file, or makes it empty.
func (d *disk) create(ctx context.Context, path string) (*growing, error) {
	g := &growing{disk: d, path: path}
	err := d.retry(ctx, path, func() (err error) {
		// For writing alone: opened for both, a named pipe would not wait for its reader, nor say that it is gone.
		g.file, err = d.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o666)
		return err
	})
	return g, err
}

// LostOutputError is an output that is not what the state says was written.
type LostOutputError struct {
	Path string
	Want int64  // bytes
	Have int64  // bytes; -1: the file is not there
	Text string // more about it
}

// Error says both sides, and what can be done.
func (e *LostOutputError) Error() string {
	have := fmt.Sprintf("it has %d", e.Have)
	if e.Have < 0 {
		have = "it is not there"
	}
	return fmt.Sprintf("output %s is not the one that the state is of: %d bytes had been written, %s%s; "+
		"put it back, or begin with a new output and a new state", e.Path, e.Want, have, e.Text)
}

// reopen goes on with a file where a note says that it ended: what is behind was never acknowledged, and is cut off.
func (d *disk) reopen(ctx context.Context, path string, n extentNote) (*growing, error) {
	file, err := d.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if n.Length == 0 {
			return d.create(ctx, path)
		}
		return nil, &LostOutputError{Path: path, Want: n.Length, Have: -1}
	}
	if err != nil {
		return nil, err
	}
	g := &growing{disk: d, path: path, file: file, length: n.Length, named: true}
	if err := g.cut(n); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return g, nil
}

func (g *growing) cut(n extentNote) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < n.Length {
		return &LostOutputError{Path: g.path, Want: n.Length, Have: info.Size()}
	}
	g.last = make([]byte, min(n.Length, growingFence))
	if _, err := g.file.ReadAt(g.last, n.Length-int64(len(g.last))); err != nil {
		return err
	}
	if n.Length > 0 && sumOf(g.last) != n.Sum {
		return &LostOutputError{Path: g.path, Want: n.Length, Have: info.Size(), Text: ", and others than these"}
	}
	if info.Size() == n.Length {
		return nil
	}
	return g.file.Truncate(n.Length)
}

// write appends all of the data, as soon as there is room for it.
func (g *growing) write(ctx context.Context, data []byte) error {
	left := data
	g.dirty = true
	err := g.disk.retry(ctx, g.path, func() error {
		n, err := g.file.Write(left)
		left = left[n:]
		g.length += int64(n)
		return err
	})
	written := data[:len(data)-len(left)]
	g.last = append(g.last, written[max(0, len(written)-growingFence):]...)
	if extra := len(g.last) - growingFence; extra > 0 {
		g.last = append(g.last[:0], g.last[extra:]...)
	}
	return err
}

// begin notes where the next batch begins.
func (g *growing) begin() {
	g.begun, g.begunLast = g.length, append(g.begunLast[:0], g.last...)
}

// back cuts off what was written behind the last begin.
func (g *growing) back() error {
	g.length, g.last = g.begun, append(g.last[:0], g.begunLast...)
	return g.file.Truncate(g.length)
}

// sync makes durable what was written before.
func (g *growing) sync(ctx context.Context) error {
	return g.disk.retry(ctx, g.path, g.file.Sync)
}
