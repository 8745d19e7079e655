package pikamaster

import "syscall"

// unpaced has connections send as fast as the other side reads. Some ways of congestion control, like BBR, send at a rate that they
// have estimated, which is far below what a connection within one machine can do.
func unpaced(_, _ string, c syscall.RawConn) error {
	var err error
	if errControl := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CONGESTION, "reno")
	}); errControl != nil {
		return errControl
	}
	return err
}
