package wire

import (
	"pikabin/decode"
	"pikabin/decode/replica/inner"
)

// Node is the name under which a server knows a replica. It holds no colon.
type Node struct {
	IP   string
	Port int32
}

func (n Node) node() *inner.Node {
	return &inner.Node{Ip: new(n.IP), Port: new(n.Port)}
}

// Point is the end of a record, as the server has sent it.
type Point struct {
	decode.Position
	Term  uint32
	Index uint64
}

func offset(p decode.Position) *inner.BinlogOffset {
	return &inner.BinlogOffset{Segment: new(p.Segment), Offset: new(uint64(p.Offset))}
}

func (p Point) offset() *inner.BinlogOffset {
	o := offset(p.Position)
	o.Term, o.Index = new(p.Term), new(p.Index)
	return o
}

// MetaSync makes the node a replica that others see. An empty secret is none.
func (n Node) MetaSync(secret string) *inner.Request {
	m := &inner.Request_MetaSync{Node: n.node()}
	if secret != "" {
		m.Auth = new(secret)
	}
	return &inner.Request{Type: inner.Type_META_SYNC.Enum(), MetaSync: m}
}

// TrySync asks for the log of a DB from a position on. A server answers.
func (n Node) TrySync(db string, from decode.Position) *inner.Request {
	slot := &inner.Slot{Db: new(db), Slot: new(uint32(0))}
	return &inner.Request{Type: inner.Type_TRY_SYNC.Enum(), TrySync: &inner.Request_TrySync{Node: n.node(), Slot: slot, Offset: offset(from)}}
}

// First has the records sent that begin at the position which TrySync asked for. No BinlogSync is answered.
func (n Node) First(db string, session int32, from decode.Position) *inner.Request {
	return n.binlogSync(db, session, Point{Position: from}, Point{Position: from}, true)
}

// Ack acknowledges all records from that which ends at the first point to that which ends at the last.
func (n Node) Ack(db string, session int32, first, last Point) *inner.Request {
	return n.binlogSync(db, session, first, last, false)
}

// Ping is a sign of life that acknowledges nothing.
func (n Node) Ping(db string, session int32) *inner.Request {
	return n.binlogSync(db, session, Point{}, Point{}, false)
}

func (n Node) binlogSync(db string, session int32, from, to Point, first bool) *inner.Request {
	return &inner.Request{Type: inner.Type_BINLOG_SYNC.Enum(), BinlogSync: &inner.Request_BinlogSync{
		Node: n.node(), Db: new(db), Slot: new(uint32(0)), AckFrom: from.offset(), AckTo: to.offset(),
		Session: new(session), First: new(first),
	}}
}
