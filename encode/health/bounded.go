package health

import (
	"net"
	"sync"
)

// bounded is a listener that hangs up on connections above a bound, so that clients which keep theirs cannot use up the descriptors.
type bounded struct {
	net.Listener
	free chan struct{} // a token for each connection that there may be
}

func newBounded(l net.Listener, most int) *bounded {
	b := &bounded{Listener: l, free: make(chan struct{}, most)}
	for range most {
		b.free <- struct{}{}
	}
	return b
}

// Accept gives the next connection that there is room for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case <-b.free:
			return &boundedConn{Conn: conn, free: b.free}, nil
		default:
			_ = conn.Close()
		}
	}
}

// boundedConn gives its token back when it is closed.
type boundedConn struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	c.once.Do(func() { c.free <- struct{}{} })
	return c.Conn.Close()
}
