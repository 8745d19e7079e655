//go:build !linux && !darwin

package vfs

import (
	"errors"
	"io/fs"
)

// Exchange is not known here.
func (OS) Exchange(a, _ string) error {
	return &fs.PathError{Op: "exchange", Path: a, Err: errors.ErrUnsupported}
}
