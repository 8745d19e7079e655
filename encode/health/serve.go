package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Bounds on what one client can hold up. A report takes microseconds.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeader      = 16 << 10
	endTimeout     = time.Second // for requests under way when the run ends

	// MaxClients is how many connections there may be at once. Each takes a descriptor, and the logs need theirs.
	MaxClients = 32
)

// lookInterval is how often the monitor looks when nobody asks, so that what it says of the time between two
// requests is true to a second.
const lookInterval = time.Second

// Listen opens the address, "127.0.0.1:9108", that is served.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	// What the errors say around the cause is the address again.
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		err = cause
	} else if inner, ok := errors.AsType[*net.OpError](err); ok {
		err = inner.Err
	}
	return nil, fmt.Errorf("listening on %s: %w", address, err)
}

// Serve answers on a listener until the context ends, and closes it. Then the error is nil.
func Serve(ctx context.Context, l net.Listener, m *Monitor) error {
	server := &http.Server{
		Handler: m.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), // a client that hangs up is none of the user's concern
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(newBounded(l, MaxClients)) }()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.Report()
		case err := <-ended:
			return fmt.Errorf("serving %s: %w", l.Addr(), err)
		case <-ctx.Done():
			return end(ctx, server, ended)
		}
	}
}

// end lets requests that are under way finish, and waits for the server.
func end(ctx context.Context, server *http.Server, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = server.Close()
	}
	if serveErr := <-ended; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(serveErr, err)
	}
	return err
}
