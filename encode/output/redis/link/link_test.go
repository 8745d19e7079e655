package link

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"pikabin/encode/output/redis/settings"
)

// answering gives the address of a server that has one answer.
func answering(t *testing.T, answer string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				for r := bufio.NewReader(conn); ; {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if strings.HasPrefix(line, "*") {
						_, _ = conn.Write([]byte(answer + "\r\n"))
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// asked are the facts of such a server.
func asked(t *testing.T, answer, target string) (*Facts, error) {
	t.Helper()
	d, err := NewDialer(&settings.Options{Addresses: []string{answering(t, answer)}, AnswerTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d.Dial(t.Context())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return Ask(conn, target)
}

// TestWithoutInfo: a server that has no INFO is what the option target says, which is told otherwise.
func TestWithoutInfo(t *testing.T) {
	const answer = "-ERR unknown command"
	if f, err := asked(t, answer, settings.Redis); err != nil || f.Server != settings.Redis {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := asked(t, answer, settings.Auto); err == nil || !strings.Contains(err.Error(), "say with the option target") {
		t.Error(err)
	}
}

// TestShutOut tells what a server says that takes no connection of ours, and whether it may later.
func TestShutOut(t *testing.T) {
	for answer, passes := range map[string]bool{
		"-DENIED Redis is running in protected mode": false,
		"-NOAUTH Authentication required.":           false,
		"-ERR max number of clients reached":         true,
		"-LOADING Redis is loading the dataset":      true,
	} {
		_, err := asked(t, answer, settings.Auto)
		if err == nil || Passes(err) != passes || !strings.Contains(err.Error(), answer[1:]) {
			t.Errorf("%s: %v", answer, err)
		}
		if _, out := errors.AsType[*LoginError](err); out == passes {
			t.Errorf("%s: %T", answer, err)
		}
	}
}
