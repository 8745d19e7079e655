package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// dialTimeout is for a connection to a broker, TLS included.
const dialTimeout = 10 * time.Second

// clientBase are the options that every client of the sink has: how the brokers are reached, and who hears of trouble.
func (s *producer) clientBase() ([]kgo.Opt, error) {
	var config *tls.Config
	opts := []kgo.Opt{
		kgo.SeedBrokers(s.o.brokers...), kgo.ClientID(s.o.clientID), kgo.WithHooks(s.trouble), kgo.WithLogger(s.trouble),
		// A balancer takes connections and hangs up while the broker is away: that is no mistake in our options.
		kgo.AlwaysRetryEOF(),
	}
	if s.o.security.tls {
		var err error
		if config, err = s.o.security.tlsConfig(); err != nil {
			return nil, err
		}
	}
	if s.o.security.hasMechanism {
		opts = append(opts, kgo.SASL(s.o.security.authenticator()))
	}
	return append(opts, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		return s.dial(ctx, config, network, address)
	})), nil
}

// dial connects to a broker. The connection ends at unplug: the client itself waits up to ten seconds for a broker that
// takes connections and says nothing, whatever it is told.
func (s *producer) dial(ctx context.Context, config *tls.Config, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(s.wire, cancel)() //nolint:contextcheck // it ends with either
	conn, err := dialer(config).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m := &mortalConn{Conn: conn}
	m.release = context.AfterFunc(s.wire, func() { conn.Close() }) //nolint:contextcheck,gosec // whoever reads from it gets the error
	return m, nil
}

type contextDialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

func dialer(config *tls.Config) contextDialer {
	if config == nil {
		return &net.Dialer{}
	}
	return &tls.Dialer{Config: config}
}

// mortalConn is a connection that something else may close, too.
type mortalConn struct {
	net.Conn
	release func() bool
}

func (m *mortalConn) Close() error {
	m.release()
	if err := m.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
