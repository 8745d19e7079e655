package link

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// TestFacts reads what servers say of themselves.
func TestFacts(t *testing.T) {
	for _, test := range []struct{ info, target, want, version string }{
		{"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", "auto", "redis", "7.0.15"},
		{"# Server\r\npika_version:3.5.5\r\npika_git_sha:x\r\n", "auto", "pika", "3.5.5"},
		{"redis_version:6.2.6\r\npika_version:3.5.5\r\n", "auto", "pika", "3.5.5"},
		{"redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n", "auto", "redis", "7.2.4"},
		{"redis_version:8.0.0\r\n", "pika", "pika", ""},
		{"# Clients\r\nconnected_clients:1\r\n", "redis", "redis", ""},
	} {
		f, err := factsOf(test.info, test.target)
		if err != nil || f.Server != test.want || f.Version != test.version {
			t.Errorf("%q: %+v, %v", test.info, f, err)
		}
	}
	for info, want := range map[string]string{
		"redis_version:6.2.14\r\n":                        "need Redis 7 or later",
		"# Clients\r\n":                                   "say with the option target what the server is",
		"redis_version:7.0.15\r\nredis_mode:sentinel\r\n": "name the master",
	} {
		if _, err := factsOf(info, "auto"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", info, err)
		}
	}
	for _, info := range []string{"redis_version:7.0.15\r\nredis_mode:cluster\r\n", "redis_version:7.0.15\r\ncluster_enabled:1\r\n"} {
		if f, err := factsOf(info, "auto"); err != nil || !f.Cluster {
			t.Errorf("%q: %+v, %v", info, f, err)
		}
	}
	if f, err := factsOf("redis_version:7.0.15\r\nmaxmemory_policy:allkeys-lru\r\n", "auto"); err != nil || !f.Evicts || f.Cluster {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestPasses tells what is over some time later.
func TestPasses(t *testing.T) {
	for _, err := range []error{
		redis.Error("LOADING x"), redis.Error("OOM x"), redis.Error("READONLY x"), redis.Error("ERR max number of clients reached"), io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, syscall.EPIPE, &net.DNSError{},
	} {
		if !Passes(errors.Join(err)) {
			t.Errorf("%v does not pass", err)
		}
	}
	for _, err := range []error{redis.Error("ERR unknown"), redis.Error("WRONGTYPE x"), &LoginError{Err: io.EOF}, &ClusterError{Err: io.EOF}, errors.New("x"), redis.Error("NOPERM x")} {
		if Passes(err) {
			t.Errorf("%v passes", err)
		}
	}
	if err := Judge("MOVED 1 a:1"); err == nil || Passes(err) {
		t.Errorf("MOVED: %v", err)
	}
	if Judge("WRONGTYPE x") != nil || Judge("OOM x") == nil {
		t.Error("a refusal is not about its command alone, or an error that passes is")
	}
}
