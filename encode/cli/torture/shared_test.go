//go:build etcd && unix

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

// hosts is how many pikabins share a state.
const hosts = 3

// sharedTTL is how long a holder may not be heard of there.
const sharedTTL = 2 * time.Second

// sharedScenarios are the states and outputs that are tortured.
func sharedScenarios(t *testing.T) []sharedScenario {
	t.Helper()
	nodes := os.Getenv("PIKABIN_TEST_ETCD")
	if nodes == "" {
		t.Fatal("PIKABIN_TEST_ETCD is empty: run scripts/etcd.sh test")
	}
	key := fmt.Sprintf("torture/%016x", rand.Uint64())
	inEtcd := func(name string) string { return fmt.Sprintf("etcd://%s/%s/%s?ttl=%s", nodes, key, name, sharedTTL) }
	inBucket := func(name string) string {
		return fmt.Sprintf("s3://bucket/%s/%s?ttl=%s&region=us-east-1&endpoint=%s", key, name, sharedTTL, os.Getenv("PIKABIN_TEST_S3"))
	}
	roll := []string{"--roll-size", "30KiB", "--roll-interval", "300ms"}
	return []sharedScenario{
		{name: "own-disks-etcd", state: inEtcd("own"), output: "changes/", own: true, args: roll},
		{name: "folder-etcd", state: inEtcd("folder"), output: "changes/", args: roll},
		{name: "s3-etcd", state: inEtcd("s3"), bucket: true, args: append([]string{"--compress", "zstd"}, roll...)},
		{name: "s3-s3", state: inBucket("s3"), bucket: true, args: roll},
		{name: "folder-s3", state: inBucket("folder"), output: "changes/", args: append([]string{"--partition", "hive", "--compress", "zstd"}, roll...)},
	}
}

type sharedScenario struct {
	name, state, output string
	bucket              bool
	own                 bool // each host has a disk of its own
	args                []string
}

// TestRealEtcdTorture has several pikabins share a state, and an output, beside a live writer. They are killed with -9, stand still for longer than
// they may, and end by themselves, while nodes of etcd are killed and stand still. What a lister has seen, and what there is in the end, is
// compared with what was committed.
func TestRealEtcdTorture(t *testing.T) {
	for _, s := range sharedScenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			if !strings.Contains(s.name, *tortureOnly) {
				t.Skip("not asked for")
			}
			t.Parallel()
			s.torture(t)
		})
	}
	breakNodes(t)
}

// cluster is several pikabins with one state.
type cluster struct {
	*round
	sharedScenario
	programs []*clitest.Program
	starts   int
	disks    []clitest.Host // of each host, if it has its own

	fenced, takeovers int
	took              []time.Duration // from the kill of a holder until another one holds
}

func (s sharedScenario) torture(t *testing.T) {
	c := &cluster{sharedScenario: s, programs: make([]*clitest.Program, hosts)}
	of := scenario{name: s.name, output: s.output, writer: []string{"--value-size", "10..200", "--rate", "150", "--duration", "4h"}}
	listed := func() {}
	if s.bucket {
		rig := newS3Rig(t)
		of.output = rig.target
		stop := rig.watch(t)
		listed = func() { c.checkBucket(rig, stop()) }
	}
	c.round = newRound(t, of, roundDir(t), *tortureSeed)
	if s.own {
		c.giveDisks()
	}
	if !s.bucket {
		watched := c.consume()
		listed = func() { watched(); c.check() }
	}
	for i := range c.programs {
		c.start(i)
	}
	most := max(*tortureKills, 4)
	for deadline := time.Now().Add(*tortureTime); (c.kills < most || c.stops < most) && time.Now().Before(deadline) && !t.Failed(); {
		c.act()
	}
	c.end()
	listed()
	slices.Sort(c.took)
	t.Logf("%s: %d kills, %d stops, %d processes, %d fenced, %d records, 0 missing, 0 twice; taken over after a kill in %s at the median, %s at most, with ttl %s",
		s.name, c.kills, c.stops, c.starts, c.fenced, c.records, c.median(), c.most(), sharedTTL)
}

// giveDisks gives each host a folder of its own, where the output is. What a lister sees is all of them.
func (c *cluster) giveDisks() {
	if !clitest.HasHosts(c) {
		c.Skip("this machine has no namespaces for a test: unshare --map-root-user --mount --uts")
	}
	c.parts = nil
	for i := range hosts {
		h := clitest.Host{Name: fmt.Sprintf("host%d", i), Disk: filepath.Join(c.dir, fmt.Sprintf("disk%d", i)), Place: c.outputDir()}
		if err := os.Mkdir(h.Disk, 0o755); err != nil {
			c.Fatal(err)
		}
		c.disks, c.parts = append(c.disks, h), append(c.parts, h.Disk)
	}
}

func (c *cluster) median() time.Duration {
	if len(c.took) == 0 {
		return 0
	}
	return c.took[len(c.took)/2].Round(10 * time.Millisecond)
}

func (c *cluster) most() time.Duration {
	if len(c.took) == 0 {
		return 0
	}
	return c.took[len(c.took)-1].Round(10 * time.Millisecond)
}

// start starts a pikabin in the place of one that has ended.
func (c *cluster) start(i int, more ...string) {
	c.starts++
	output := c.round.output
	if !c.bucket {
		output = c.path(output) + "/"
	}
	args := slices.Concat([]string{"tail", c.log(), "--from", "start", "--state", c.sharedScenario.state, "--standby", "-o", output, "--progress", "never"}, c.sharedScenario.args, more)
	if c.disks != nil {
		c.programs[i] = c.disks[i].Start(c, args...)
		return
	}
	c.programs[i] = clitest.Start(c, nil, args...)
}

// reap starts anew what has ended by itself, which only a run that was fenced does.
func (c *cluster) reap() {
	for i, p := range c.programs {
		if p.Alive() {
			continue
		}
		code := p.Wait()
		if code != exit.Locked {
			c.Fatalf("%v: exit code %d:\n%s", p.Cmd.Args, code, &p.Messages)
		}
		c.fenced++
		c.start(i)
	}
}

const claimed = " is claimed by "

// holder is the pikabin that has claimed the state last.
func (c *cluster) holder() (at int, term int) {
	at = -1
	for i, p := range c.programs {
		text := p.Messages.String()
		_, claim, ok := strings.Cut(text, claimed)
		if !ok {
			continue
		}
		_, number, _ := strings.Cut(claim, "term ")
		number, _, _ = strings.Cut(number, ":")
		n, err := strconv.Atoi(number)
		if err != nil {
			c.Fatalf("no term in %q", claim)
		}
		if n > term {
			at, term = i, n
		}
	}
	return at, term
}

// pick is the holder, most of the time.
func (c *cluster) pick() int {
	if at, _ := c.holder(); at >= 0 && c.random.IntN(4) > 0 {
		return at
	}
	return c.random.IntN(hosts)
}

// act lets some time pass, and does something to one of them.
func (c *cluster) act() {
	time.Sleep(time.Duration(c.random.Int64N(int64(2 * time.Second))))
	c.reap()
	i := c.pick()
	switch n := c.random.IntN(10); {
	case n < 4:
		c.killOne(i)
	case n < 9:
		c.standStill(i)
	default:
		c.endOne(c.programs[i])
		c.start(i)
	}
}

// killOne kills one. If it was the holder, the time is taken until another one is.
func (c *cluster) killOne(i int) {
	at, term := c.holder()
	begun := time.Now()
	c.programs[i].Kill()
	c.kills++
	if at == i && c.random.IntN(2) == 0 {
		for time.Since(begun) < 10*sharedTTL {
			if _, now := c.holder(); now > term {
				c.took = append(c.took, time.Since(begun))
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	c.start(i)
}

// standStill stops one for a time that may be longer than it may not be heard of.
func (c *cluster) standStill(i int) {
	p := c.programs[i]
	p.Signal(syscall.SIGSTOP)
	time.Sleep(time.Duration(c.random.Int64N(int64(2 * sharedTTL))))
	p.Signal(syscall.SIGCONT)
	c.stops++
}

// endOne tells one to end. One that has just been started may not have come to listen to that.
func (c *cluster) endOne(p *clitest.Program) {
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 && code != exit.Locked && code != -int(syscall.SIGTERM) {
		c.Fatalf("%v: exit code %d at its end:\n%s", p.Cmd.Args, code, &p.Messages)
	}
}

// end lets one of them write all that there is, when the writer and the others have ended.
func (c *cluster) end() {
	c.writer.Quit()
	for _, p := range c.programs {
		c.endOne(p)
	}
	for i := range max(len(c.disks), 1) { // what a host alone has it shows when it is back
		c.start(i, "--idle-exit", "500ms")
		c.programs[i].Exits(0)
	}
	if len(c.disks) == 0 {
		return
	}
	if left, err := visibleParts(c.outputDir()); err != nil || len(left) > 0 {
		c.Errorf("beside the disks of the hosts there is %q, %v", left, err)
	}
}

// checkBucket compares what there is in the bucket with what was committed.
func (c *cluster) checkBucket(g *rig, listings int) {
	c.records = g.holds(c.T, readHistory(c, c.journal(), c.log()))
	c.Logf("%s: %d listings, %d objects", c.name, listings, len(g.tags))
}

// breakNodes kills and stops a node of etcd now and then, one at a time, until the test is over. Two of the three work on, so the next one is broken
// once the one before answers again.
func breakNodes(t *testing.T) {
	t.Helper()
	nodes := strings.Split(os.Getenv("PIKABIN_TEST_ETCD"), ",")
	dir := os.Getenv("PIKABIN_TEST_ETCD_DIR")
	random := rand.New(rand.NewPCG(*tortureSeed, 3))
	stop := make(chan struct{})
	var work sync.WaitGroup
	kills, stops := 0, 0
	work.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(2+random.IntN(5)) * time.Second):
			}
			node := random.IntN(len(nodes))
			pid := filepath.Join(dir, fmt.Sprintf("node%d.pid", node))
			if random.IntN(2) == 0 {
				signalNode(t, pid, syscall.SIGSTOP)
				time.Sleep(time.Duration(500+random.IntN(3000)) * time.Millisecond)
				signalNode(t, pid, syscall.SIGCONT)
				stops++
			} else {
				signalNode(t, pid, syscall.SIGKILL)
				kills++
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				startNode(t, dir, node)
			}
			awaitNode(t, nodes[node], stop)
		}
	})
	t.Cleanup(func() {
		close(stop)
		work.Wait()
		t.Logf("etcd: %d kills and %d stops of nodes", kills, stops)
	})
}

// awaitNode waits until a node takes part in its cluster again.
func awaitNode(t *testing.T, address string, stop <-chan struct{}) {
	t.Helper()
	for !answers(t, address) {
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// answers says whether a node has a leader.
func answers(t *testing.T, address string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", http.NoBody)
	if err != nil {
		t.Error(err)
		return true
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func signalNode(t *testing.T, path string, s syscall.Signal) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Error(err)
		return
	}
	_ = syscall.Kill(pid, s)
}

// startNode starts a node that was killed. It ends with the script.
func startNode(t *testing.T, dir string, node int) {
	t.Helper()
	cmd := exec.Command("bash", filepath.Join(dir, fmt.Sprintf("node%d.sh", node)))
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	go func() { _ = cmd.Wait() }()
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("node%d.pid", node)), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		t.Error(err)
	}
}
