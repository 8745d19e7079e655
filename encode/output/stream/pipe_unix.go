//go:build unix

package stream

import (
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// watchReader sends EPIPE to gone when nobody can read the pipe any more, until the function that it returns is called.
func watchReader(pipe *os.File, gone chan<- error) (end func()) {
	wait, wake, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		fds := []unix.PollFd{{Fd: int32(pipe.Fd())}, {Fd: int32(wait.Fd())}}
		for {
			_, err := unix.Poll(fds, -1)
			switch {
			case errors.Is(err, unix.EINTR):
			case err != nil || fds[1].Revents != 0:
				return
			case fds[0].Revents != 0:
				gone <- &os.PathError{Op: "write", Path: pipe.Name(), Err: unix.EPIPE}
				return
			}
		}
	})
	return func() {
		closeAll(wake)
		wg.Wait()
		closeAll(wait)
	}
}

// closeAll closes what has nothing to lose.
func closeAll(closers ...io.Closer) {
	for _, c := range closers {
		c.Close() //nolint:gosec // nothing was written to it
	}
}
