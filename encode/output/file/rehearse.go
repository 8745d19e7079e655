package file

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"pikabin/decode/units"
	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Rehearse implements sink.Rehearser.
func (o output) Rehearse(_ context.Context, e sink.Env) (sink.Rehearsal, error) {
	d, path := disk.New(&e), string(o)
	how, info, err := o.plan(d, &e)
	if err != nil {
		return sink.Rehearsal{}, err
	}
	if info != nil && info.IsDir() {
		return sink.Rehearsal{}, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	if info == nil {
		if _, err := d.Stat(filepath.Dir(path)); err != nil {
			return sink.Rehearsal{}, err
		}
	}
	text := "would be made"
	switch {
	case how == asDevice:
		text = "would be appended to"
	case how == continued:
		n, err := noteOf(&e, path)
		if err == nil {
			err = d.Recognise(path, n.Extent)
		}
		if err != nil {
			return sink.Rehearsal{}, err
		}
		text = fmt.Sprintf("would be continued at byte %d", n.Length)
	case info != nil:
		text = fmt.Sprintf("is there with %s, and would be overwritten", units.FormatSize(info.Size()))
	}
	return sink.Rehearsal{Text: text}, vfs.Writable(path)
}
