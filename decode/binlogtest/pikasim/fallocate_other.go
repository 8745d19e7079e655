//go:build unix && !linux

package pikasim

import "os"

// fallocate makes the file at least begin+size bytes long. Here it is sparse.
func fallocate(f *os.File, begin, size int64) error { return extend(f, begin+size) }
