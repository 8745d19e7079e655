package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// timed is a connection that fails when the server says nothing, or takes nothing, for too long: one that hangs, or that the network does not reach any
// more, ends no connection. It is read only where an answer is due.
type timed struct {
	net.Conn

	most time.Duration
}

// writtenAtOnce is how much the server has to take in that time.
const writtenAtOnce = 256 << 10

// Read implements net.Conn.
func (c timed) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.most)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	return n, c.explain(err)
}

// Write implements net.Conn.
func (c timed) Write(b []byte) (written int, err error) {
	for written < len(b) && err == nil {
		if err := c.SetWriteDeadline(time.Now().Add(c.most)); err != nil {
			return written, err
		}
		var n int
		n, err = c.Conn.Write(b[written:min(len(b), written+writtenAtOnce)])
		written += n
	}
	return written, c.explain(err)
}

func (c timed) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &LaterError{Why: fmt.Sprintf("it has not answered for %v (answer-timeout)", c.most)}
	}
	return err
}
