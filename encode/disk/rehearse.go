package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Recognise refuses a file that is not the one that a note is of, as Reopen does, and changes nothing.
func (d *Disk) Recognise(path string, n Extent) error {
	file, err := d.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) && n.Length == 0 {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &sink.LostOutputError{Path: path, Want: n.Length, Have: -1}
	} else if err != nil {
		return err
	}
	_, err = (&File{disk: d, path: path, file: file}).recognise(n)
	return errors.Join(err, file.Close())
}

// WritableDir says why a folder cannot be written to, or be made with those above it, as MakeDir does.
func WritableDir(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		case !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir:
			return vfs.Writable(dir)
		}
		dir = filepath.Dir(dir)
	}
}
