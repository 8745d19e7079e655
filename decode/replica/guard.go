package replica

import (
	"context"
	"io"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/link"
	"pikabin/decode/replica/wire"
)

// guardStep is how many segments a guard may come to stand before the saved position until it is moved: wherever it
// begins the server reads a whole window.
const guardStep = 4

// guard is a second connection that takes nothing. It stands at the saved position, so that the server does not purge what the next run
// needs: where the end of the log was near, more was acknowledged than is saved, and that cannot be taken back when the log grows.
type guard struct {
	f       *follower
	segment uint32
	tried   time.Time
	ended   <-chan struct{} // nil: there is none
	cancel  context.CancelFunc
	all     sync.WaitGroup
}

// keep begins, moves and ends the guard, as it is needed beside a session.
func (g *guard) keep(e *link.Session) {
	saved, needed := g.f.exposed(e)
	if g.ended != nil {
		select {
		case <-g.ended: // by the server: it is tried again
			g.end()
		default:
			if !needed || saved.Segment-g.segment >= guardStep {
				g.end()
			}
		}
	}
	if !needed || g.ended != nil || time.Since(g.tried) < maxPause {
		return
	}
	ctx, cancel := context.WithCancel(g.f.ctx)
	ended := make(chan struct{})
	g.segment, g.tried, g.ended, g.cancel = saved.Segment, time.Now(), ended, cancel
	g.all.Go(func() {
		defer close(ended)
		if err := g.f.guard(ctx, saved); err != nil && ctx.Err() == nil {
			g.f.note("what comes after %v, which is saved, could not be kept from the server's purge: %v", saved, err)
		}
	})
}

// end ends the guard.
func (g *guard) end() {
	if g.ended != nil {
		g.cancel()
		g.ended = nil
	}
	g.all.Wait()
}

// exposed is the saved position, and whether the server may purge it because more was acknowledged.
func (f *follower) exposed(e *link.Session) (saved decode.Position, _ bool) {
	look := f.server.Seen()
	end, _ := look.End(f.log.id.DB)
	acked, _ := e.Held()
	f.mu.Lock()
	defer f.mu.Unlock()
	saved = f.saved
	kept := (int64(end.Segment) - int64(saved.Segment)) * look.FileSize
	return saved, f.hold.holds && acked > saved.Segment && kept <= f.server.Options.HoldLimit
}

// guard attaches at a position and stays there.
func (f *follower) guard(ctx context.Context, at decode.Position) error {
	e, err := f.server.Dial(ctx, f.log.id.DB)
	if err != nil {
		return err
	}
	defer e.End(nil)
	if _, err := e.Try(at); err != nil {
		return err
	}
	if err := e.First(at); err != nil {
		return err
	}
	f.guarding(&at.Segment)
	defer f.guarding(nil)
	f.say("more is acknowledged than is saved: a second connection, %s, keeps what comes after %v from the server's purge", e.Name(), at)
	var pinging sync.WaitGroup
	defer pinging.Wait()
	defer e.End(nil)
	pinging.Go(func() {
		for live := true; live; {
			live = link.Wait(ctx, pingTime) == nil && e.Ping() == nil
		}
	})
	for err == nil {
		err = e.Receive(taker{e})
	}
	return e.Reason(err)
}

func (f *follower) guarding(segment *uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.guards = segment
}

// taker takes records and does nothing with them.
type taker struct{ e *link.Session }

// Payload leaves the record.
func (taker) Payload(*wire.Item, io.Reader) error { return nil }

// Item answers a sign of life.
func (t taker) Item(it *wire.Item) error {
	if it.IsPing() {
		return t.e.Ping()
	}
	return nil
}
