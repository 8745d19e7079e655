//go:build !unix

package vfs

import "io/fs"

const ownFlags = 0

func explainLink(_ string, err error) error { return err }

// Links is how many names a file has, 1 where the file system does not say.
func Links(fs.FileInfo) int { return 1 }
