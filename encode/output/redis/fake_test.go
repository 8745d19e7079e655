package redis_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/redis"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// fake is a server in this process, and what is between it and the output.
type fake struct {
	*miniredis.Miniredis
	address string

	// cut ends a connection when so many bytes more have come to the server (up) or have left it; 0: never.
	up, down atomic.Int64
	away     atomic.Bool  // new connections end at once
	cuts     atomic.Int64 // how many there were
	carried  [2]atomic.Int64
	hush     atomic.Int64 // when so many commands more have come, the connection of the last one is not answered any more; 0: never
	loads    atomic.Int64 // so many commands are refused after a cut, as by a server that loads its data again

	mu    sync.Mutex
	peers []*server.Peer // by their numbers, which begin at 1
	dead  map[*server.Peer]bool
	names map[*server.Peer]string
	older int // peers that were there before the last cut

	info atomic.Pointer[string] // what it says of itself

	// refuse, if set, gives an error reply to a command, "" to let it pass.
	refuse atomic.Pointer[func(name string, args []string) string]
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{Miniredis: miniredis.RunT(t), dead: map[*server.Peer]bool{}, names: map[*server.Peer]string{}}
	f.Server().SetPreHook(func(c *server.Peer, name string, args ...string) bool {
		if f.hush.Add(-1) == 0 {
			f.silence(c)
		}
		if f.isDead(c) || strings.EqualFold(name, "CLIENT") && f.client(c, args) {
			return true
		}
		if info := f.info.Load(); info != nil && strings.EqualFold(name, "INFO") {
			c.WriteBulk(*info)
			return true
		}
		if f.isNew(c) && f.loads.Add(-1) >= 0 {
			c.WriteError("LOADING Redis is loading the dataset in memory")
			return true
		}
		refuse := f.refuse.Load()
		if refuse == nil {
			return false
		}
		text := (*refuse)(strings.ToUpper(name), args)
		if text != "" {
			c.WriteError(text)
		}
		return text != ""
	})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() { f.serve(listener, &serving) })
	t.Cleanup(func() {
		_ = listener.Close()
		f.Close()
		serving.Wait()
	})
	return f
}

func (f *fake) serve(listener net.Listener, serving *sync.WaitGroup) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		if f.away.Load() {
			_ = client.Close()
			continue
		}
		back, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", f.Addr())
		if err != nil {
			_ = client.Close()
			continue
		}
		serving.Go(func() { f.carry(back, client, &f.up, &f.carried[0]) })
		serving.Go(func() { f.carry(client, back, &f.down, &f.carried[1]) })
	}
}

// carry copies one way, up to where the connection is to be cut.
func (f *fake) carry(to, from net.Conn, left, carried *atomic.Int64) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if rest := left.Load(); rest > 0 && int64(n) >= rest && left.CompareAndSwap(rest, 0) {
			f.mu.Lock()
			f.older = len(f.peers)
			f.mu.Unlock()
			_, _ = to.Write(buffer[:rest-1])
			f.cuts.Add(1)
			return
		} else if rest > 0 {
			left.Add(-int64(n))
		}
		carried.Add(int64(n))
		if _, errWrite := to.Write(buffer[:n]); err != nil || errWrite != nil {
			return
		}
	}
}

// isDead tells a connection that another one has ended.
func (f *fake) isDead(c *server.Peer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead[c]
}

// silence ends a connection of which the client learns nothing.
func (f *fake) silence(c *server.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead[c] = true
}

// isNew tells a connection that was made after a cut.
func (f *fake) isNew(c *server.Peer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.older > 0 && slices.Contains(f.peers[f.older:], c)
}

// client is what miniredis does not have: CLIENT ID, CLIENT KILL ID, and CLIENT LIST with the names of connections.
func (f *fake) client(c *server.Peer, args []string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(args) == 1 && strings.EqualFold(args[0], "ID") {
		f.peers = append(f.peers, c)
		c.WriteInt(len(f.peers))
		return true
	}
	switch {
	case len(args) == 2 && strings.EqualFold(args[0], "SETNAME"):
		f.names[c] = args[1]
		c.WriteOK()
		return true
	case len(args) == 1 && strings.EqualFold(args[0], "LIST"):
		var list strings.Builder
		for i, p := range f.peers {
			fmt.Fprintf(&list, "id=%d addr=127.0.0.1:1 name=%s age=0\n", i+1, f.names[p])
		}
		c.WriteBulk(list.String())
		return true
	}
	if id, err := strconv.Atoi(args[len(args)-1]); err == nil && id <= len(f.peers) {
		f.dead[f.peers[id-1]] = true
		c.WriteInt(1)
		return true
	}
	return false
}

// refusing lets a function decide about commands.
func (f *fake) refusing(refuse func(name string, args []string) string) { f.refuse.Store(&refuse) }

// target is the value of --output.
func (f *fake) target(options string) string {
	return "redis://" + f.address + "?target=redis" + options
}

// counted is a log of which each record adds its number to a text, and one to a number, in several chunks.
func counted(t *testing.T, records int) (dir, trace string) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{})
	var b strings.Builder
	for i := range records {
		w.Command("APPEND", "trace", fmt.Sprintf("%d,", i))
		w.Command("INCRBY", "sum", "1")
		w.Command("SET", fmt.Sprintf("k%d", i%7), strings.Repeat("v", 9000))
		w.Command("DEL", "k1", "k2", fmt.Sprintf("x%d", i))
		fmt.Fprintf(&b, "%d,", i)
	}
	dir = t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	return dir, b.String()
}

// run is one run of an output.
type run struct {
	monitor  sinktest.Monitor
	settings map[string]string
	env      sink.Env
	own      formats.Format // without a name: resp
	stop     chan struct{}
}

// convert runs the logs of a folder into an output, from where that says.
func (r *run) convert(t *testing.T, dir, target string) error {
	t.Helper()
	r.env.Monitor, r.env.Stop = &r.monitor, r.stop
	to, err := sinktest.Open(t, redis.Type, target, r.settings, r.env)
	if err != nil {
		return err
	}
	return r.into(t, dir, to)
}

func (r *run) into(t *testing.T, dir string, to sink.Opened) error {
	t.Helper()
	format := r.own
	if format.Name == "" {
		format, _ = formats.Lookup("resp")
	}
	source := &sinktest.InTurn{}
	for _, l := range sinktest.Find(t, dir) {
		from := l.Start()
		if mark, ok := to.Found.Positions[l.ID().String()]; ok {
			from = mark.Position
		}
		source.Plans = append(source.Plans, l.Chunks(from, l.Committed(), planned()))
		sinktest.PlanOf(t, source.Plans[len(source.Plans)-1])
	}
	_, err := encode.Run(t.Context(), &sinktest.Source{Chunks: source}, to, encode.Options{
		Format: format, Workers: 2, Fences: true, Stop: r.stop,
	})
	return err
}

// openRun opens the output of a run.
func openRun(t *testing.T, r *run, target string) (sink.Opened, error) {
	t.Helper()
	r.env.Monitor = &r.monitor
	return sinktest.Open(t, redis.Type, target, r.settings, r.env)
}
