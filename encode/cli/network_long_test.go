//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/encode/cli/clitest"
)

var networkLong = flag.Duration("network.long", 0, "how long TestNetworkLong lasts; 0: it is left out")

// longRun is a group of two servers with one log, which grows all the time, and a run that follows it.
type longRun struct {
	*testing.T
	servers [2]*pikamaster.Master
	random  *rand.Rand
	down    int // which server is; -1: none

	mu      sync.Mutex
	sim     *pikasim.Server
	written int

	kills, failovers, restarts, stops, purged int
}

// TestNetworkLong reads from a group of servers for a long time, while they are restarted, fail over to each other and purge their log, and the run
// is killed and suspended. In the end the output has each event once, in order.
func TestNetworkLong(t *testing.T) {
	if *networkLong == 0 {
		t.Skip("-network.long is not given")
	}
	l := &longRun{T: t, random: rand.New(rand.NewPCG(11, uint64(time.Now().UnixNano()))), down: -1}
	var err error
	if l.sim, err = pikasim.Open(filepath.Join(t.TempDir(), "log_db0"), pikasim.Options{SegmentSize: 1 << 20, Region: 64 << 10}); err != nil {
		t.Fatal(err)
	}
	source := l.serve()
	work := t.TempDir()
	out := filepath.Join(work, "out.jsonl")
	args := []string{"tail", source, "--from", "start", "--state", filepath.Join(work, "state"), "-o", out}
	stop, ended := make(chan struct{}), make(chan struct{})
	go l.write(stop, ended)
	p := clitest.Start(t, nil, args...)
	for began := time.Now(); time.Since(began) < *networkLong; {
		p.After(l.random, 2*time.Second)
		if l.act(p) {
			p = clitest.Start(t, nil, args...)
		}
	}
	close(stop)
	<-ended
	l.start()
	p.Signal(syscall.SIGCONT)
	p.Kill()
	clitest.Start(t, nil, append(args, "--idle-exit", "15s")...).Exits(0)
	l.compare(out)
	t.Logf("%d events; the run was killed %d times and suspended %d times, servers were down %d times and restarted %d times, %d segments were purged",
		l.written, l.kills, l.stops, l.failovers, l.restarts, l.purged)
}

// serve serves the log at the same ports of two addresses.
func (l *longRun) serve() (source string) {
	l.Helper()
	var ports []string
	for i, host := range []string{"127.0.0.1", "127.0.0.2"} {
		l.servers[i] = pikamaster.New(pikamaster.Options{
			DBs: []pikamaster.DB{{Name: "db0", Dir: l.sim.Dir(), End: l.end}}, FileSize: 1 << 20, Forbidden: func(text string) { l.Errorf("forbidden: %s", text) },
		})
		l.Cleanup(l.servers[i].Stop)
		at := []string{host + ":0", host + ":0"}
		for n, port := range ports {
			at[n] = net.JoinHostPort(host, port)
		}
		address, replica, err := l.servers[i].ListenOn(at[0], at[1])
		if err != nil {
			l.Fatal(err)
		}
		_, ordinary, _ := net.SplitHostPort(address)
		_, replication, _ := net.SplitHostPort(replica)
		ports = []string{ordinary, replication}
	}
	return fmt.Sprintf("pika://127.0.0.1:%s,127.0.0.2:%s?repl-port=%s&start-timeout=1m", ports[0], ports[0], ports[1])
}

func (l *longRun) end() decode.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sim.Position()
}

// write writes about a thousand records a second.
func (l *longRun) write(stop, ended chan struct{}) {
	defer close(ended)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		l.mu.Lock()
		for range 10 {
			if err := l.sim.Command("SET", strconv.Itoa(l.written), strings.Repeat("v", l.written%1000)); err != nil {
				l.Error(err)
			}
			l.written++
		}
		l.mu.Unlock()
		for _, m := range l.servers {
			m.Wake()
		}
	}
}

// act does one thing to the run or to the servers. It says whether the run was killed.
func (l *longRun) act(p *clitest.Program) (killed bool) {
	switch l.random.IntN(6) {
	case 0:
		l.kills++
		p.Kill()
		return true
	case 1:
		l.restarts++
		l.servers[l.random.IntN(2)].Kill(false)
	case 2:
		l.start()
		l.failovers++
		l.down = l.random.IntN(2)
		l.servers[l.down].Kill(true)
	case 3:
		l.start()
	case 4:
		l.stops++
		p.Signal(syscall.SIGSTOP)
		p.After(l.random, 25*time.Second) // some of it is more than a server waits
		p.Signal(syscall.SIGCONT)
	default:
		l.purge()
	}
	return false
}

// start starts the server that is down.
func (l *longRun) start() {
	if l.down >= 0 {
		l.servers[l.down].Start()
		l.down = -1
	}
}

// purge removes what a server may: the last ten segments stay, and all that are not acknowledged. Without a reader nothing is removed, for that
// would be a gap, which is another test.
func (l *longRun) purge() {
	l.mu.Lock()
	last := l.sim.Position().Segment
	l.mu.Unlock()
	var upTo uint32
	for _, m := range l.servers {
		acked, ok := m.Acked("db0")
		if ok && (upTo == 0 || acked.Segment < upTo) {
			upTo = acked.Segment
		}
	}
	if upTo == 0 || last < 10 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before, _ := l.sim.Segments()
	if err := l.sim.PurgeTo(min(upTo-1, last-10)); err != nil {
		l.Error(err)
	}
	after, _ := l.sim.Segments()
	l.purged += len(before) - len(after)
}

// compare finds each event once, in order.
func (l *longRun) compare(out string) {
	l.Helper()
	b, err := os.ReadFile(out)
	if err != nil {
		l.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); n++ {
		var e struct{ Key string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Key != strconv.Itoa(n) {
			l.Fatalf("event %d has key %q: %v", n, e.Key, err)
		}
	}
	if n != l.written {
		l.Errorf("%d events, want %d", n, l.written)
	}
}
