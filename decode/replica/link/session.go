package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/wire"
)

// Session is one connection to the replication port, for one DB.
type Session struct {
	conn net.Conn
	wire *wire.Conn
	node wire.Node
	db   string
	Host string // the address that it is to
	ID   int32  // of the session, once Try has had it

	pen chan struct{} // is held by who writes: for as long as the server reads nothing, so that mu is not held meanwhile

	mu    sync.Mutex
	waits []AckRange // what was received and is not acknowledged, in order
	acked uint32     // the segment of the last record that was acknowledged

	leave func() bool            // no longer ends with the context
	names *names                 // of the connections that the server counts as replicas
	met   atomic.Pointer[string] // the one of this connection
	heard atomic.Int64           // when something came last, in nanoseconds
	why   atomic.Pointer[error]
}

// AckRange are records of one segment that came one after the other.
type AckRange struct{ First, Last wire.Point }

// AnswerError is a server that does not send the log from a position.
type AnswerError struct {
	Reply  inner.Reply
	Want   decode.Position
	End    decode.Position // of the log of the server
	HasEnd bool            // else it is starting, or stopping
}

// Error says what the server has answered.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("the server answers %v to position %v (its log ends at %v)", e.Reply, e.Want, e.End)
}

// names are those that the server knows us by as its replicas.
type names struct {
	mu   sync.Mutex
	live map[string]bool
}

func (n *names) set(name string, live bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.live == nil {
		n.live = map[string]bool{}
	}
	if n.live[name] = live; !live {
		delete(n.live, name)
	}
}

// Others are how many replicas a server counts beside us.
func (s *Server) Others(l *Status) int {
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	n := 0
	for _, name := range l.Replicas {
		if !s.names.live[name] {
			n++
		}
	}
	return n
}

// Dial connects to the replication port. The session ends with the context.
func (s *Server) Dial(ctx context.Context, db string) (*Session, error) {
	address, err := s.replicationAddress()
	if err != nil {
		return nil, err
	}
	conn, err := s.Options.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, &ConnError{Host: address, Err: err}
	}
	e := &Session{names: &s.names, conn: conn, db: db, Host: address, node: s.quietNode(conn), pen: make(chan struct{}, 1)}
	e.wire = wire.NewConn(heard{conn, e})
	e.leave = context.AfterFunc(ctx, func() { e.close(context.Cause(ctx)) })
	return e, nil
}

// Meet makes us a replica that the server counts, under another name, if that is wanted.
func (s *Server) Meet(e *Session) (err error) {
	if !s.Options.Visible {
		return nil
	}
	if e.node, err = s.visibleNode(e.conn, e.node); err != nil {
		return err
	}
	name := e.Name()
	e.met.Store(&name)
	e.names.set(name, true)
	return e.meet(s.Options.Secret)
}

// Name is what the server knows the connection as.
func (e *Session) Name() string { return fmt.Sprintf("%s:%d", e.node.IP, e.node.Port) }

// send writes a request. The session ends where that fails: a part of it may be written.
func (e *Session) send(m *inner.Request) error {
	e.pen <- struct{}{}
	defer func() { <-e.pen }()
	err := e.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		err = e.wire.Send(m)
	}
	if errors.Is(err, ErrTime) {
		err = fmt.Errorf("the server has taken nothing of what was sent to it for %v: %w", writeTime, err)
	}
	if err != nil {
		e.close(err)
	}
	return err
}

// ask sends a request and waits for its answer.
func (e *Session) ask(m *inner.Request) (*inner.Response, error) {
	if err := e.conn.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, err
	}
	if err := e.send(m); err != nil {
		return nil, err
	}
	answer, err := e.wire.Receive(early{})
	if errors.Is(err, ErrTime) {
		err = fmt.Errorf("no answer to %v for %v: %w", m.GetType(), answerTime, err)
	}
	if err == nil && answer.GetType() != m.GetType() {
		err = fmt.Errorf("an answer of type %v to a request of type %v", answer.GetType(), m.GetType())
	}
	if err != nil {
		return nil, err
	}
	return answer, e.conn.SetReadDeadline(time.Time{})
}

// meet makes us a replica that the server counts.
func (e *Session) meet(secret string) error {
	answer, err := e.ask(e.node.MetaSync(secret))
	switch {
	case err != nil:
		return err
	case answer.GetCode() == inner.Code_OK && answer.GetMetaSync().GetClassic():
		return nil
	case answer.GetCode() == inner.Code_OK:
		return Refuse("the server is in sharding mode: read its log folder instead")
	case strings.Contains(answer.GetReply(), "AlreadyExist"):
		return fmt.Errorf("the server knows another replica as %s:%d", e.node.IP, e.node.Port)
	}
	return Refuse("the server does not let us in: %s", answer.GetReply())
}

// Try asks for the log from a position on: the beginning or the end of a record. It gives the end of the server's log.
func (e *Session) Try(at decode.Position) (end decode.Position, err error) {
	answer, err := e.ask(e.node.TrySync(e.db, at))
	if err != nil {
		return end, err
	}
	sync := answer.GetTrySync()
	if answer.GetCode() != inner.Code_OK {
		return end, Refuse("the server does not send the log of %s: %s", e.db, answer.GetReply())
	}
	if slot := sync.GetSlot(); slot != nil && slot.GetDb() != e.db {
		return end, fmt.Errorf("an answer about %q to a question about %s", slot.GetDb(), e.db)
	}
	end = decode.Position{Segment: sync.GetEnd().GetSegment(), Offset: int64(sync.GetEnd().GetOffset())}
	if sync.GetReply() != inner.Reply_SYNC_OK || sync.Session == nil {
		return end, &AnswerError{Reply: sync.GetReply(), Want: at, End: end, HasEnd: sync.GetEnd() != nil}
	}
	e.ID = sync.GetSession()
	return end, nil
}

// First has the records sent.
func (e *Session) First(at decode.Position) error {
	e.acked = at.Segment
	e.touch()
	return e.send(e.node.First(e.db, e.ID, at))
}

// Probe asks whether a log can be had from a position on.
func (s *Server) Probe(ctx context.Context, db string, at decode.Position) (end decode.Position, err error) {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return end, err
	}
	defer e.End(nil)
	return e.Try(at)
}

// heard notes when something comes.
type heard struct {
	net.Conn
	e *Session
}

func (h heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if n > 0 {
		h.e.touch()
	}
	return n, err
}

func (e *Session) touch() { e.heard.Store(time.Now().UnixNano()) }

// Silent is how long nothing has come.
func (e *Session) Silent() time.Duration {
	return time.Duration(time.Now().UnixNano() - e.heard.Load())
}

// End closes the connection, for a reason that is told in place of the error that comes of it.
func (e *Session) End(why error) {
	e.leave()
	e.close(why)
}

func (e *Session) close(why error) {
	if why != nil {
		e.why.CompareAndSwap(nil, &why)
	}
	_ = e.conn.Close()
	if name := e.met.Load(); name != nil {
		e.names.set(*name, false)
	}
}

// Receive reads one message. What the server sends of its own will are records.
func (e *Session) Receive(h wire.Handler) error {
	m, err := e.wire.Receive(h)
	if err == nil && m.GetType() != inner.Type_BINLOG_SYNC {
		err = fmt.Errorf("a message of type %v that was not asked for", m.GetType())
	}
	return err
}

// Comes says that another message has begun to come, which takes next to no time.
func (e *Session) Comes() bool { return e.wire.Comes() }

// Within bounds how long the next messages may take.
func (e *Session) Within(d time.Duration) error { return e.conn.SetReadDeadline(time.Now().Add(d)) }

// Reason is why the session has ended.
func (e *Session) Reason(err error) error {
	if why := e.why.Load(); why != nil {
		return *why
	}
	return err
}

// Received notes records that came one after the other, to be acknowledged.
func (e *Session) Received(r AckRange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.First.Segment != r.Last.Segment || len(e.waits) == 0 || e.waits[len(e.waits)-1].Last.Segment != r.Last.Segment {
		e.waits = append(e.waits, r)
		return
	}
	e.waits[len(e.waits)-1].Last = r.Last
}

// Acknowledge tells the server what was received, up to a segment, so that it sends more.
func (e *Session) Acknowledge(upTo uint32) error {
	if m := e.take(upTo); m != nil {
		return e.send(m)
	}
	return nil
}

// take makes the acknowledgement of what was received up to a segment; nil: there is nothing to acknowledge.
func (e *Session) take(upTo uint32) *inner.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for n < len(e.waits) && e.waits[n].Last.Segment <= upTo {
		n++
	}
	if n == 0 {
		return nil
	}
	m := e.node.Ack(e.db, e.ID, e.waits[0].First, e.waits[n-1].Last)
	e.acked = e.waits[n-1].Last.Segment
	e.waits = append(e.waits[:0], e.waits[n:]...)
	return m
}

// Ping tells the server that we live.
func (e *Session) Ping() error { return e.send(e.node.Ping(e.db, e.ID)) }

// Held is the segment of what was acknowledged, and whether there is more to acknowledge.
func (e *Session) Held() (segment uint32, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.acked, len(e.waits) > 0
}

// early refuses records that come before they were asked for.
type early struct{}

func (early) Payload(*wire.Item, io.Reader) error {
	return errors.New("a record that was not asked for")
}
func (early) Item(*wire.Item) error { return nil }

// IsClosed tells a connection that the server has closed.
func IsClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}
