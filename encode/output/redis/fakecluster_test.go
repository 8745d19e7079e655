package redis_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/words"
)

// fakeCluster are servers in this process that have slots, as the nodes of a cluster.
type fakeCluster struct {
	nodes []*miniredis.Miniredis

	mu     sync.Mutex
	owner  [cluster.Slots]int
	moving map[int]int // slots that are on their way, and to whom
	asked  map[*server.Peer]bool
	asks   int // replies of this kind
	moves  int

	// before, if set, is called before each command with keys of a slot, while nothing else is done at the node. What it gives is the reply.
	before func(node, slot int, c *server.Peer) string

	// wait is how many replicas have what a node has done.
	wait func(node int) int
}

// noReply is in the place of a reply.
const noReply = "-"

func newFakeCluster(t *testing.T, nodes int) *fakeCluster {
	t.Helper()
	f := &fakeCluster{moving: map[int]int{}, asked: map[*server.Peer]bool{}}
	for i := range f.owner {
		f.owner[i] = i * nodes / cluster.Slots
	}
	for node := range nodes {
		m := miniredis.RunT(t)
		m.Server().SetPreHook(func(c *server.Peer, name string, args ...string) bool {
			return f.hook(node, c, strings.ToUpper(name), args)
		})
		f.nodes = append(f.nodes, m)
	}
	return f
}

func (f *fakeCluster) target(options string) string {
	return "redis://" + f.nodes[0].Addr() + "?" + options
}

// hook answers what miniredis does not know, and sends on what is another node's.
func (f *fakeCluster) hook(node int, c *server.Peer, name string, args []string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch name {
	case "INFO":
		c.WriteBulk("redis_version:7.0.15\r\ncluster_enabled:1\r\n")
	case "CLIENT":
		c.WriteError("ERR unknown command")
	case "WAIT":
		c.WriteInt(f.wait(node))
	case "ASKING":
		f.asked[c] = true
		c.WriteOK()
	case "CLUSTER":
		if strings.EqualFold(args[0], "NODES") {
			f.writeNodes(c, node)
		} else {
			f.writeSlots(c)
		}
	default:
		slot, _ := cluster.Place(words.Append(nil, append([]string{name}, args...)...))
		text := ""
		if slot >= 0 && f.before != nil {
			text = f.before(node, slot, c)
		}
		if slot >= 0 && text == "" {
			text = f.elsewhere(node, slot, c, args[0])
		}
		if text != "" && text != noReply {
			c.WriteError(text)
		}
		return text != ""
	}
	return true
}

// elsewhere is what a node says whose key is another one's.
func (f *fakeCluster) elsewhere(node, slot int, c *server.Peer, key string) string {
	asked := f.asked[c]
	delete(f.asked, c)
	to, moving := f.moving[slot]
	switch {
	case asked && moving && to == node:
		return ""
	case f.owner[slot] != node:
		f.moves++
		return fmt.Sprintf("MOVED %d %s", slot, f.nodes[f.owner[slot]].Addr())
	case moving && !f.nodes[node].Exists(key):
		f.asks++
		return fmt.Sprintf("ASK %d %s", slot, f.nodes[to].Addr())
	}
	return ""
}

func (f *fakeCluster) writeSlots(c *server.Peer) {
	begin := 0
	var ranges [][2]int
	for i := range f.owner {
		if i+1 == len(f.owner) || f.owner[i+1] != f.owner[i] {
			ranges = append(ranges, [2]int{begin, i})
			begin = i + 1
		}
	}
	c.WriteLen(len(ranges))
	for _, r := range ranges {
		_, port, _ := net.SplitHostPort(f.nodes[f.owner[r[0]]].Addr())
		n, _ := strconv.Atoi(port)
		c.WriteLen(3)
		c.WriteInt(r[0])
		c.WriteInt(r[1])
		c.WriteLen(3)
		c.WriteNull() // its host is that of the one who was asked
		c.WriteInt(n)
		c.WriteBulk("id")
	}
}

// writeNodes says which slots are on their way. Who asks has waited for all answers, and so they arrive then.
func (f *fakeCluster) writeNodes(c *server.Peer, node int) {
	line := []byte("other 127.0.0.1:1 slave id 0 0 1 connected [1-<-x]\n")
	line = fmt.Appendf(line, "id%d %s myself,master - 0 0 1 connected 0-1", node, f.nodes[node].Addr())
	for slot, to := range f.moving {
		line = fmt.Appendf(line, " [%d->-id%d]", slot, to)
		f.arrive(slot)
	}
	c.WriteBulk(string(line) + "\n")
}

// depart lets a slot be on its way, with its keys at the other node already. It is called where nothing is done at the first one.
func (f *fakeCluster) depart(slot, to int) {
	from := f.nodes[f.owner[slot]]
	for _, key := range from.Keys() {
		if cluster.Slot([]byte(key)) != slot {
			continue
		}
		text, err := from.Get(key)
		if err != nil || f.nodes[to].Set(key, text) != nil {
			continue
		}
		from.Del(key)
	}
	f.moving[slot] = to
}

// arrive ends it.
func (f *fakeCluster) arrive(slot int) {
	f.owner[slot] = f.moving[slot]
	delete(f.moving, slot)
}

// textsOf are the keys of a node.
func (f *fakeCluster) textsOf(node int) map[string]string {
	all := map[string]string{}
	for _, key := range f.nodes[node].Keys() {
		all[key], _ = f.nodes[node].Get(key)
	}
	return all
}

// succeed lets a replica be in the place of a node, which has less.
func (f *fakeCluster) succeed(node int, texts map[string]string) {
	f.nodes[node].FlushAll()
	for key, text := range texts {
		_ = f.nodes[node].Set(key, text) // of a server that is there
	}
}

// texts are all keys, each at one node.
func (f *fakeCluster) texts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, node := range f.nodes {
		for _, key := range node.Keys() {
			if _, twice := all[key]; twice {
				t.Errorf("two nodes have the key %s", key)
			}
			text, err := node.Get(key)
			if err != nil {
				t.Error(err)
			}
			all[key] = text
		}
	}
	return all
}
