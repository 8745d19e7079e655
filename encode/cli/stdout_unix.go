//go:build unix

package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// standardOutput is standard output, or what refuses to be written to if the caller has closed it. Go's runtime opens the null device in the place of
// a closed descriptor, for reading and writing, before anything else of the program runs. A shell's ">/dev/null" is for writing alone.
func standardOutput(w io.Writer) io.Writer {
	file, ok := w.(*os.File)
	if !ok {
		return w
	}
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDWR || !isNull(file) {
		return w
	}
	return closed{}
}

func isNull(file *os.File) bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && os.SameFile(info, null)
}

// closed is an output that was closed before the program began.
type closed struct{}

// Write fails as the system would.
func (closed) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: unix.EBADF}
}
