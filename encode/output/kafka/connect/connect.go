// Package connect is how the brokers are reached, and what is known when they do not answer as they should.
package connect

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/security"
	"pikabin/encode/output/kafka/settings"
)

// dialTimeout is for a connection to a broker, TLS included.
const dialTimeout = 10 * time.Second

// metadataMinAge is for how long a client gives the same answer again, also that there is no such topic.
const metadataMinAge = 250 * time.Millisecond

// Wire is all connections of an output, which end together.
type Wire struct {
	Trouble *Trouble

	o      *settings.Options
	tls    *tls.Config
	sasl   []kgo.Opt
	ctx    context.Context //nolint:containedctx // ends when the connections are to be closed
	unplug context.CancelFunc
}

// New reads the certificates, and connects to nothing yet.
func New(o *settings.Options) (*Wire, error) {
	config, err := security.TLS(&o.Security)
	if err != nil {
		return nil, err
	}
	w := &Wire{Trouble: &Trouble{}, o: o, tls: config}
	if mechanism := security.Mechanism(&o.Security); mechanism != nil {
		w.sasl = []kgo.Opt{kgo.SASL(mechanism)}
	}
	w.ctx, w.unplug = context.WithCancel(context.Background())
	return w, nil
}

// Unplug ends all connections, and lets none be made.
func (w *Wire) Unplug() { w.unplug() }

// Options are those that every client of the output has: how the brokers are reached, and who hears of trouble.
func (w *Wire) Options() []kgo.Opt { return w.options(w.ctx, w.Trouble) }

func (w *Wire) options(line context.Context, logger kgo.Logger) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(w.o.Brokers...), kgo.ClientID(w.o.ClientID), kgo.WithHooks(w.Trouble), kgo.WithLogger(logger),
		kgo.MetadataMinAge(metadataMinAge),
		// A balancer takes connections and hangs up while the broker is away: that is no mistake in our options.
		kgo.AlwaysRetryEOF(),
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			return w.dial(ctx, line, network, address)
		}),
	}, w.sasl...)
}

// dial connects to a broker. The connection ends with its line: the client itself waits up to ten seconds for a broker that
// takes connections and says nothing, whatever it is told.
func (w *Wire) dial(ctx, line context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(line, cancel)()
	conn, err := dialer(w.tls).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &closableConn{Conn: conn, ctx: line}
	c.release = context.AfterFunc(line, func() { conn.Close() }) //nolint:gosec // whoever reads from it gets the error
	return c, nil
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
