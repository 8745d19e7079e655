package vfs

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Exchange is renamex_np with RENAME_SWAP.
func (OS) Exchange(a, b string) error {
	err := unix.RenamexNp(a, b, unix.RENAME_SWAP)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP):
		err = errors.ErrUnsupported
	}
	return &fs.PathError{Op: "exchange", Path: a, Err: err}
}
