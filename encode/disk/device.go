package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Device is a stream into what cannot be cut, such as a device or a named pipe.
type Device struct{ file vfs.File }

// OpenDevice opens a device, or a pipe once somebody reads it. If the run is to end before that the error is a StoppedError.
func (d *Disk) OpenDevice(ctx context.Context, path string, mode fs.FileMode) (*Device, error) {
	if mode&fs.ModeNamedPipe == 0 {
		file, err := d.OpenFile(path, os.O_WRONLY, 0)
		return &Device{file}, err
	}
	file, err := d.openPipe(path)
	if hasNoReader(err) {
		d.monitor.Warn(fmt.Sprintf("nobody reads the pipe %s yet: waiting for a reader", path))
	}
	for wait := firstWait; hasNoReader(err); wait = min(2*wait, lastWait) {
		d.monitor.Waits(err)
		if !d.pause(ctx, wait) {
			return nil, &sink.StoppedError{Err: err}
		}
		file, err = d.openPipe(path)
	}
	d.monitor.Waits(nil)
	return &Device{file}, err
}

// openPipe opens a pipe without waiting for its reader, for writing alone: opened for both, it would not tell that there is none.
func (d *Disk) openPipe(path string) (vfs.File, error) {
	return d.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
}

func hasNoReader(err error) bool { return errors.Is(err, syscall.ENXIO) }

// Write implements sink.Sink. A batch is written before Write returns.
func (d *Device) Write(_ context.Context, b *sink.Batch, done func(error)) {
	_, err := d.file.Write(b.Data)
	b.Release()
	done(err)
}

// Close closes the file.
func (d *Device) Close(context.Context) error { return d.file.Close() }
