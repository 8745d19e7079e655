package pikamaster

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/inner"
)

// DB is one log of the server.
type DB struct {
	Name string
	Dir  string
	End  func() decode.Position // what the producer has committed; nil: what the manifest says
}

// Options say what server it is. The zero value is a 4.0.1 without a DB.
type Options struct {
	Version       string
	DBs           []DB
	Password      string // requirepass
	User          string // with it, of an ACL
	ReplicationID string
	Window        int      // sync-window-size; default 9000
	Batch         int      // records in a message at most; default 100
	FileSize      int64    // binlog-file-size; default 100 MiB
	Consensus     int      // consensus-level
	Mode          string   // instance-mode; default classic
	Role          string   // default master
	Master        string   // IP:PORT of the server that it copies
	Replicas      []string // that it counts beside those of this process, as IP:PORT
	Visible       bool     // MetaSync is allowed

	// Replay, if set, is a folder for frames of what the logs held when they were first asked for. They are made once and sent
	// without a copy: to measure with, for then the server costs next to nothing.
	Replay string

	// Forbidden is told of a request that could harm a server. nil: it panics.
	Forbidden func(text string)

	// Mangle, if set, gives what is sent in place of a message, each as a frame.
	Mangle func(m *inner.Response) []*inner.Response

	// Ignores, if set, says which commands of the ordinary port get no answer.
	Ignores func(command string) bool
}

// Master is a server that runs. Its methods are for any goroutine.
type Master struct {
	behaviour behaviour

	mu      sync.Mutex
	o       Options
	down    bool
	conns   map[net.Conn]bool
	entries map[string]*entry    // by node and DB
	nodes   map[string]*link     // that have come over a connection
	attach  map[string]time.Time // the last TrySync, by DB
	session map[string]int32     // the next one, by DB
	replays map[replay]*frames
	started time.Time
	runs    int
	stop    chan struct{}
}

// New starts a server. Stop ends it.
func New(o Options) *Master {
	o.Version = cmp.Or(o.Version, "4.0.1")
	o.Window = cmp.Or(o.Window, 9000)
	o.Batch = cmp.Or(o.Batch, 100)
	o.FileSize = cmp.Or(o.FileSize, 100<<20)
	o.Mode = cmp.Or(o.Mode, "classic")
	o.Role = cmp.Or(o.Role, "master")
	if o.Forbidden == nil {
		o.Forbidden = func(text string) { panic("pikamaster: " + text) }
	}
	m := &Master{behaviour: behaviourOf(o.Version), o: o, replays: map[replay]*frames{}, stop: make(chan struct{})}
	m.reset()
	go m.tick()
	return m
}

func (m *Master) reset() {
	m.conns, m.entries, m.nodes = map[net.Conn]bool{}, map[string]*entry{}, map[string]*link{}
	m.attach, m.session = map[string]time.Time{}, map[string]int32{}
	m.started = time.Now()
	m.runs++
}

// Kill closes all connections and forgets all replicas, as kill -9 and the start after it do. While it is down nobody can connect.
func (m *Master) Kill(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.conns {
		_ = c.Close()
	}
	m.reset()
	m.down = down
}

// Start takes connections again.
func (m *Master) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = false
}

// Change changes the place of a server that runs in its group, or its DBs.
func (m *Master) Change(change func(o *Options)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.o)
}

// Stop ends the server.
func (m *Master) Stop() {
	m.Kill(true)
	close(m.stop)
}

// tick lets the sender look around, as a thread of the server does ten times a second.
func (m *Master) tick() {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-t.C:
			m.Wake()
		}
	}
}

// Wake has the records sent that were written, as each write does.
func (m *Master) Wake() {
	m.mu.Lock()
	var all []*entry
	for _, e := range m.entries {
		all = append(all, e)
	}
	m.mu.Unlock()
	for _, e := range all {
		e.wake()
	}
}

// ReplicationOffset is the replication port less the ordinary one.
const ReplicationOffset = 2000

// Dial connects in memory, to a port that is the ordinary one or the one of replication.
func (m *Master) Dial(_ context.Context, _, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	serve := m.ServeRedis
	if port == "11221" {
		serve = m.ServeReplica
	}
	if !m.admit(there) {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: os.NewSyscallError("connect", errors.New("connection refused"))}
	}
	go serve(there)
	return here, nil
}

// admit takes a connection, unless the server is down.
func (m *Master) admit(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		_ = c.Close()
		return false
	}
	m.conns[c] = true
	return true
}

func (m *Master) leave(c net.Conn) {
	_ = c.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, c)
	for name, l := range m.nodes {
		if l.conn == c && l.counted == name {
			l.counted = "" // at once, as after a MetaSync
		}
	}
}

// Listen serves both ports on 127.0.0.1, and gives the addresses of the ordinary and the replication port.
func (m *Master) Listen() (address, replica string, err error) {
	return m.ListenOn("127.0.0.1:0", "127.0.0.1:0")
}

// ListenOn is Listen on given addresses.
func (m *Master) ListenOn(ordinary, replication string) (address, replica string, err error) {
	var addresses [2]string
	serves := [2]func(net.Conn){m.ServeRedis, m.ServeReplica}
	for i, at := range []string{ordinary, replication} {
		serve := serves[i]
		l, err := (&net.ListenConfig{Control: unpaced}).Listen(context.Background(), "tcp", at) // it ends with the server
		if err != nil {
			return "", "", err
		}
		addresses[i] = l.Addr().String()
		go func() { <-m.stop; _ = l.Close() }()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				if m.admit(c) {
					go serve(c)
				}
			}
		}()
	}
	return addresses[0], addresses[1], nil
}

// db finds a DB.
func (m *Master) db(name string) (DB, bool) {
	for _, db := range m.o.DBs {
		if db.Name == name {
			return db, true
		}
	}
	return DB{}, false
}

// end is the position of the producer.
func (db *DB) end() decode.Position {
	if db.End != nil {
		return db.End()
	}
	b, err := os.ReadFile(filepath.Join(db.Dir, "manifest"))
	if err != nil || len(b) < 12 {
		return decode.Position{}
	}
	return decode.Position{Segment: binary.LittleEndian.Uint32(b), Offset: int64(binary.LittleEndian.Uint64(b[4:]))}
}

func (m *Master) forbidden(format string, args ...any) { m.o.Forbidden(fmt.Sprintf(format, args...)) }

// Acked is the lowest position that a replica of a DB has acknowledged, which the purge spares; false if none is attached.
func (m *Master) Acked(db string) (decode.Position, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lowest decode.Position
	found := false
	for _, e := range m.entries {
		e.mu.Lock()
		if e.db.Name == db && e.syncing && (!found || e.acked.Before(lowest)) {
			lowest, found = e.acked, true
		}
		e.mu.Unlock()
	}
	return lowest, found
}

// replicas are those that the server counts.
func (m *Master) replicas() []string {
	list := slices.Clone(m.o.Replicas)
	for name, l := range m.nodes {
		if l.counted == name {
			list = append(list, name)
		}
	}
	return list
}

// Entries are what INFO debug shows: the nodes of replicas.
func (m *Master) Entries() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for key := range m.entries {
		list = append(list, key)
	}
	return list
}

// info is the answer to INFO.
func (m *Master) info(section string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	if section == "" || section == "server" {
		fmt.Fprintf(&b, "# Server\r\npika_version:%s\r\nuptime_in_seconds:%d\r\n", m.o.Version, int(time.Since(m.started).Seconds()))
		if m.behaviour.runID {
			fmt.Fprintf(&b, "run_id:%040d\r\n", m.runs)
		}
	}
	if section == "" || section == "replication" {
		fmt.Fprintf(&b, "# Replication(%s)\r\nrole:%s\r\n", strings.ToUpper(m.o.Role), m.o.Role)
		if m.behaviour.replID {
			fmt.Fprintf(&b, "ReplicationID:%s\r\n", m.o.ReplicationID)
		}
		if host, port, ok := strings.Cut(m.o.Master, ":"); ok {
			fmt.Fprintf(&b, "master_host:%s\r\nmaster_port:%s\r\nmaster_link_status:up\r\n", host, port)
		}
		replicas := m.replicas()
		fmt.Fprintf(&b, "connected_slaves:%d\r\n", len(replicas))
		for i, name := range replicas {
			ip, port, _ := strings.Cut(name, ":")
			fmt.Fprintf(&b, "slave%d:ip=%s,port=%s,conn_fd=%d,lag=(db0:0)\r\n", i, ip, port, 80+i)
		}
		for _, db := range m.o.DBs {
			end := db.end()
			fmt.Fprintf(&b, "%s%sbinlog_offset=%d %d,safety_purge=none\r\n", db.Name, m.behaviour.separator, end.Segment, end.Offset)
		}
	}
	return b.String()
}
