//go:build unix

package vfs

import (
	"io/fs"
	"syscall"
)

// Owner is user and group of a file, 0 where the file system does not say.
func Owner(info fs.FileInfo) (uid, gid int) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), int(stat.Gid)
	}
	return 0, 0
}
