package link

import (
	"cmp"
	"context"
	"net"
	"time"

	"pikabin/decode"
)

// Options say which server is read, and how.
type Options struct {
	Hosts           []string // with their ports; the first one that answers is read
	ReplicationPort int      // 0: the ordinary port + 2000
	User, Secret    string

	// Visible attaches as a replica that the server counts as one. As is its name in the form IP:PORT; empty: of this process.
	Visible bool
	As      string

	// NoHold acknowledges everything at once, so that the server may purge what was not delivered. HoldLimit is how many bytes of
	// segments may be kept from its purge; 0: 20 GiB.
	NoHold    bool
	HoldLimit int64

	// Group is the replication id of the servers that the saved positions are of; empty: it is not known.
	Group string

	Patience     time.Duration // for a replica that lags what was read; 0: 30 s
	StartTimeout time.Duration // how long the server may be away at the start
	Idle         time.Duration // after which Next gives io.EOF; 0: never

	Generation decode.Generation // what the user says that the server is
	Memory     int64             // bound on what has come and was not read yet; 0: 64 MiB

	Name string                 // of this process: pikabin-HOST-PID
	Want func(*decode.Log) bool // which logs are read; nil: all
	Note func(db, text string)  // takes a line for the user about trouble, from any goroutine
	Say  func(db, text string)  // and one about what is as it should be
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// The defaults.
const (
	defaultHoldLimit = 20 << 30
	defaultPatience  = 30 * time.Second
	defaultMemory    = 64 << 20
	replicationPort  = 2000 // more than the ordinary one
)

// withDefaults fills in what is not set.
func (o Options) withDefaults() Options {
	o.HoldLimit = cmp.Or(o.HoldLimit, defaultHoldLimit)
	o.Patience = cmp.Or(o.Patience, defaultPatience)
	o.Memory = cmp.Or(o.Memory, defaultMemory)
	o.Name = cmp.Or(o.Name, "pikabin")
	if o.Want == nil {
		o.Want = func(*decode.Log) bool { return true }
	}
	if o.Note == nil {
		o.Note = func(string, string) {}
	}
	if o.Say == nil {
		o.Say = func(string, string) {}
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext
	}
	return o
}
