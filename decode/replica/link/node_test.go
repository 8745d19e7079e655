package link_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pikabin/decode/replica/link"
)

// samePort is a connection whose local port the kernel gives each time.
type samePort struct{ net.Conn }

func (samePort) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 4711} }

// names are those of two connections of one run.
func names(t *testing.T) []string {
	t.Helper()
	s := &link.Server{Options: link.Options{Hosts: []string{"server:9221"}, Name: "pikabin-" + strings.Repeat("h:", 150), Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		t.Cleanup(func() { _ = there.Close() })
		return samePort{here}, nil
	}}}
	var list []string
	for range 2 {
		e, err := s.Dial(t.Context(), "db0")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Name())
		e.End(nil)
	}
	return list
}

// shows is set in a run that another one begins, to see its names.
const shows = "PIKABIN_TEST_NAMES"

// TestNames gives each connection a name of its own, in one run and in two, where neither the process nor the port differs. A server can hold them.
func TestNames(t *testing.T) {
	mine := names(t)
	if os.Getenv(shows) != "" {
		fmt.Println(strings.Join(mine, "\n"))
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), exe, "-test.run=^TestNames$")
	c.Env = append(os.Environ(), shows+"=1")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(mine, strings.Fields(string(out))[:2])
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] || len(name) > 255 || strings.Count(name, ":") != 1 || !strings.HasSuffix(name, ":4711") {
			t.Errorf("%q, of %q", name, all)
		}
		seen[name] = true
	}
}
