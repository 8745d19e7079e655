package pikasim

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// fallocate makes the file at least begin+size bytes long, with room on the disk.
func fallocate(f *os.File, begin, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, begin, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return extend(f, begin+size)
	}
	return err
}
