package pikamaster

import (
	"os"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/inner"
)

// entry is what the server keeps of a replica, for one DB.
type entry struct {
	m       *Master
	link    *link
	node    string
	db      DB
	session int32
	wakes   chan struct{}

	mu      sync.Mutex
	asked   bool // to send
	syncing bool
	gone    bool
	reader  *reader
	frames  []frame  // that are to be sent, of a replay
	file    *os.File // with them
	queue   []sent
	space   []sent // for the queue of a replay
	bytes   int64
	acked   decode.Position
	wrapped bool      // a double acknowledgement has made it believe that too much is under way
	filling bool      // an acknowledgement has made room
	heard   time.Time // from the replica
	told    time.Time // something to the replica
}

// sent is a record that was sent and is in the window.
type sent struct {
	end   decode.Position
	size  int64
	acked bool
}

// What bounds the sender.
const (
	messages     = 40
	maxUnderWay  = 1 << 30
	maxMessage   = 256 << 20
	entryTimeout = 20 * time.Second
)

// enter makes an entry of a replica.
func (m *Master) enter(l *link, node string, db DB) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	key := node + "/" + db.Name
	if old, ok := m.entries[key]; ok {
		return old.session
	}
	e := &entry{m: m, link: l, node: node, db: db, session: m.session[db.Name], wakes: make(chan struct{}, 1), heard: now, told: now}
	if m.o.Replay == "" {
		m.session[db.Name]++
	}
	m.entries[key] = e
	go e.run()
	return e.session
}

func (m *Master) entry(node, db string) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[node+"/"+db]
}

func (l *link) binlogSync(r *inner.Request_BinlogSync) error {
	e := l.m.entry(l.node(r.GetNode()), r.GetDb())
	if e == nil || e.session != r.GetSession() {
		return nil // nothing is said
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = time.Now()
	from, to := position(r.GetAckFrom()), position(r.GetAckTo())
	switch {
	case r.GetFirst():
		return e.first(from, to)
	case !e.asked:
		l.m.forbidden("a BinlogSync before the first of %s", e.node)
		return nil
	case !e.syncing: // it could not be read, and nothing is said of that
		return nil
	case from == decode.Position{} && to == decode.Position{}:
		return nil
	}
	return e.acknowledge(from, to)
}

// first begins to send.
func (e *entry) first(from, to decode.Position) error {
	if from != to {
		e.m.forbidden("a first BinlogSync from %v to %v", from, to)
		return errClosed
	}
	e.asked = true
	r, err := openReader(e.db.Dir, from)
	if err == nil {
		probe, _ := openReader(e.db.Dir, from)
		_, _, err = probe.next(e.db.end())
		probe.close()
	}
	if err != nil {
		e.gone = e.m.behaviour.closes
		if e.m.behaviour.closes {
			return errClosed
		}
		return nil
	}
	if e.m.o.Replay != "" {
		if err = e.replay(from); err != nil {
			return err
		}
	}
	e.reader, e.acked, e.syncing, e.filling = r, from, true, true
	e.wake()
	return nil
}

// acknowledge takes a range out of the window.
func (e *entry) acknowledge(from, to decode.Position) error {
	first, last := e.find(from), e.find(to)
	if first < 0 || last < first {
		e.m.forbidden("an acknowledgement of %v to %v, which %s was not sent", from, to, e.node)
		return errClosed
	}
	for i := first; i <= last; i++ {
		if e.queue[i].acked {
			e.m.forbidden("a second acknowledgement of %v", e.queue[i].end)
			e.wrapped = true
		}
		e.queue[i].acked = true
	}
	for len(e.queue) > 0 && e.queue[0].acked {
		e.acked = e.queue[0].end
		e.bytes -= e.queue[0].size
		e.queue = e.queue[1:]
	}
	e.filling = true
	e.wake()
	return nil
}

func (e *entry) find(p decode.Position) int {
	low, high := 0, len(e.queue)
	for low < high {
		if mid := (low + high) / 2; e.queue[mid].end.Before(p) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(e.queue) && e.queue[low].end == p {
		return low
	}
	return -1
}

func (e *entry) wake() {
	select {
	case e.wakes <- struct{}{}:
	default:
	}
}

// run sends records, as long as the server knows the entry.
func (e *entry) run() {
	for {
		select {
		case <-e.wakes:
		case <-e.m.stop:
			e.remove()
			return
		}
		if e.timedOut() {
			e.remove()
			return
		}
		if err := e.round(); err != nil {
			_ = e.link.conn.Close()
			e.remove()
			return
		}
	}
}

func (e *entry) timedOut() bool {
	e.m.mu.Lock()
	known := e.m.entries[e.node+"/"+e.db.Name] == e
	e.m.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	return !known || e.gone || time.Since(e.heard) > entryTimeout
}

func (e *entry) remove() {
	e.m.mu.Lock()
	if key := e.node + "/" + e.db.Name; e.m.entries[key] == e {
		delete(e.m.entries, key)
	}
	e.m.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reader != nil {
		e.reader.close()
	}
	if e.file != nil {
		_ = e.file.Close()
	}
}

// round sends what may be sent now, or a ping.
func (e *entry) round() error {
	if e.m.o.Replay != "" {
		if err := e.sendFrames(); err != nil {
			return err
		}
	}
	for range messages {
		m, err := e.message()
		if err != nil || m == nil {
			return err
		}
		if err := e.link.send(m); err != nil {
			return err
		}
	}
	e.wake() // the next round
	return nil
}

// message is the next one; nil: there is none.
func (e *entry) message() (*inner.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.syncing || e.wrapped || e.m.o.Replay != "" {
		return e.ping(), nil
	}
	if len(e.queue) > 0 && !e.filling {
		return e.ping(), nil
	}
	m, err := e.gather(e.db.end(), func() bool {
		return len(e.queue) < e.m.o.Window && (e.bytes <= maxUnderWay || !e.m.behaviour.bytesBound)
	})
	if err != nil {
		return nil, err
	}
	if m == nil {
		e.filling = false
		return e.ping(), nil
	}
	e.told = time.Now()
	return m, nil
}

func (e *entry) item(payload []byte) *inner.Response_BinlogSync {
	end := offset(e.reader.at)
	if e.m.behaviour.terms {
		end.Term, end.Index = new(uint32(0)), new(uint64(0))
		if len(payload) >= decode.ItemHeaderSize {
			end.Index = new(uint64(payload[10]))
		}
	}
	e.queue = append(e.queue, sent{end: e.reader.at, size: int64(len(payload))})
	e.bytes += int64(len(payload))
	return &inner.Response_BinlogSync{
		Slot: &inner.Slot{Db: new(e.db.Name), Slot: new(uint32(0))}, End: end, Payload: payload, Session: new(e.session),
	}
}

// ping is a sign of life, if it is due.
func (e *entry) ping() *inner.Response {
	if !e.syncing || time.Since(e.told) < e.m.behaviour.pingAfter || e.m.behaviour.pingIdle && len(e.queue) > 0 {
		return nil
	}
	e.told = time.Now()
	return &inner.Response{Type: inner.Type_BINLOG_SYNC.Enum(), Code: inner.Code_OK.Enum(), BinlogSync: []*inner.Response_BinlogSync{{
		Slot: &inner.Slot{Db: new(e.db.Name), Slot: new(uint32(0))}, End: offset(decode.Position{}), Payload: []byte{}, Session: new(e.session),
	}}}
}

// gather makes a message of the records up to end, for as long as there may be more; nil: there are none.
func (e *entry) gather(end decode.Position, more func() bool) (*inner.Response, error) {
	m := &inner.Response{Type: inner.Type_BINLOG_SYNC.Enum(), Code: inner.Code_OK.Enum()}
	for size := 0; len(m.BinlogSync) < e.m.o.Batch && size < maxMessage && more(); {
		payload, ok, err := e.reader.next(end)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		size += len(payload)
		m.BinlogSync = append(m.BinlogSync, e.item(payload))
	}
	if len(m.BinlogSync) == 0 {
		return nil, nil
	}
	return m, nil
}
