package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/ask"
)

// How long the network may take.
const (
	dialTimeout = 10 * time.Second
	keepAlive   = 15 * time.Second
	answerTime  = 15 * time.Second
	writeTime   = 10 * time.Second
)

// Server is the server that is read, one of the hosts. Its methods are for any goroutine.
type Server struct {
	Options Options

	asking sync.Mutex // one question at a time
	client *ask.Client
	asked  string // the host that client is connected to

	names names

	mu   sync.Mutex
	host int // that is read
	last Status
}

// Connect finds a host that answers. It is refused if it cannot be read over the network.
func Connect(ctx context.Context, o Options) (*Server, error) {
	s := &Server{Options: o.withDefaults()}
	deadline := time.Now().Add(o.StartTimeout)
	for {
		_, err := s.Look(ctx)
		var gone *ConnError
		if err == nil || !errors.As(err, &gone) || !time.Now().Before(deadline) {
			return s, err
		}
		if err := Wait(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// Close ends the connection to the ordinary port.
func (s *Server) Close() error {
	s.asking.Lock()
	defer s.asking.Unlock()
	return s.hangUp()
}

func (s *Server) hangUp() error {
	if s.client == nil {
		return nil
	}
	err := s.client.Close()
	s.client = nil
	return err
}

// Wait lets some time pass.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Seen is the last look.
func (s *Server) Seen() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// hostName is that of the host that is read.
func (s *Server) hostName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Options.Hosts[s.host]
}

// Look asks the server how it is, and the next host where it does not answer.
func (s *Server) Look(ctx context.Context) (Status, error) {
	s.asking.Lock()
	defer s.asking.Unlock()
	var errs []error
	if s.asked != s.hostName() {
		_ = s.hangUp()
	}
	for range s.Options.Hosts {
		fresh := s.client == nil
		l, err := s.askHost(ctx)
		if err != nil && !fresh { // of a server that was started again, the connection is old
			_ = s.hangUp()
			l, err = s.askHost(ctx)
		}
		if err == nil {
			before := s.Seen()
			s.mu.Lock()
			s.last = l
			s.mu.Unlock()
			s.tell(&before, &l, errors.Join(errs...))
			return l, nil
		}
		_ = s.hangUp()
		host := s.hostName()
		if _, ok := errors.AsType[*RefusedError](err); ok {
			return Status{}, fmt.Errorf("%s: %w", host, err)
		}
		errs = append(errs, &ConnError{Host: host, Err: err})
		s.Leave(host)
	}
	return Status{}, errors.Join(errs...)
}

// Leave turns to the next host, unless another one is read already.
func (s *Server) Leave(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Options.Hosts[s.host] == host {
		s.host = (s.host + 1) % len(s.Options.Hosts)
	}
}

// askHost asks the present host, over the connection that is there or a new one.
func (s *Server) askHost(ctx context.Context) (Status, error) {
	l := s.Seen()
	if s.client == nil {
		var err error
		if l, err = s.introduce(ctx); err != nil {
			return l, err
		}
	}
	now := time.Now()
	fields, err := s.client.Info("replication")
	if err != nil {
		return l, err
	}
	l.learn(fields, now)
	return l, nil
}

// introduce connects to the present host and learns what does not change.
func (s *Server) introduce(ctx context.Context) (l Status, err error) {
	l.Host = s.hostName()
	conn, err := s.Options.Dial(ctx, "tcp", l.Host)
	if err != nil {
		return l, err
	}
	s.client, s.asked = ask.New(conn), l.Host
	if s.Options.Secret != "" {
		if err := s.client.Auth(s.Options.User, s.Options.Secret); err != nil {
			return l, denied(err)
		}
	}
	fields, err := s.client.Info("server")
	if err != nil {
		return l, denied(err)
	}
	l.RunID = fields.Get("run_id")
	up, _ := strconv.ParseInt(fields.Get("uptime_in_seconds"), 10, 64)
	l.Started = time.Now().Add(-time.Duration(up) * time.Second)
	if l.Version, err = parseVersion(fields.Get("pika_version")); err != nil {
		return l, err
	}
	if err := s.checkModes(&l.Version); err != nil {
		return l, err
	}
	size, err := s.client.Config("binlog-file-size")
	l.FileSize, _ = strconv.ParseInt(size, 10, 64)
	return l, err
}

// denied makes an answer to who is asking final.
func denied(err error) error {
	if answer, ok := errors.AsType[*ask.Error](err); ok {
		return Refuse("the server does not let us in: %v", answer)
	}
	return err
}

// checkModes refuses servers whose acknowledgements mean more than that something was received, and those with slots.
func (s *Server) checkModes(v *Version) error {
	if !v.modes {
		return nil
	}
	level, err := s.client.Config("consensus-level")
	if err != nil {
		return denied(err)
	}
	mode, err := s.client.Config("instance-mode")
	switch {
	case err != nil:
		return denied(err)
	case level != "" && level != "0":
		return Refuse("the server has consensus-level %s: it would count us as one of those that have a write; read its log folder instead", level)
	case mode != "" && mode != "classic":
		return Refuse("the server is in %s mode: read its log folder instead", mode)
	}
	return nil
}

// replicationAddress is where the host that is read serves replicas.
func (s *Server) replicationAddress() (string, error) {
	host, port, err := net.SplitHostPort(s.hostName())
	if err != nil {
		return "", Refuse("%v", err)
	}
	if s.Options.ReplicationPort != 0 {
		return net.JoinHostPort(host, strconv.Itoa(s.Options.ReplicationPort)), nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", Refuse("%q is not a port", port)
	}
	return net.JoinHostPort(host, strconv.FormatUint(n+replicationPort, 10)), nil
}

// IsReplica says that the server is a copy of another one.
func (s *Server) IsReplica() bool { return strings.Contains(s.Seen().Role, "slave") }

// MayLag says that the server may come to have what was read already: a copy, or one of a group of which another was read.
func (s *Server) MayLag() bool { return s.IsReplica() || len(s.Options.Hosts) > 1 }

// Version is that of the server, or what the user says.
func (s *Server) Version() Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.last.Version
	if s.Options.Generation != decode.GenerationUnknown {
		v.Generation, v.Before35 = s.Options.Generation, false
	}
	return v
}
