package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/image"
	"pikabin/decode/replica/link"
	"pikabin/decode/replica/wire"
)

// chunkSize is how long the parts are that a backlog is handed out in, as with files.
const chunkSize = 1 << 19

// follower reads one log. What is above mu belongs to its goroutine.
type follower struct {
	server *link.Server
	log    *Log
	pool   *image.Pool
	notify func() // there is something for Next
	until  *decode.Position
	ctx    context.Context //nolint:containedctx // of its goroutine

	place       chain.Place // up to where records were received
	record      int64       // where the last of them begins; -1: it is not to be had
	ends        decode.Ends // of that which was shown last
	ended       bool        // the fence of the place is to be taken of it
	im          *image.Image
	imSegment   uint32
	begin       int64 // of the record that is being received
	recognising bool  // the first record is the one before the place
	first, last wire.Point
	some        bool // records from first to last are to be acknowledged
	unsettled   int  // how many they are
	copied      bool // the positions in the records are those of the server's master
	shown       int64
	verdict     verdict
	standing    standing

	reached atomic.Pointer[decode.Position] // place, for others
	moved   atomic.Int64                    // when it moved
	reading atomic.Bool                     // a record is being received

	mu      sync.Mutex
	parts   []*part
	err     error
	done    bool
	saved   decode.Position
	session *link.Session
	attachs int64 // how often it was attached
	hold    hold
	guards  *uint32 // the segment that a second connection keeps from the purge
	group   string  // the replication id of the servers that the log is of
	trouble error
	since   time.Time
}

// errUntil ends a log that is to be read up to a position.
var errUntil = errors.New("all that was wanted was read")

// note tells of trouble, and say of what is as it should be.
func (f *follower) note(format string, args ...any) {
	f.server.Options.Note(f.log.id.String(), fmt.Sprintf(format, args...))
}

func (f *follower) say(format string, args ...any) {
	f.server.Options.Say(f.log.id.String(), fmt.Sprintf(format, args...))
}

// run follows the log until the end of the context.
func (f *follower) run() {
	defer f.notify()
	for f.ctx.Err() == nil && !f.isDone() {
		began := time.Now()
		err := f.attach()
		f.show()
		f.know()
		f.forget()
		if f.ctx.Err() != nil {
			break
		}
		pause, err := f.judge(err, time.Since(began))
		if err != nil {
			f.finish(err)
			break
		}
		if !f.isDone() && link.Wait(f.ctx, max(pause, time.Second-time.Since(began))) != nil {
			break
		}
	}
	f.finish(nil)
}

// finish ends the log, with an error if it could not be read to its end.
func (f *follower) finish(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.done, f.err = true, err
	}
}

func (f *follower) isDone() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done
}

// attach has the log sent from the place on, and reads until that ends.
func (f *follower) attach() error {
	if f.until != nil && !f.place.Before(*f.until) {
		f.finish(nil)
		return nil
	}
	look := f.server.Seen()
	if err := f.mayAttach(&look); err != nil {
		return err
	}
	e, err := f.server.Dial(f.ctx, f.log.id.DB)
	if err != nil {
		return err
	}
	defer e.End(nil)
	if err := f.server.Meet(e); err != nil {
		return err
	}
	start := f.place.Start()
	if f.verdict.plain {
		start = f.place.Position
	}
	f.recognising = start != f.place.Position
	end, err := e.Try(start)
	if err != nil {
		return f.gone(err)
	}
	f.verdict.attached = true
	if err := e.First(start); err != nil {
		return err
	}
	f.say("attached to %s (Pika %s, %s) as %s: from %v, and the log ends at %v", e.Host, look.Version.Text, look.Role, e.Name(), f.place.Position, end)
	return f.read(e)
}

// read receives messages until the session ends.
func (f *follower) read(e *link.Session) error {
	f.mu.Lock()
	f.session = e
	f.attachs++
	f.mu.Unlock()
	v := f.server.Version()
	f.some, f.unsettled, f.copied = false, 0, v.Copies && f.server.IsReplica()
	f.moved.Store(time.Now().UnixNano())
	stop := make(chan struct{})
	var kept sync.WaitGroup
	kept.Go(func() { f.keep(e, stop) })
	defer kept.Wait()
	defer close(stop)
	for {
		err := e.Receive(f)
		if f.some && err == nil && (f.unsettled >= settleCount || !e.Comes()) {
			err = f.settle(e)
		}
		if err == nil && f.until != nil && !f.place.Before(*f.until) {
			err = errUntil
		}
		if err != nil {
			return e.Reason(err)
		}
		f.suffer(nil)
	}
}

// settleCount is after how many records they are acknowledged, so that the server, whose window is 9000, always has something to send.
const settleCount = 2000

// settle hands out and acknowledges what has come, once there is no more of it: each of both costs more than to receive a record.
func (f *follower) settle(e *link.Session) error {
	f.some, f.unsettled = false, 0
	e.Received(link.AckRange{First: f.first, Last: f.last})
	f.show()
	return f.acknowledge(e)
}

// Payload receives a record into the image.
func (f *follower) Payload(it *wire.Item, r io.Reader) error {
	if it.DB != f.log.id.DB {
		return fmt.Errorf("a record of %q among those of %s", it.DB, f.log.id.DB)
	}
	if it.IsPing() {
		return nil
	}
	if !it.Whole {
		f.reading.Store(true)
		defer f.reading.Store(false)
	}
	if f.recognising {
		return f.place.Recognise(f.ctx, f.pool, it, r)
	}
	begin, err := chain.Expect(&f.place, it)
	if err != nil {
		return err
	}
	if f.until != nil && !(decode.Position{Segment: it.End.Segment, Offset: begin}).Before(*f.until) {
		return errUntil
	}
	return f.add(it, begin, r)
}

// add puts a record into the image of its segment, once all that is known of it fits.
func (f *follower) add(it *wire.Item, begin int64, r io.Reader) error {
	if f.im == nil || f.imSegment != it.End.Segment {
		f.show()
		from := begin
		if it.End.Segment == f.place.Segment {
			from = f.place.Offset
		}
		f.im, f.imSegment = image.New(f.pool, from), it.End.Segment
	}
	f.begin = begin
	if err := f.im.Add(f.ctx, begin, it.Size, r); err != nil {
		return err
	}
	extra, err := chain.Follows(&f.place, it, f.im.Head(it.Size), f.copied)
	if extra != nil {
		f.note("the records from %v to %v were delivered, and the server may never have confirmed them to a client", *extra, f.place.Position)
	}
	return err
}

// Item takes the record that was received.
func (f *follower) Item(it *wire.Item) error {
	if it.Session != f.session.ID {
		return fmt.Errorf("a record of session %d in session %d", it.Session, f.session.ID)
	}
	if it.IsPing() {
		f.verdict.attached, f.verdict.closed = false, 0 // a server that cannot read does not ping
		return f.session.Ping()
	}
	p := wire.Point{Position: it.End, Term: it.Term, Index: it.Index}
	f.unsettled++
	if f.last = p; !f.some {
		f.first, f.some = p, true
	}
	if f.recognising {
		f.recognising = false
		return nil
	}
	f.take(it)
	return nil
}

// take moves the place after a record.
func (f *follower) take(it *wire.Item) {
	if it.End.Segment != f.place.Segment || f.shown < 0 {
		f.mu.Lock()
		from := f.place.Offset
		if it.End.Segment != f.place.Segment {
			from = 0
		}
		f.parts = append(f.parts, &part{im: f.im, segment: it.End.Segment, from: from, to: from})
		f.mu.Unlock()
		f.shown = from
	}
	f.place.Position, f.place.Unproven, f.record = it.End, false, f.begin
	f.verdict.progress()
	if it.End.Offset-f.shown >= chunkSize || it.Size >= decode.BlockSize {
		f.show()
	}
}

// know takes the fence of the place, which only another session needs.
func (f *follower) know() {
	if f.ended {
		f.place.Fence, f.ended = f.ends.Fence(decode.G5), false
	}
}

// forget lets go of a record that was not received whole, and of the session.
func (f *follower) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.session = nil
	if f.im == nil {
		return
	}
	if f.imSegment != f.place.Segment || f.shown < 0 {
		f.im.Close() // nothing of it was taken
		f.im, f.shown = nil, -1
		return
	}
	f.im.Drop(f.place.Offset)
}

// skip continues after a hole.
func (f *follower) skip(hole decode.Hole) {
	_, _, to := hole.Hole()
	f.mu.Lock()
	f.parts = append(f.parts, &part{hole: hole})
	f.saved, f.group = to, ""
	f.mu.Unlock()
	f.place, f.record, f.im, f.shown = chain.Place{Position: to}, -1, nil, -1
	f.reached.Store(&to)
	f.moved.Store(time.Now().UnixNano())
	f.verdict = verdict{}
	f.notify()
}
