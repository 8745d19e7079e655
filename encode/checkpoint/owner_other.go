//go:build !unix

package checkpoint

import "io/fs"

// owner knows nothing where files have no such owner.
func owner(fs.FileInfo) (uid, gid int) { return 0, 0 }
