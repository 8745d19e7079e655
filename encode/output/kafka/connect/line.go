package connect

import (
	"context"
	"errors"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Line is the connections of clients that send. It is cut when the brokers refuse a batch, before the client can send what comes after
// that batch: a key's events would be out of order for ever.
type Line struct {
	*Trouble
	wire *Wire
	ctx  context.Context //nolint:containedctx // ends when the line is cut
	cut  context.CancelFunc
}

// Line makes one for clients that are not there yet.
func (w *Wire) Line() *Line {
	l := &Line{Trouble: w.Trouble, wire: w}
	l.ctx, l.cut = context.WithCancel(w.ctx)
	return l
}

// Cut ends the connections. Nothing more is written to any of them.
func (l *Line) Cut() { l.cut() }

// Options are those of Wire for clients on this line.
func (l *Line) Options() []kgo.Opt { return l.wire.options(l.ctx, l) }

// batchFailed is what the client says of a batch that the brokers refuse, while it holds the partition's lock.
const batchFailed = "batch in a produce request failed"

// Log implements kgo.Logger.
func (l *Line) Log(level kgo.LogLevel, message string, keyvals ...any) {
	if message == batchFailed {
		l.cut()
	}
	l.Trouble.Log(level, message, keyvals...)
}

// closableConn is a connection that ends with a context, after which nothing is written to it.
type closableConn struct {
	net.Conn
	ctx     context.Context //nolint:containedctx // of the line
	release func() bool
}

// Write implements net.Conn.
func (c *closableConn) Write(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *closableConn) Close() error {
	c.release()
	if err := c.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
