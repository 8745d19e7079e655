//go:build redis && unix

package torture

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikakeys"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/words"
)

// startCluster starts three servers that have a part of the slots each.
func startCluster(t *testing.T) []*redisServer {
	t.Helper()
	var nodes []*redisServer
	var addresses []string
	for range 3 {
		_, bus, err := net.SplitHostPort(freeAddress(t))
		if err != nil {
			t.Fatal(err)
		}
		s := startRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "5000")
		nodes, addresses = append(nodes, s), append(addresses, s.address)
	}
	redisCLI(t, append(append([]string{"--cluster", "create"}, addresses...), "--cluster-yes")...)
	untilWhole(t, nodes)
	return nodes
}

// untilWhole waits until each node says that the cluster is whole.
func untilWhole(t *testing.T, nodes []*redisServer) {
	t.Helper()
	until(t, "the cluster is there", func() bool {
		return !slices.ContainsFunc(nodes, func(s *redisServer) bool {
			info, err := redis.String(s.ask("CLUSTER", "INFO"))
			return err != nil || !strings.Contains(info, "cluster_state:ok")
		})
	})
}

// until waits for something.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	timeout := time.After(clitest.Patience)
	for tick := time.NewTicker(5 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within %v: %s", clitest.Patience, what)
		}
	}
}

func redisCLI(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "redis-cli", args...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// scatteredTraces is a log whose records count up, each in a list of one of many keys, with a flush in it. Its keys e* have deadlines of long ago.
func scatteredTraces(t *testing.T) (dir string, want map[string][]int) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 16})
	want = map[string][]int{}
	for i := range redisRecords {
		key := fmt.Sprintf("t%d", i%97)
		if i == redisRecords/3 {
			w.Command("FLUSHALL")
			clear(want)
		}
		w.Command("RPUSH", key, strconv.Itoa(i))
		w.Command("MSET", fmt.Sprintf("a%d", i%31), strconv.Itoa(i), fmt.Sprintf("b%d", i%37), strings.Repeat("v", i%200))
		w.Command("SET", fmt.Sprintf("e%d", i%50), "v", "EX", "100")
		want[key] = append(want[key], i)
	}
	dir = t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

// traces are the lists of all nodes, where no key has outlived its deadline.
func traces(t *testing.T, nodes []*redisServer) map[string][]int {
	t.Helper()
	all := map[string][]int{}
	for _, s := range nodes {
		keys, err := redis.Strings(s.ask("KEYS", "t*"))
		if err != nil {
			t.Fatal(err)
		}
		if late, err := redis.Strings(s.ask("KEYS", "e*")); err != nil || len(late) > 0 {
			t.Errorf("these are there after their deadline: %v, %v", late, err)
		}
		for _, key := range keys {
			if all[key], err = redis.Ints(s.ask("LRANGE", key, 0, -1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// keysOf is how many keys the nodes have, which grows at first.
func keysOf(nodes []*redisServer) (n int) {
	for _, s := range nodes {
		size, _ := redis.Int(s.ask("DBSIZE"))
		n += size
	}
	return n
}

// TestRedisClusterMoves starts while the first node that is named is down, and lets slots move from node to node while a log is replayed: each event is
// done once, in the order of its key.
func TestRedisClusterMoves(t *testing.T) {
	nodes := startCluster(t)
	dir, want := scatteredTraces(t)
	nodes[0].kill()
	p := clitest.Start(t, nil, "convert", dir, "-o", "redis://"+nodes[0].address+","+nodes[1].address+","+nodes[2].address, "--rate", "6000")
	p.Until("the slots of the first node are missed", func() bool { return p.Says("the node " + nodes[0].address + ": ") })
	nodes[0].start()
	untilWhole(t, nodes)
	p.Until("keys", func() bool { return keysOf(nodes) > 50 })
	for i := range 2 { // a flush waits until no slot is on its way
		to, err := redis.String(nodes[i%3].ask("CLUSTER", "MYID"))
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the nodes agree who has which slot", func() bool {
			return exec.CommandContext(t.Context(), "redis-cli", "--cluster", "check", nodes[0].address).Run() == nil
		})
		redisCLI(t, "--cluster", "reshard", nodes[i%3].address, "--cluster-from", "all", "--cluster-to", to, "--cluster-slots", "300", "--cluster-yes")
	}
	p.Exits(0)
	if diff := cmp.Diff(want, traces(t, nodes)); diff != "" {
		t.Errorf("(-want +got)\n%.3000s", diff)
	}
}

// TestRedisClusterTorture kills pikabin and nodes again and again: nothing is lost, and what comes again does so in order.
func TestRedisClusterTorture(t *testing.T) {
	nodes := startCluster(t)
	dir, want := scatteredTraces(t)
	random := rand.New(rand.NewPCG(*tortureSeed, 2))
	args := []string{"convert", dir, "-o", "redis://" + nodes[1].address, "--state", filepath.Join(t.TempDir(), "state"), "--rate", "6000"}
	for n := range 4 {
		p := clitest.Start(t, nil, args...)
		p.Until("keys", func() bool { return keysOf(nodes) > 40*n })
		if n%2 == 0 {
			s := nodes[random.IntN(3)]
			s.kill()
			p.Until("a node is missed", func() bool { return p.Says("trying again") })
			s.start()
		}
		p.Kill()
	}
	clitest.Start(t, nil, args...).Exits(0)
	got := traces(t, nodes)
	for key, numbers := range want {
		next := 0
		for _, n := range got[key] {
			i := slices.Index(numbers, n)
			if i < 0 || i > next {
				t.Fatalf("%s: %d comes after %d: %v", key, n, next, got[key])
			}
			next = i + 1
		}
		if next != len(numbers) {
			t.Errorf("%s: the end is %d of %d", key, next, len(numbers))
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d lists, want %d", len(got), len(want))
	}
}

// TestRedisClusterHoldsWhatPikaHeld replays random commands of some versions: the nodes together have every key, with its deadline. What is for keys of
// several slots is left out of the log.
func TestRedisClusterHoldsWhatPikaHeld(t *testing.T) {
	nodes := startCluster(t)
	for version, generation := range map[string]decode.Generation{"2.3.6": decode.G2, "3.2.9": decode.G3, "4.0.1": decode.G5} {
		r := rand.New(rand.NewPCG(7, 7))
		w, s := binlogtest.NewWriter(binlogtest.Options{Generation: generation}), pikakeys.New(version, binlogtest.DefaultTime)
		for range 6000 {
			argv := s.Random(r)
			argv[0] = strings.ToLower(argv[0])
			if slot, _ := cluster.Place(words.Append(nil, argv...)); slot == cluster.Torn && !slices.Contains([]string{"del", "unlink", "mset"}, argv[0]) {
				continue
			}
			for _, record := range s.Do(argv...) {
				w.Commands(record...)
			}
			step := max(0, r.IntN(15)-13)
			s.Now += int64(step)
			w.Advance(step)
		}
		dir := t.TempDir()
		if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
			t.Fatal(err)
		}
		for _, node := range nodes {
			if _, err := node.ask("FLUSHALL"); err != nil {
				t.Fatal(err)
			}
		}
		p := clitest.Start(t, nil, "convert", dir, "-o", "redis://"+nodes[2].address+"?deadlines=hold", "--on-refused", "skip")
		p.Exits(0)
		var got []string
		for _, node := range nodes {
			lines, err := redis.String(node.ask("EVAL", pikakeys.RedisShows+`return table.concat(out, '\n')`, 0, s.Now*1000))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Split(lines, "\n")...)
		}
		got = slices.DeleteFunc(got, func(line string) bool { return line == "" || strings.HasPrefix(line, "__pikabin") })
		slices.Sort(got)
		if diff := cmp.Diff(s.Shown(), got); diff != "" {
			t.Errorf("%s (-in Pika +in the cluster)\n%s", version, diff)
		}
		t.Logf("%s: %d keys", version, len(got))
	}
}
