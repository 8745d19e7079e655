package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/words"
)

// exactly is a replay with transactions: the commands of a batch and the position after them are done together, or not at all.
//
// A transaction is begun on one of two connections while the one before is done on the other, so that the server is sent the commands of the next batch
// meanwhile. It ends when the one before is answered, and is done only if this run still is the owner of the source.
type exactly struct {
	*replay
	found *positions.Found // at the start
	claim *positions.Claim

	seq   uint64                     // of the last transaction that was done
	told  uint64                     // up to which of them it holds that the answers were seen
	marks map[string]checkpoint.Mark // as the server holds them
}

func newExactly(s *replay) *exactly {
	return &exactly{replay: s, claim: &positions.Claim{Key: s.o.Positions, Source: s.o.Source}}
}

// Begin implements sink.Transactional.
func (x *exactly) Begin(ctx context.Context, start map[*decode.Log]checkpoint.Mark) error {
	marks := map[string]checkpoint.Mark{}
	for log, mark := range start {
		if _, known := x.found.Marks[log.String()]; !known {
			marks[log.String()] = mark
		}
	}
	if len(marks) == 0 {
		return nil
	}
	done := make(chan error, 1)
	x.hand(&unit{marks: marks, db: x.o.DB, done: func(err error) { done <- err }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Pass implements sink.Transactional.
func (x *exactly) Pass(log *decode.Log, mark checkpoint.Mark) {
	x.hand(&unit{marks: map[string]checkpoint.Mark{log.String(): mark}, db: x.o.DB, done: func(error) {}})
}

// session does transactions on two connections.
func (x *exactly) session(ctx context.Context, left []*unit) ([]*unit, error) {
	var pair [2]*link.Conn
	for i := range pair {
		conn, err := x.dial(ctx)
		if err != nil {
			return left, err
		}
		defer conn.Close()
		pair[i] = conn
	}
	left, err := x.resolve(pair[0], left)
	if err != nil {
		return left, err
	}
	q := &queue{left: left, units: x.units}
	err = x.transact(ctx, pair, q)
	return q.left, err
}

// resolve finds out what became of the transaction that was under way on other connections.
func (x *exactly) resolve(conn *link.Conn, left []*unit) ([]*unit, error) {
	if err := x.claim.Again(conn); err != nil {
		return left, err
	}
	f, err := positions.Read(conn, x.o.Positions)
	switch {
	case err != nil:
		return left, err
	case f.Seq == x.seq:
		return left, nil
	case f.Seq == x.seq+1 && len(left) > 0 && left[0].seq == f.Seq:
		x.tellUnanswered()
		x.committed(left[0])
		x.told = x.seq
		return left[1:], nil
	case f.Seq < x.seq:
		return left, &positions.LostError{Key: x.o.Positions}
	}
	return left, x.claim.Taken()
}

// transact does one transaction after the other, until there are no more. What is not done is in the queue.
func (x *exactly) transact(ctx context.Context, pair [2]*link.Conn, q *queue) error {
	var begun *upload
	for n := 0; ; n++ {
		if begun == nil {
			u, err := x.awaited(ctx, pair[n%2], q)
			if u == nil || err != nil {
				return err
			}
			begun = x.begin(ctx, pair[n%2], u)
		}
		var ahead *upload
		if u := q.poll(); u != nil {
			ahead = x.begin(ctx, pair[(n+1)%2], u)
		}
		if err := x.commit(ctx, begun); err != nil {
			pair[0].Close()
			pair[1].Close()
			q.back(begun, ahead)
			return err
		}
		begun = ahead
	}
}

// awaited gives the next unit. Before it waits it tells the server that all answers were seen.
func (x *exactly) awaited(ctx context.Context, conn *link.Conn, q *queue) (*unit, error) {
	if u := q.poll(); u != nil {
		return u, nil
	}
	if err := x.tellAnswered(conn); err != nil {
		return nil, err
	}
	select {
	case u := <-q.units:
		return u, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (x *exactly) tellAnswered(conn *link.Conn) error {
	if x.told == x.seq {
		return nil
	}
	if err := x.claim.Put(conn, positions.Answered, strconv.FormatUint(x.seq, 10)); err != nil {
		return err
	}
	x.told = x.seq
	return nil
}

// queue is what is left of a session, and what comes.
type queue struct {
	left  []*unit
	units <-chan *unit
}

// poll gives a unit if there is one now.
func (q *queue) poll() *unit {
	if len(q.left) > 0 {
		u := q.left[0]
		q.left = q.left[1:]
		return u
	}
	select {
	case u := <-q.units:
		return u
	default:
		return nil
	}
}

// back takes units back of uploads that have come to nothing.
func (q *queue) back(uploads ...*upload) {
	var undone []*unit
	for _, up := range uploads {
		if up != nil {
			<-up.written
			undone = append(undone, up.unit)
		}
	}
	q.left = append(undone, q.left...)
}

// upload is a transaction that is being sent, up to its end.
type upload struct {
	unit    *unit
	conn    *link.Conn
	queued  int           // commands between MULTI and the end
	written chan struct{} // closed when all is sent, or err is set
	err     error
}

// begin sends a transaction but for its end.
func (x *exactly) begin(ctx context.Context, conn *link.Conn, u *unit) *upload {
	up := &upload{unit: u, conn: conn}
	x.send(ctx, up)
	return up
}

// send sends it, perhaps once more.
func (x *exactly) send(ctx context.Context, up *upload) {
	u := up.unit
	head := words.Append(words.Append(words.Append(nil, "WATCH", x.claim.OwnerKey()), "GET", x.claim.OwnerKey()), "MULTI")
	if u.db != x.o.DB {
		head = words.Append(head, "SELECT", strconv.Itoa(u.db))
	}
	up.queued = words.Count(head) - 3 + words.Count(u.due)
	for i := range u.messages {
		up.queued += words.Count(u.of(i))
	}
	written := make(chan struct{})
	up.written = written
	go func() {
		defer close(written)
		up.err = x.write(ctx, up.conn, head, u)
	}()
}

func (x *exactly) write(ctx context.Context, conn *link.Conn, head []byte, u *unit) error {
	if err := conn.Write(head); err != nil {
		return err
	}
	for n, piece := range u.pieces(0, x.pieceMost()) {
		if err := x.pace(ctx, n); err != nil {
			return err
		}
		if err := conn.Write(piece); err != nil {
			return err
		}
	}
	return conn.Write(u.due)
}

// tail is the end of a transaction: the positions, and that of the last one whose answers were seen. After a flush all of them are gone, and the owner too.
func (x *exactly) tail(u *unit) (commands []byte, err error) {
	if u.db != x.o.DB {
		commands = words.Append(commands, "SELECT", strconv.Itoa(x.o.DB))
	}
	marks := u.marks
	if u.isWide() {
		marks = x.after(u)
		commands = words.Append(commands, "SET", x.claim.OwnerKey(), x.claim.Owner())
	}
	args := []string{"HSET", x.o.Positions, positions.Seq, strconv.FormatUint(x.seq+1, 10), positions.Answered, strconv.FormatUint(x.seq, 10)}
	if u.held {
		args = append(args, positions.Held, "1")
	}
	for log, mark := range marks {
		text, err := json.Marshal(mark)
		if err != nil {
			return nil, err
		}
		args = append(args, positions.FieldOf(log), string(text))
	}
	return words.Append(commands, args...), nil
}

// after are the marks of all logs once a unit is done.
func (x *exactly) after(u *unit) map[string]checkpoint.Mark {
	marks := maps.Clone(x.marks)
	maps.Copy(marks, u.marks)
	return marks
}

// commit ends a transaction, and looks at all answers.
func (x *exactly) commit(ctx context.Context, up *upload) error {
	again, err := x.accepted(ctx, up)
	if again && err == nil {
		x.send(ctx, up)
		return x.commit(ctx, up)
	}
	if err != nil {
		return err
	}
	u := up.unit
	tail, err := x.tail(u)
	if err != nil {
		return err
	}
	u.seq = x.seq + 1
	if err := up.conn.Write(words.Append(tail, "EXEC")); err != nil {
		return err
	}
	for range words.Count(tail) {
		if err := expect(up.conn, "keeping the position"); err != nil {
			return err
		}
	}
	reply, err := up.conn.Receive()
	if err != nil {
		return err
	}
	return x.done(ctx, up, reply)
}

// done looks at the answer to the end of a transaction. There is none if the owner's key has changed meanwhile: this run itself sets it after a flush.
func (x *exactly) done(ctx context.Context, up *upload, reply any) error {
	switch answers := reply.(type) {
	case redis.Error:
		return fmt.Errorf("ending a transaction: %w", answers)
	case nil:
		x.send(ctx, up)
		return x.commit(ctx, up)
	case []any:
		err := x.look(ctx, up, answers)
		if err == nil {
			x.committed(up.unit)
		}
		return err
	}
	return fmt.Errorf("ending a transaction: the reply is a %T", reply)
}

// committed ends a unit that is done.
func (x *exactly) committed(u *unit) {
	x.marks = x.after(u)
	x.told = x.seq // as its end said
	x.seq++
	x.delivered(u)
}
