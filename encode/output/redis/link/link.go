// Package link is a connection to a server: how it is reached, what it says of itself, and what its errors mean.
package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/settings"
)

// dialTimeout is for a connection, TLS and the login included.
const dialTimeout = 10 * time.Second

// Dialer makes connections.
type Dialer struct {
	o       *settings.Options
	address string
	tls     *tls.Config // nil without TLS
}

// NewDialer reads the certificates, and connects to nothing yet. The first host is the one to connect to.
func NewDialer(o *settings.Options) (*Dialer, error) {
	d := &Dialer{o: o, address: o.Addresses[0]}
	if !o.TLS {
		return d, nil
	}
	config, err := o.Config()
	if err != nil {
		return nil, err
	}
	d.tls = config
	return d, nil
}

// At makes connections to another server of the same kind, a node of the same cluster.
func (d *Dialer) At(address string) *Dialer {
	return &Dialer{o: d.o, address: address, tls: d.tls}
}

// Address is the host and port that it connects to.
func (d *Dialer) Address() string { return d.address }

// Conn is a connection that is logged in. One goroutine may write while another one receives.
type Conn struct {
	raw    net.Conn
	client redis.Conn
	id     int64 // by which the server knows it; 0 where it does not tell
	free   func() bool
}

// Dial connects and logs in. The connection ends with its context.
func (d *Dialer) Dial(ctx context.Context) (*Conn, error) {
	within, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := d.dial(within)
	if err != nil {
		return nil, err
	}
	raw = timed{raw, d.o.AnswerTimeout}
	c := &Conn{raw: raw, client: redis.NewConn(raw, 0, 0)}
	c.free = context.AfterFunc(ctx, func() { raw.Close() })   //nolint:gosec // whoever reads from it gets the error
	stop := context.AfterFunc(within, func() { raw.Close() }) //nolint:gosec // the same
	err = d.login(c)
	if !stop() && err == nil {
		err = within.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (d *Dialer) dial(ctx context.Context) (net.Conn, error) {
	if d.tls != nil { // a certificate is for the host, unless the option tls-server-name says another name
		conn, err := (&tls.Dialer{Config: d.tls}).DialContext(ctx, "tcp", d.address)
		if _, other := errors.AsType[x509.HostnameError](err); other {
			err = fmt.Errorf("%w: name the server as its certificate does, or say that name with the option tls-server-name; the nodes of a cluster are reached at what they announce, "+
				"names with cluster-announce-hostname and cluster-preferred-endpoint-type hostname", err)
		}
		return conn, err
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
}

// login says who we are, and asks by which number the server knows the connection.
func (d *Dialer) login(c *Conn) error {
	password, err := d.o.Password()
	if err != nil {
		return &LoginError{Err: err}
	}
	switch {
	case d.o.User != "":
		_, err = c.Do("AUTH", d.o.User, password)
	case password != "":
		_, err = c.Do("AUTH", password)
	}
	if err != nil {
		return shutOut(err)
	}
	reply, err := c.offer("ID")
	c.id, _ = reply.(int64)
	return shutOut(err)
}

// Close ends the connection.
func (c *Conn) Close() {
	c.free()
	c.raw.Close() //nolint:gosec // nothing is waited for
}

// Do sends a command and waits for its reply. What the server refuses is an error.
func (c *Conn) Do(name string, args ...any) (any, error) {
	reply, err := c.client.Do(name, args...)
	if refused, ok := asReply(err); ok && isElsewhere(refused) {
		err = &ClusterError{Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return reply, nil
}

// offer sends a command about connections, which we can do without: of one that the server refuses there is no reply.
func (c *Conn) offer(args ...any) (any, error) {
	reply, err := c.Do("CLIENT", args...)
	if why, refused := asReply(err); refused && !Passes(err) && !IsAbout(why, "DENIED") { // which end the connection
		reply, err = nil, nil
	}
	return reply, err
}

// Write sends commands as they are.
func (c *Conn) Write(commands []byte) error {
	_, err := c.raw.Write(commands)
	return err
}

// Receive waits for a reply. What the server refuses is a reply, of the type redis.Error.
func (c *Conn) Receive() (any, error) {
	reply, err := c.client.Receive()
	if refused, ok := err.(redis.Error); ok { //nolint:errorlint // it is never wrapped
		return refused, nil
	}
	return reply, err
}

// Loaded asks whether the server takes commands. One that still loads its data refuses them, and would begin to take them in the middle of what is sent.
func (c *Conn) Loaded() error {
	_, err := c.Do("PING")
	if _, refused := asReply(err); refused && !Passes(err) {
		return nil
	}
	return err
}

// Bury ends an older connection on the server, which may not have read all of it yet. A server that does not let us has ended it in a moment.
func (c *Conn) Bury(old int64) error {
	if old == 0 {
		return nil
	}
	_, err := c.offer("KILL", "ID", old)
	return err
}

// Succeed ends the connections of earlier runs that have this name, and takes it: of a run that was killed the server may still be reading. A server
// that does not let us has ended them in a moment.
func (c *Conn) Succeed(name string) error {
	reply, err := c.offer("LIST")
	if err != nil {
		return err
	}
	list, _ := reply.([]byte)
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		if !slices.Contains(fields, "name="+name) {
			continue
		}
		if id, err := strconv.ParseInt(strings.TrimPrefix(fields[0], "id="), 10, 64); err == nil {
			if err := c.Bury(id); err != nil {
				return err
			}
		}
	}
	_, err = c.offer("SETNAME", name)
	return err
}

// ID is the number by which the server knows the connection, for Bury; 0 if it does not tell.
func (c *Conn) ID() int64 { return c.id }
