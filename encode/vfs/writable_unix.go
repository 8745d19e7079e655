//go:build unix

package vfs

import (
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Writable says why a file cannot be written, or, where it is not there, not be made in its folder. Nothing is touched: what only writing
// finds out, such as a full disk, is not found out.
func Writable(path string) error {
	err := unix.Access(path, unix.W_OK)
	if err == unix.ENOENT {
		path = filepath.Dir(path)
		err = unix.Access(path, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return &fs.PathError{Op: "writing", Path: path, Err: err}
	}
	return nil
}
