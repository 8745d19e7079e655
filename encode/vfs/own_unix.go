//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"syscall"
)

// ownFlags open no link, and do not wait for the other end of a pipe.
const ownFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// explainLink says of a link, or of a pipe that nobody reads, what it is.
func explainLink(name string, err error) error {
	switch {
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EMLINK): // the second one is what the BSDs say
		return &NotOwnError{Path: name, What: "a symbolic link"}
	case errors.Is(err, syscall.ENXIO):
		return &NotOwnError{Path: name, What: "a named pipe or a socket"}
	}
	return err
}

// Links is how many names a file has, 1 where the file system does not say.
func Links(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Nlink)
	}
	return 1
}
