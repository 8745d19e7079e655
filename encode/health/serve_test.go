package health_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"pikabin/encode/health"
	"pikabin/encode/stats"
)

// TestServe answers on a port until the context ends; then the port is free again and no goroutine is left.
func TestServe(t *testing.T) {
	listener, err := health.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- health.Serve(ctx, listener, health.New(health.Options{Stats: &stats.Stats{}})) }()
	client := &http.Client{Transport: &http.Transport{}}
	for path, want := range map[string]string{"/healthz": "ok\n", "/metrics": "pikabin_healthy 1\n", "/": "404"} {
		answer, err := client.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v, %s", path, err, body)
		}
		answer.Body.Close()
	}
	stop() // with a connection that is idle
	if err := <-ended; err != nil {
		t.Error(err)
	}
	client.CloseIdleConnections()
	again, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestServeReportsABrokenListener does not go on as if it were there.
func TestServeReportsABrokenListener(t *testing.T) {
	listener, err := health.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = health.Serve(t.Context(), listener, health.New(health.Options{Stats: &stats.Stats{}}))
	if err == nil || !strings.HasPrefix(err.Error(), "serving 127.0.0.1:") {
		t.Errorf("got %v", err)
	}
}

// TestListen says which address cannot be had, and why, in one line.
func TestListen(t *testing.T) {
	taken, err := health.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct{ address, want string }{
		"taken":   {taken.Addr().String(), "listening on " + taken.Addr().String() + ": address already in use"},
		"no port": {"127.0.0.1", "listening on 127.0.0.1: address 127.0.0.1: missing port in address"},
		"no host": {"256.0.0.1:0", "listening on 256.0.0.1:0: lookup 256.0.0.1"},
	} {
		if _, err := health.Listen(t.Context(), c.address); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// TestClientsAreBounded: those above the bound are hung up on, and a place that is given back is taken again.
func TestClientsAreBounded(t *testing.T) {
	listener, err := health.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- health.Serve(ctx, listener, health.New(health.Options{Stats: &stats.Stats{}})) }()
	var held []net.Conn
	cut := 0
	for range 100 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	for _, conn := range held[health.MaxClients:] {
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			cut++
		}
	}
	if want := len(held) - health.MaxClients; cut != want {
		t.Errorf("%d connections were cut, want %d", cut, want)
	}
	for _, conn := range held {
		conn.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
