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
	"pikabin/encode/cli/exit"
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
	ends    []decode.Position // of the records
	syncs   []int             // how many were written before each full sync

	kills, failovers, restarts, stops, purged int
}

// TestNetworkLong reads from a group of servers for a long time, while they are restarted, fail over to each other, purge their log and get another one
// by a full sync, and the run is killed and suspended. In the end the output has each event once, in order, but for those that a full sync has taken: these
// are in a range that is named.
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
	args := []string{"tail", source, "--from", "start", "--state", filepath.Join(work, "state"), "-o", out, "--on-gap", "skip"}
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
	last := clitest.Start(t, nil, append(args, "--idle-exit", "15s")...)
	if code := last.Wait(); code != 0 && code != exit.Gone { // a full sync may have come at the very end
		t.Fatalf("exit code %d: %s", code, &last.Messages)
	}
	l.compare(out)
	t.Logf("%d events; the run was killed %d times and suspended %d times, servers were down %d times and restarted %d times, %d segments were purged, %d full syncs",
		l.written, l.kills, l.stops, l.failovers, l.restarts, l.purged, len(l.syncs))
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
			l.ends = append(l.ends, l.sim.Position())
		}
		l.mu.Unlock()
		for _, m := range l.servers {
			m.Wake()
		}
	}
}

// act does one thing to the run or to the servers. It says whether the run was killed.
func (l *longRun) act(p *clitest.Program) (killed bool) {
	if l.random.IntN(20) == 0 {
		l.fullSync()
		return false
	}
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

// fullSync puts another history in the place of the log, as of a master that is a few segments further. The segments of the older one stay.
func (l *longRun) fullSync() {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := decode.Position{Segment: l.sim.Position().Segment + 3, Offset: l.random.Int64N(2) * l.random.Int64N(300000)}
	l.syncs = append(l.syncs, l.written)
	if err := l.sim.FullSync(to); err != nil {
		l.Error(err)
	}
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

// compare finds each event once, in order. What is missing is in ranges that are named, up to the first record after each.
func (l *longRun) compare(out string) {
	l.Helper()
	b, err := os.ReadFile(out)
	if err != nil {
		l.Fatal(err)
	}
	want, holes, missing := 0, 0, 0
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var e struct{ Op, Key, To string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			l.Fatal(err)
		}
		if e.To != "" {
			next := l.after(want, e.To)
			holes, missing, want = holes+1, missing+next-want, next
			l.Logf("%s", lines.Bytes())
			continue
		}
		if e.Key != strconv.Itoa(want) {
			l.Fatalf("event %d has key %q", want, e.Key)
		}
		want++
	}
	if want != l.written || holes > len(l.syncs) {
		l.Errorf("%d events, %d ranges are missing, want %d after %d full syncs", want, holes, l.written, len(l.syncs))
	}
	l.Logf("%d events were taken by full syncs", missing)
}

// after is the first record past the end of a range in which record n is missing: a full sync comes before it.
func (l *longRun) after(n int, to string) int {
	l.Helper()
	var from position
	from.parse(to)
	for _, sync := range l.syncs {
		for i := max(sync, n); i < len(l.ends) && sync >= n; i++ {
			at := position{l.ends[i].Segment, l.ends[i].Offset}
			if from.before(at) && at.segment == from.segment {
				return i
			}
			if from.segment < at.segment {
				break
			}
		}
	}
	return n // another full sync has come before the first one
}
