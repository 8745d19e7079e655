//go:build unix

package shell

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Events is standard output for events, or what refuses them if the caller has closed it: a state would count them as delivered. Go's runtime
// opens the null device in the place of a closed descriptor, for reading and writing, before anything else of the program runs. A shell's
// ">/dev/null" is for writing alone. Other programs open it as the runtime does, so reports, of which no state tells, may be written there.
func Events(w io.Writer) io.Writer {
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

// Write says so.
func (closed) Write([]byte) (int, error) {
	return 0, errors.New("standard output is closed, or the null device opened for reading and writing: -o /dev/null throws events away")
}
