package cluster

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/words"
)

// underWay is how many batches may be sent and not answered.
const underWay = 64

// keptBuffer is how much room for what is sent is kept for the next time, for each node.
const keptBuffer = 1 << 20

// flow sends to all nodes until something needs care: a command was sent on to another node, or is for all keys. One goroutine sends, and one for each node receives.
type flow struct {
	*Session
	lanes   map[string]*lane // by address
	flights chan *flight
	undone  []Batch // from the first that is not done

	halt     chan struct{} // closed when nothing more is to be sent
	halting  sync.Once
	answered atomic.Int64 // events

	mu    sync.Mutex
	err   error
	moved redis.Error // the last reply that has sent a command on
}

// flight is a batch that was sent.
type flight struct {
	Batch
	open sync.WaitGroup // of what is not sent, or not answered
}

// part is what a node gets of a batch.
type part struct {
	flight *flight
	events []int
}

// lane is the way to a node and back.
type lane struct {
	address string
	conn    *link.Conn
	sent    chan part
	text    []byte // that is to be written
	events  []int  // in it
	dead    bool   // it receives no more
	unsure  []part // answered, and too few replicas have it
}

func (s *Session) newFlow() *flow {
	return &flow{Session: s, lanes: map[string]*lane{}, flights: make(chan *flight, underWay), halt: make(chan struct{})}
}

// run sends until nothing more may be sent, and waits for all answers. It gives what is not delivered.
func (f *flow) run(ctx context.Context, left []Batch) ([]Batch, error) {
	var receiving, delivering sync.WaitGroup
	delivering.Go(f.deliver)
	for _, address := range f.Nodes.Masters() {
		l := &lane{address: address, conn: f.Nodes.conns[address], sent: make(chan part, underWay)}
		f.lanes[address] = l
		receiving.Go(func() { f.receive(ctx, l) })
	}
	rest, err := f.send(ctx, left)
	for _, l := range f.lanes {
		close(l.sent)
	}
	receiving.Wait()
	close(f.flights)
	delivering.Wait()
	return append(f.undone, rest...), cmp.Or(f.err, err)
}

// deliver ends batches in their order.
func (f *flow) deliver() {
	for b := range f.flights {
		b.open.Wait()
		if len(f.undone) > 0 || pending(b.Events()) {
			f.undone = append(f.undone, b.Batch)
			continue
		}
		b.Delivered()
	}
}

func pending(events []Event) bool {
	for i := range events {
		if !events[i].done {
			return true
		}
	}
	return false
}

// send sends batches, and gives those that it has not begun to send.
func (f *flow) send(ctx context.Context, left []Batch) ([]Batch, error) {
	for more := true; more; {
		if len(left) == 0 {
			b, err := f.Next(ctx, f.halt)
			if b == nil || err != nil {
				return nil, err
			}
			left = append(left, b)
		}
		b := &flight{Batch: left[0]}
		b.open.Add(1)
		select {
		case f.flights <- b:
			left = left[1:]
		case <-f.halt:
			return left, nil
		}
		var err error
		more, err = f.sendBatch(ctx, b)
		b.open.Done()
		if err != nil {
			return left, err
		}
	}
	return left, nil
}

// sendBatch sends a batch up to an event that is for all keys. It says whether more may be sent.
func (f *flow) sendBatch(ctx context.Context, b *flight) (more bool, err error) {
	for i, events := 0, b.Events(); i < len(events); {
		select {
		case <-f.halt:
			return false, nil
		default:
		}
		n := 0
		for ; i < len(events) && n < f.Most; i++ {
			switch e := &events[i]; {
			case e.done:
			case e.Slot == Wide:
				return false, f.write(ctx, b, n)
			case e.Slot == Torn:
				if err := b.Refused(ctx, i, e.Torn, errTorn); err != nil {
					return false, err
				}
				e.done = true
			default:
				f.add(i, e)
				n++
			}
		}
		if err := f.write(ctx, b, n); err != nil {
			return false, err
		}
	}
	return true, nil
}

// add adds an event to what is written next.
func (f *flow) add(i int, e *Event) {
	l := f.lanes[f.Nodes.owners[e.Slot]]
	l.text = append(l.text, words.From(e.Commands, e.got)...)
	l.events = append(l.events, i)
}

// write sends what was added, n events of one batch. From then on they belong to who receives.
func (f *flow) write(ctx context.Context, b *flight, n int) error {
	if err := f.Pace(ctx, n); err != nil {
		return err
	}
	for _, l := range f.lanes {
		if len(l.events) == 0 {
			continue
		}
		b.open.Add(1)
		l.sent <- part{b, l.events}
		l.text = f.Nodes.appendWait(l.text)
		err := l.conn.Write(l.text)
		l.events = nil
		if l.text = l.text[:0]; cap(l.text) > keptBuffer {
			l.text = nil
		}
		if err != nil {
			l.conn.Close()
			return fmt.Errorf("the node %s: %w", l.address, err)
		}
	}
	return nil
}

// receive receives the answers of a node to all that it was sent. When the connection has failed there are none.
func (f *flow) receive(ctx context.Context, l *lane) {
	for p := range l.sent {
		for _, i := range p.events {
			if l.dead {
				break
			}
			if err := f.event(ctx, l, p.flight, i); err != nil {
				f.lose(l, err)
			}
		}
		f.confirm(l, p)
		p.flight.open.Done()
	}
}

// lose ends a connection that has failed.
func (f *flow) lose(l *lane, err error) {
	l.dead = true
	l.conn.Close()
	f.fail(fmt.Errorf("the node %s: %w", l.address, err))
}

// event receives the answers to an event. An error is one of the connection.
func (f *flow) event(ctx context.Context, l *lane, b *flight, i int) error {
	e := &b.Events()[i]
	v, err := receive(l.conn, e, false)
	if err != nil {
		return err
	}
	switch {
	case v.later == "":
		if err := settle(ctx, b, i, v); err != nil {
			f.fail(err)
		}
		f.answered.Add(1)
	case isSentOn(v.later):
		e.sentOn = link.IsAbout(v.later, "ASK", "TRYAGAIN")
		f.sentOn(v.later)
	default:
		f.fail(fmt.Errorf("the node %s: %w", l.address, v.later))
	}
	return nil
}

// fail ends the flow with an error.
func (f *flow) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = cmp.Or(f.err, err)
	f.stop()
}

// sentOn ends the flow, for what was sent on has to be done first. MOVED tells most.
func (f *flow) sentOn(why redis.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved == "" || link.IsAbout(why, "MOVED") {
		f.moved = why
	}
	f.stop()
}

// stop lets nothing more be sent.
func (f *flow) stop() { f.halting.Do(func() { close(f.halt) }) }
