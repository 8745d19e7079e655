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

// TestShutOut tells what a server says that takes no connection of ours, and whether it may later.
func TestShutOut(t *testing.T) {
	for answer, passes := range map[string]bool{
		"-DENIED Redis is running in protected mode":  false,
		"-NOAUTH Authentication required.":            false,
		"-ERR max number of clients reached":          true,
		"-LOADING Redis is loading the dataset":       true,
		"-NOPERM this user has no permissions to run": false,
	} {
		d, err := NewDialer(&settings.Options{Address: answering(t, answer), AnswerTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := d.Dial(t.Context())
		if err == nil {
			_, err = Ask(conn, settings.Auto)
			conn.Close()
		}
		if err == nil || Passes(err) != passes || !strings.Contains(err.Error(), answer[1:]) {
			t.Errorf("%s: %v", answer, err)
		}
		if _, out := errors.AsType[*LoginError](err); out == (passes || strings.HasPrefix(answer, "-NOPERM")) {
			t.Errorf("%s: %T", answer, err)
		}
	}
}
