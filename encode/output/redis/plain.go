package redis

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/words"
)

// underWay is how many units may be sent and not answered.
const underWay = 64

// pieceMost is how many events are written at a time where there is no limit.
const pieceMost = 1 << 20

// plainly is a session on one connection: one goroutine sends, another one receives.
func (s *replay) plainly(ctx context.Context, left []*unit) ([]*unit, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return left, err
	}
	defer conn.Close()
	r := &receiver{replay: s, conn: conn, sent: make(chan *unit, underWay), dead: make(chan struct{}), over: make(chan struct{})}
	go r.run(ctx)
	rest, errSend := s.send(ctx, r, left)
	close(r.sent)
	if errSend != nil {
		conn.Close()
	}
	<-r.over
	return append(r.undone, rest...), cmp.Or(r.err, errSend)
}

// connect makes a connection, and ends the one before on the server, and those of earlier runs: what it has not yet read of them would come between.
func (s *replay) connect(ctx context.Context) (*link.Conn, error) {
	conn, err := s.dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.takeOver(conn, s.dialer.Address()); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// takeOver sees that the server at an address takes commands, and ends what it has of older connections.
func (s *replay) takeOver(conn *link.Conn, address string) error {
	if err := conn.Loaded(); err != nil {
		return err
	}
	if err := conn.Bury(s.lastIDs[address]); err != nil {
		return err
	}
	if s.name != "" {
		if err := conn.Succeed(s.name); err != nil {
			return err
		}
	}
	s.lastIDs[address] = conn.ID()
	return nil
}

// send sends units until there are no more, and gives those that it has not begun to send.
func (s *replay) send(ctx context.Context, r *receiver, left []*unit) ([]*unit, error) {
	selected := -1
	for {
		if len(left) == 0 {
			u, err := s.nextUnit(ctx, r.dead)
			if u == nil || err != nil {
				return nil, err
			}
			left = append(left, u)
		}
		u := left[0]
		u.selects = selected != u.db
		selected = u.db
		from := u.next // which belongs to who receives, then
		u.sending.Lock()
		select {
		case r.sent <- u:
			left = left[1:]
		case <-r.dead:
			u.sending.Unlock()
			return left, nil
		}
		err := s.sendUnit(ctx, r.conn, u, from)
		u.sending.Unlock()
		if err != nil {
			return left, err
		}
	}
}

// nextUnit waits for a unit. There is none when the sink is closed, or what receives is dead.
func (s *replay) nextUnit(ctx context.Context, dead <-chan struct{}) (*unit, error) {
	select {
	case u := <-s.units:
		return u, nil
	case <-dead:
		return nil, nil //nolint:nilnil // there is none
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *replay) sendUnit(ctx context.Context, conn *link.Conn, u *unit, from int) error {
	if u.selects {
		if err := conn.Write(words.Append(nil, "SELECT", strconv.Itoa(u.db))); err != nil {
			return err
		}
	}
	for n, piece := range u.pieces(from, s.pieceMost()) {
		if err := s.pace(ctx, n); err != nil {
			return err
		}
		if err := conn.Write(piece); err != nil {
			return err
		}
	}
	if len(u.due) == 0 {
		return nil
	}
	return conn.Write(u.due)
}

func (s *replay) pieceMost() int {
	if s.limit != nil {
		return s.limit.Burst()
	}
	return pieceMost
}

// receiver receives the replies to what was sent.
type receiver struct {
	*replay
	conn *link.Conn
	sent chan *unit
	dead chan struct{} // closed when it receives no more
	over chan struct{}

	err    error
	undone []*unit
}

func (r *receiver) run(ctx context.Context) {
	defer close(r.over)
	for u := range r.sent {
		if r.err == nil {
			if r.err = r.receive(ctx, u); r.err == nil {
				u.sending.Lock()
				u.sending.Unlock() //nolint:staticcheck // it is waited for
				r.delivered(u)
				continue
			}
			r.conn.Close()
			close(r.dead)
		}
		r.undone = append(r.undone, u)
	}
}

// receive receives the replies to a unit. What is answered is not sent again.
func (r *receiver) receive(ctx context.Context, u *unit) error {
	if u.selects {
		if err := expect(r.conn, "SELECT"); err != nil {
			return err
		}
	}
	for ; u.next < len(u.messages); u.next++ {
		if err := r.message(ctx, u); err != nil {
			return err
		}
	}
	for range words.Count(u.due) {
		if err := expect(r.conn, "putting deadlines into effect"); err != nil {
			return err
		}
	}
	return nil
}

// expect receives a reply to what no server refuses.
func expect(conn *link.Conn, what string) error {
	reply, err := conn.Receive()
	if refused, ok := reply.(redis.Error); ok {
		err = fmt.Errorf("%s: %w", what, refused)
	}
	return err
}

// message receives the replies to one message. One of its commands that is refused is enough.
func (r *receiver) message(ctx context.Context, u *unit) error {
	var refused redis.Error
	at := 0
	for command := range words.Count(u.of(u.next)) {
		reply, err := r.conn.Receive()
		if err != nil {
			return err
		}
		e, ok := reply.(redis.Error)
		if !ok || refused != "" {
			continue
		}
		if err := link.Judge(e); err != nil {
			return err
		}
		refused, at = e, command
	}
	if refused == "" {
		return nil
	}
	return r.refused.take(ctx, u, u.next, at, refused)
}
