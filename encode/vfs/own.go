package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// NotOwnError is something in the place of a file of this program that is none: a link, a pipe, a device, or a second name of another file.
type NotOwnError struct {
	Path string
	What string // "a symbolic link"
}

// Error names both.
func (e *NotOwnError) Error() string {
	return fmt.Sprintf("%s is %s, where this program keeps a file of its own: nothing is read or written through it", e.Path, e.What)
}

// OpenOwn opens a file that this program has made, or is about to make: a regular one, not through a link, and without waiting for a reader or writer of
// a pipe.
func OpenOwn(fsys FS, name string, flag int, perm fs.FileMode) (File, error) {
	file, err := fsys.OpenFile(name, flag|ownFlags, perm)
	if err != nil {
		return nil, explainLink(name, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &NotOwnError{Path: name, What: kindOf(info.Mode())}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// checkOwn refuses what is no regular file with one name.
func checkOwn(name string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return &NotOwnError{Path: name, What: kindOf(info.Mode())}
	case Links(info) > 1:
		return &NotOwnError{Path: name, What: "a hard link to another file"}
	}
	return nil
}

func kindOf(mode fs.FileMode) string {
	switch mode.Type() {
	case fs.ModeDir:
		return "a folder"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	case fs.ModeSymlink:
		return "a symbolic link"
	default:
		return "a device"
	}
}

// SameFile reports whether two files are one, of any of the file systems.
func SameFile(a, b fs.FileInfo) bool {
	if os.SameFile(a, b) {
		return true
	}
	x, ok := a.Sys().(interface{ IsNode() })
	y, okY := b.Sys().(interface{ IsNode() })
	return ok && okY && x == y
}
