//go:build !unix

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Writable says why a file cannot be written, or, where it is not there, not be made in its folder, as far as that is known here.
func Writable(path string) error {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(path))
	}
	return err
}
