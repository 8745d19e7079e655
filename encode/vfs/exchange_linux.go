package vfs

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Exchange is renameat2 with RENAME_EXCHANGE. Kernels and file systems that do not know it have three ways to say so.
func (OS) Exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		err = errors.ErrUnsupported
	}
	return &fs.PathError{Op: "exchange", Path: a, Err: err}
}
