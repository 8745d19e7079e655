//go:build !unix

package vfs

import "io/fs"

// Owner knows nothing where files have no such owner.
func Owner(fs.FileInfo) (uid, gid int) { return 0, 0 }
