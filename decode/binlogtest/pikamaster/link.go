package pikamaster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"pikabin/decode"
	"pikabin/decode/replica/inner"
)

// link is a connection to the replication port.
type link struct {
	m       *Master
	conn    net.Conn
	counted string // the replica that it is, by MetaSync
	write   sync.Mutex
}

// maxFrame is the length of a frame at which a server closes.
const maxFrame = 512 << 20

// keepAlive is how long a connection may be silent.
const keepAlive = 180 * time.Second

// ServeReplica serves a connection to the replication port.
func (m *Master) ServeReplica(c net.Conn) {
	defer m.leave(c)
	l := &link{m: m, conn: c}
	for {
		_ = c.SetReadDeadline(time.Now().Add(keepAlive))
		r, err := readRequest(c)
		if err != nil {
			return
		}
		if err := l.serve(r); err != nil {
			return
		}
	}
}

func readRequest(r io.Reader) (*inner.Request, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n >= maxFrame {
		return nil, errors.New("too long")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	m := &inner.Request{}
	return m, proto.Unmarshal(body, m)
}

// send writes a message, or what the test has made of it.
func (l *link) send(m *inner.Response) error {
	list := []*inner.Response{m}
	if l.m.o.Mangle != nil {
		list = l.m.o.Mangle(m)
	}
	l.write.Lock()
	defer l.write.Unlock()
	for _, m := range list {
		b, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		if _, err := l.conn.Write(framed(b)); err != nil {
			return err
		}
	}
	return nil
}

// errClosed is a request on which a server closes the connection.
var errClosed = errors.New("closed")

// serve does what a request asks for.
func (l *link) serve(r *inner.Request) error {
	if r.DbSync != nil || r.RemoveSlaveNode != nil || r.ConsensusMeta != nil || len(r.ProtoReflect().GetUnknown()) > 0 {
		l.m.forbidden("request %v", r)
		return errClosed
	}
	switch {
	case r.GetType() == inner.Type_META_SYNC && r.MetaSync != nil:
		return l.metaSync(r.MetaSync)
	case r.GetType() == inner.Type_TRY_SYNC && r.TrySync != nil:
		return l.trySync(r.TrySync)
	case r.GetType() == inner.Type_BINLOG_SYNC && r.BinlogSync != nil:
		return l.binlogSync(r.BinlogSync)
	}
	l.m.forbidden("request of type %v: %v", r.GetType(), r)
	return errClosed
}

// node checks the name of a replica, which is of one connection.
func (l *link) node(n *inner.Node) string {
	name := fmt.Sprintf("%s:%d", n.GetIp(), n.GetPort())
	if strings.Contains(n.GetIp(), ":") || n.GetIp() == "" || len(n.GetIp()) > 255 || n.GetPort() < 1 || n.GetPort() > 65535 {
		l.m.forbidden("node %q", name)
	}
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if other := l.m.nodes[name]; other != nil && other != l {
		l.m.o.Forbidden("node " + name + " over a second connection")
	}
	l.m.nodes[name] = l
	return name
}

func (l *link) metaSync(r *inner.Request_MetaSync) error {
	if !l.m.o.Visible {
		l.m.forbidden("MetaSync")
	}
	name := l.node(r.GetNode())
	m := &inner.Response{Type: inner.Type_META_SYNC.Enum(), Code: inner.Code_OK.Enum()}
	if l.m.o.Password != "" && r.GetAuth() != l.m.o.Password {
		m.Code, m.Reply = inner.Code_ERROR.Enum(), new("Auth with master error, Invalid masterauth")
		return l.send(m)
	}
	m.MetaSync = &inner.Response_MetaSync{Classic: new(true)}
	l.m.mu.Lock()
	l.counted = name
	l.m.mu.Unlock()
	if l.m.behaviour.replID {
		m.MetaSync.ReplicationId = new(l.m.o.ReplicationID)
	}
	for _, db := range l.m.o.DBs {
		m.MetaSync.Dbs = append(m.MetaSync.Dbs, &inner.Response_MetaSync_DB{Name: new(db.Name), Slots: new(int32(1))})
	}
	return l.send(m)
}

func position(o *inner.BinlogOffset) decode.Position {
	return decode.Position{Segment: o.GetSegment(), Offset: int64(o.GetOffset())}
}

func offset(p decode.Position) *inner.BinlogOffset {
	return &inner.BinlogOffset{Segment: new(p.Segment), Offset: new(uint64(p.Offset))}
}

func (l *link) trySync(r *inner.Request_TrySync) error {
	node, name, at := l.node(r.GetNode()), r.GetSlot().GetDb(), position(r.GetOffset())
	l.m.mu.Lock()
	db, ok := l.m.db(name)
	l.m.mu.Unlock()
	m := &inner.Response{Type: inner.Type_TRY_SYNC.Enum(), Code: inner.Code_OK.Enum(), TrySync: &inner.Response_TrySync{
		Slot: &inner.Slot{Db: new(name), Slot: new(r.GetSlot().GetSlot())},
	}}
	if !ok {
		m.Code, m.Reply, m.TrySync.Reply = inner.Code_ERROR.Enum(), new("DB not found"), inner.Reply_SYNC_ERROR.Enum()
		return l.send(m)
	}
	end := db.end()
	m.TrySync.End = offset(end)
	boundary, err := isBoundary(db.Dir, at)
	switch {
	case end.Before(at):
		m.TrySync.Reply = inner.Reply_SYNC_LARGER.Enum()
	case errors.Is(err, fs.ErrNotExist):
		m.TrySync.Reply = inner.Reply_SYNC_PURGED.Enum()
	case err != nil || !boundary && l.m.behaviour.checks:
		m.TrySync.Reply = inner.Reply_SYNC_ERROR.Enum()
	default:
		m.TrySync.Reply = inner.Reply_SYNC_OK.Enum()
		m.TrySync.Session = new(l.m.enter(l, node, db))
	}
	return l.send(m)
}

// Mute gives a Mangle that sends pings and nothing else, as long as quiet is set.
func Mute(mu *sync.Mutex, quiet *bool) func(*inner.Response) []*inner.Response {
	return func(m *inner.Response) []*inner.Response {
		mu.Lock()
		defer mu.Unlock()
		if *quiet && m.GetType() == inner.Type_BINLOG_SYNC && len(m.GetBinlogSync()[0].GetPayload()) > 0 {
			return nil
		}
		return []*inner.Response{m}
	}
}
