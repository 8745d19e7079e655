package redis_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/google/go-cmp/cmp"

	"pikabin/encode/output/redis"
	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/sink"
	"pikabin/formats"
)

// scatteredLog has events for keys of many slots, and what they are in the end. Each text tells in which order its events were done, and whether twice.
func scatteredLog(t *testing.T, records int, r *rand.Rand) (dir string, want map[string]string) {
	t.Helper()
	want = map[string]string{}
	var commands [][]string
	set := func(key, text string) string {
		want[key] = text
		return text
	}
	for i := range records {
		key, mark := fmt.Sprintf("t%d", r.IntN(30)), fmt.Sprintf("%d,", i)
		switch kind := r.IntN(10); {
		case i == records/3 || i == records/2:
			clear(want)
			commands = append(commands, []string{"FLUSHDB"})
		case kind == 0:
			commands = append(commands, []string{"MSET", key, set(key, mark), "m1", set("m1", mark), "m2", set("m2", mark)})
		case kind == 1:
			commands = append(commands, []string{"DEL", key, "m1", "none"})
			delete(want, key)
			delete(want, "m1")
		default:
			commands = append(commands, []string{"APPEND", key, mark})
			set(key, want[key]+mark)
		}
	}
	return logOf(t, map[string][][]string{"db0": commands}), want
}

// split is a format whose commands have one key each.
func split() formats.Format {
	own, _ := formats.Lookup("resp")
	whole := own.New
	own.New = func(o formats.Options) formats.Encoder {
		o.SplitKeys = true
		return whole(o)
	}
	return own
}

// TestCluster sends each command to the node of its key, a flush to all, while slots move: each is done once, in the order of its key.
func TestCluster(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 13))
		dir, want := scatteredLog(t, 800, r)
		f, commands := newFakeCluster(t, 3), 0
		f.before = func(node, slot int, _ *server.Peer) string {
			_, moving := f.moving[slot]
			switch commands++; {
			case seed == 0 || f.owner[slot] != node: // without moves
			case moving && commands%3 == 0:
				f.arrive(slot)
			case commands%40 == 0 && !moving:
				f.depart(slot, (node+1+r.IntN(2))%3)
			}
			return ""
		}
		if err := (&run{own: split()}).convert(t, dir, f.target("")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.texts(t)); diff != "" {
			t.Errorf("seed %d (-want +got):\n%s", seed, diff)
		}
		if seed > 0 && (f.asks == 0 || f.moves == 0) {
			t.Errorf("seed %d: %d ASK, %d MOVED", seed, f.asks, f.moves)
		}
		for i, node := range f.nodes {
			if len(node.Keys()) == 0 {
				t.Errorf("seed %d: node %d has no keys", seed, i)
			}
		}
	}
}

// TestClusterOnceMore ends connections: what the other nodes have answered is not done again.
func TestClusterOnceMore(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 14))
		dir, want := scatteredLog(t, 400, r)
		f, cuts, broken := newFakeCluster(t, 3), 0, int(seed)%3
		commands := 0
		f.before = func(node, _ int, c *server.Peer) string {
			if node != broken {
				return ""
			}
			if commands++; commands%97 == 0 {
				cuts++
				c.Close()
				return noReply
			}
			return ""
		}
		if err := (&run{own: split()}).convert(t, dir, f.target("")); err != nil {
			t.Fatal(err)
		}
		got := f.texts(t)
		for key, text := range want {
			if f.owner[cluster.Slot([]byte(key))] != broken && got[key] != text {
				t.Errorf("seed %d: %s is %s at a node that did not fail, want %s", seed, key, got[key], text)
			}
			if !strings.HasSuffix(got[key], text[strings.LastIndexByte(strings.TrimSuffix(text, ","), ',')+1:]) {
				t.Errorf("seed %d: the end of %s is missing in %s, want %s", seed, key, got[key], text)
			}
		}
		if cuts == 0 || len(got) != len(want) {
			t.Errorf("seed %d: %d cuts, %d keys, want %d", seed, cuts, len(got), len(want))
		}
	}
}

// TestClusterSeeds names hosts of which the first ones refuse connections, end them, or say nothing: the run starts by the first node that answers.
func TestClusterSeeds(t *testing.T) {
	dir, want := scatteredLog(t, 100, rand.New(rand.NewPCG(1, 1)))
	f := newFakeCluster(t, 3)
	r := &run{own: split()}
	seeds := []string{"127.0.0.1:1", deaf(t, false), deaf(t, true)}
	for range 50 { // so many make the share of each short, and a node that is slow for once is asked again
		seeds = append(seeds, f.nodes[2].Addr(), f.nodes[0].Addr())
	}
	if err := r.convert(t, dir, "redis://"+strings.Join(seeds, ",")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.texts(t)); diff != "" || r.monitor.String() != "" {
		t.Errorf("%s (-want +got):\n%s", r.monitor.String(), diff)
	}
}

// deaf is the address of a host that answers nothing, and ends connections or holds them.
func deaf(t *testing.T, holds bool) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var over sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		over.Wait()
	})
	over.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if holds {
				defer func() { _ = conn.Close() }()
			} else {
				_ = conn.Close()
			}
		}
	})
	return listener.Addr().String()
}

// TestClusterWithoutSeeds names each host that does not answer, once the time of the start is over.
func TestClusterWithoutSeeds(t *testing.T) {
	first, second := deaf(t, false), deaf(t, true)
	r := &run{}
	_, err := openRun(t, r, "redis://"+first+","+second+"?start-timeout=50ms")
	for _, want := range []string{"redis: " + first + "," + second + ": ", "the node " + first + ": ", "the node " + second + ": "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not have %q", err, want)
		}
	}
	if !strings.Contains(r.monitor.String(), "trying again for up to 50ms") {
		t.Error(r.monitor.String())
	}
}

// TestClusterReplicas has replicas that are late, and take over from nodes that fail, without what they lack: that is done again, in the order of its key.
func TestClusterReplicas(t *testing.T) {
	for seed := range uint64(3) {
		dir, want := scatteredLog(t, 300, rand.New(rand.NewPCG(seed, 15)))
		f, commands, waits, losses := newFakeCluster(t, 3), 0, 0, 0
		var replicas [3]map[string]string
		var late atomic.Bool // it was told
		f.wait = func(node int) int {
			if waits++; waits > 2 && !late.Load() {
				return 0
			}
			replicas[node] = f.textsOf(node)
			return 1
		}
		f.before = func(node, _ int, c *server.Peer) string {
			if commands++; commands%(40+int(seed)) != 0 || losses == 4 {
				return ""
			}
			losses++
			f.succeed(node, replicas[node])
			c.Close()
			return noReply
		}
		r := &run{own: split()}
		r.monitor.OnWait = func(why error) {
			if why != nil && strings.Contains(why.Error(), "0 replicas have what was sent, and 1 have to (option replicas)") {
				late.Store(true)
			}
		}
		if err := r.convert(t, dir, f.target("replicas=1&rate=1000")); err != nil {
			t.Fatal(err)
		}
		got := f.texts(t)
		for key, text := range want {
			checkInOrder(t, key, got[key], text)
		}
		if losses < 4 || len(got) != len(want) || !late.Load() {
			t.Errorf("%d losses, %d keys, want %d: told that a replica is late: %v", losses, len(got), len(want), late.Load())
		}
	}
}

// checkInOrder allows that parts of a text are there more than once, and none before another one that is before it.
func checkInOrder(t *testing.T, key, got, want string) {
	t.Helper()
	marks, next := strings.Split(want, ","), 0
	for mark := range strings.SplitSeq(got, ",") {
		i := slices.Index(marks, mark)
		if i < 0 || i > next {
			t.Errorf("%s: %s comes too early in %s, want %s", key, mark, got, want)
			return
		}
		next = i + 1
	}
	if next != len(marks) {
		t.Errorf("%s: the end is missing in %s, want %s", key, got, want)
	}
}

// TestClusterSilence has a node that answers nothing any more: it is given up after a time.
func TestClusterSilence(t *testing.T) {
	dir, want := scatteredLog(t, 100, rand.New(rand.NewPCG(1, 1)))
	f := newFakeCluster(t, 3)
	var silent *server.Peer
	f.before = func(node, _ int, c *server.Peer) string {
		if node == 1 && silent == nil {
			silent = c
		}
		if c == silent {
			return noReply
		}
		return ""
	}
	r := &run{own: split()}
	if err := r.convert(t, dir, f.target("answer-timeout=100ms")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.texts(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if said := r.monitor.String(); !strings.Contains(said, "the node "+f.nodes[1].Addr()+": it has not answered") {
		t.Error(said)
	}
}

// TestClusterLater has nodes that do something later: it is told, and done.
func TestClusterLater(t *testing.T) {
	for _, text := range []string{"CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys request during rehashing of slot", "READONLY You can't write", "LOADING x"} {
		dir, want := scatteredLog(t, 100, rand.New(rand.NewPCG(1, 1)))
		f, left := newFakeCluster(t, 3), 3
		f.before = func(node, _ int, _ *server.Peer) string {
			if node == 1 && left > 0 {
				left--
				return text
			}
			return ""
		}
		r := &run{own: split()}
		if err := r.convert(t, dir, f.target("")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.texts(t)); diff != "" || left > 0 {
			t.Errorf("%s, %d left (-want +got):\n%s", text, left, diff)
		}
	}
}

// TestClusterRefuses names an event whose keys are at several nodes, and leaves it out if it is to.
func TestClusterRefuses(t *testing.T) {
	dir := logOf(t, map[string][][]string{"db0": {{"SET", "a", "1"}, {"RPOPLPUSH", "a", "b"}, {"SMOVE", "{x}1", "{x}2", "m"}, {"SET", "b", "2"}}})
	f := newFakeCluster(t, 3)
	err := (&run{own: split()}).convert(t, dir, f.target(""))
	if refused, ok := errors.AsType[*redis.RefusedError](err); !ok || refused.Command != "RPOPLPUSH a b" || !strings.Contains(err.Error(), "several slots") {
		t.Error(err)
	}
	r := &run{own: split(), settings: map[string]string{"on-refused": "skip"}}
	if err := r.convert(t, dir, f.target("")); err != nil {
		t.Error(err)
	}
	if got := f.texts(t); !maps.Equal(got, map[string]string{"a": "1", "b": "2"}) || !strings.Contains(r.monitor.String(), "left out the event of db0") {
		t.Errorf("%v: %s", got, r.monitor.String())
	}
}

// TestClusterAtStart refuses what a cluster cannot do.
func TestClusterAtStart(t *testing.T) {
	f, dir := newFakeCluster(t, 3), logOf(t, map[string][][]string{"db0": {{"SET", "a", "1"}}})
	if err := (&run{settings: once}).convert(t, dir, f.target("")); !errors.Is(err, settings.ErrClusterOnce) {
		t.Error(err)
	}
	single := newFake(t)
	_, err := openRun(t, &run{}, "redis://"+single.address+","+f.nodes[0].Addr()+"?target=redis")
	if _, misuse := errors.AsType[*sink.TargetError](err); !misuse || !strings.Contains(err.Error(), single.address+" is no node of one: name one server") {
		t.Error(err)
	}
	_, err = openRun(t, &run{env: sink.Env{DBs: []string{"db0", "db2"}}}, f.target(""))
	if _, misuse := errors.AsType[*sink.TargetError](err); !misuse || !strings.Contains(err.Error(), "dbs=db2=0") {
		t.Error(err)
	}
}
