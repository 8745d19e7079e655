//go:build redis && unix

package torture

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli/clitest"
)

var redisKills = flag.Int("redis.kills", 12, "how often pikabin or the server is killed")

// redisServer is a Redis that has on its disk what it has confirmed.
type redisServer struct {
	t       *testing.T
	dir     string
	address string
	flags   []string
	process *exec.Cmd
}

func startRedis(t *testing.T, flags ...string) *redisServer {
	t.Helper()
	s := &redisServer{t: t, dir: t.TempDir(), address: freeAddress(t), flags: flags}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// freeAddress is one on this machine where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

func (s *redisServer) start() {
	s.t.Helper()
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}, s.flags...)
	s.process = exec.CommandContext(context.WithoutCancel(s.t.Context()), "redis-server", args...)
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	timeout := time.After(clitest.Patience)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if pong, err := redis.String(s.ask("PING")); err == nil && pong == "PONG" {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			s.t.Fatal("the server does not start")
		}
	}
}

// kill is kill -9.
func (s *redisServer) kill() {
	_ = s.process.Process.Signal(syscall.SIGKILL)
	_ = s.process.Wait()
}

func (s *redisServer) ask(command string, args ...any) (any, error) {
	conn, err := redis.Dial("tcp", s.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Do(command, args...)
}

// done is how many records were done, at least once.
func (s *redisServer) done() int {
	n, _ := redis.Int(s.ask("GET", "sum"))
	return n
}

const redisRecords = 6000

// countedLog is a log of which each record adds its number to a text, and one to a number.
func countedLog(t *testing.T) (dir, trace string) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 16})
	var b strings.Builder
	for i := range redisRecords {
		w.Command("RPUSH", "trace", strconv.Itoa(i))
		w.Command("INCR", "sum")
		w.Command("SET", fmt.Sprintf("k%d", i%50), strings.Repeat("v", i%200), "EX", "100")
		fmt.Fprintf(&b, "%d ", i)
	}
	dir = t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	return dir, b.String()
}

// TestRedisTorture kills pikabin and the server again and again, in transactions: each record is done once.
func TestRedisTorture(t *testing.T) {
	dir, trace := countedLog(t)
	s := startRedis(t)
	random := rand.New(rand.NewPCG(*tortureSeed, 1))
	args := []string{"convert", dir, "-o", "redis://" + s.address, "--exactly-once", "--rate", "40000"}
	kills := map[string]int{}
	for n := range *redisKills {
		p := clitest.Start(t, nil, args...)
		until := redisRecords * (n + 1) / (*redisKills + 2)
		p.Until("records", func() bool { return s.done() >= until })
		if random.IntN(2) == 0 {
			kills["server"]++
			s.kill()
			s.start()
			p.Until("records after the server is back", func() bool { return s.done() > until })
		}
		if p.Kill() {
			kills["pikabin"]++
		}
	}
	clitest.Start(t, nil, args...).Exits(0)
	got, err := redis.Strings(s.ask("LRANGE", "trace", 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, " ") + " "; text != trace || s.done() != redisRecords {
		t.Errorf("%d of %d records were done: %.2000s", s.done(), redisRecords, text)
	}
	if left, err := redis.Int(s.ask("DBSIZE")); err != nil || left != 4 { // the two keys, and two of ours: the deadlines of all others have passed
		t.Errorf("%d keys are left, %v", left, err)
	}
	t.Logf("kills: %v", kills)
}

// TestRedisTortureAtLeastOnce kills both with a state: nothing is lost, and what comes again does so in order.
func TestRedisTortureAtLeastOnce(t *testing.T) {
	dir, _ := countedLog(t)
	s := startRedis(t)
	args := []string{"convert", dir, "-o", "redis://" + s.address, "--state", filepath.Join(t.TempDir(), "state"), "--rate", "40000"}
	for n := range 4 {
		p := clitest.Start(t, nil, args...)
		until := redisRecords * (n + 1) / 6
		p.Until("records", func() bool { return s.done() >= until })
		if n%2 == 0 {
			s.kill()
			s.start()
			p.Until("records after the server is back", func() bool { return s.done() > until })
		}
		p.Kill()
	}
	clitest.Start(t, nil, args...).Exits(0)
	got, err := redis.Ints(s.ask("LRANGE", "trace", 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for _, n := range got {
		if n > next {
			t.Fatalf("%d follows %d", n, next-1)
		}
		next = n + 1
	}
	if next != redisRecords {
		t.Errorf("the end is %d", next)
	}
	t.Logf("%d records were done %d times", redisRecords, len(got))
}
