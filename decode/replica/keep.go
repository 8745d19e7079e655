package replica

import (
	"errors"
	"fmt"
	"math"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/link"
	"pikabin/decode/units"
)

// How often we say that we live, and after which time a server that should send does not.
const (
	pingTime    = 5 * time.Second
	lookTime    = 2 * time.Second
	stuckTime   = 15 * time.Second
	stalledTime = 30 * time.Second // in the middle of a record
)

// nearPurge is how many segments past the saved one the end may be before the purge has to be held: the server keeps the last ten.
const nearPurge = 8

// keep keeps the session alive, and ends it when it is dead.
func (f *follower) keep(e *link.Session, stop <-chan struct{}) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	pinged := time.Now()
	var ahead ahead
	guard := guard{f: f}
	defer guard.end()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
		}
		if time.Since(pinged) >= pingTime {
			pinged = time.Now()
			if err := e.Ping(); err != nil {
				e.End(err)
				return
			}
		}
		err := f.dead(e, &ahead)
		if err == nil {
			err = f.acknowledge(e)
		}
		if err != nil {
			e.End(err)
			return
		}
		guard.keep(e)
	}
}

// errReplaced is a server whose log ends before what it has sent.
var errReplaced = errors.New("the log ends before what was read of it")

// ahead is since when the log of the server is longer than what it has sent.
type ahead struct {
	at    decode.Position
	since time.Time
}

// see compares both, and says for how long the server has sent nothing of what there is.
func (a *ahead) see(at, end decode.Position) time.Duration {
	if !at.Before(end) {
		*a = ahead{}
	} else if a.since.IsZero() || a.at != at {
		*a = ahead{at: at, since: time.Now()}
	}
	if a.since.IsZero() {
		return 0
	}
	return time.Since(a.since)
}

// dead says why a session is of no use any more.
func (f *follower) dead(e *link.Session, ahead *ahead) error {
	look := f.server.Seen()
	end, there := look.End(f.log.id.DB)
	at := *f.reached.Load()
	moved := time.Unix(0, f.moved.Load())
	_, held := e.Held()
	stuck := ahead.see(at, end)
	if err := f.displaced(&look); err != nil {
		return err
	}
	switch {
	case f.pool.Waits(): // for memory, and the server for us
		return nil
	case f.reading.Load():
		if e.Silent() > stalledTime {
			return errors.New("the server has stopped in the middle of a record")
		}
	case there && look.At.After(moved) && end.Before(at):
		return fmt.Errorf("%w: at %v, which was read to %v", errReplaced, end, at)
	case held:
	case e.Silent() > look.Version.Silence:
		return fmt.Errorf("nothing has come for %v", e.Silent().Round(time.Second))
	case stuck > stuckTime:
		return fmt.Errorf("the log goes to %v, and the server sends nothing after %v", end, at)
	}
	return nil
}

// acknowledge acknowledges what was received, but for what the purge of the server would take too early.
func (f *follower) acknowledge(e *link.Session) error {
	look := f.server.Seen()
	end, _ := look.End(f.log.id.DB)
	if at := *f.reached.Load(); end.Before(at) {
		end = at
	}
	acked, _ := e.Held()
	kept := (int64(end.Segment) - int64(acked)) * look.FileSize
	over := kept > f.server.Options.HoldLimit
	f.mu.Lock()
	before, saved := f.hold, f.saved
	near := end.Segment >= nearPurge && saved.Segment <= end.Segment-nearPurge
	f.hold.holds = near && !f.server.Options.NoHold
	f.hold.letGo = f.hold.holds && (before.letGo || over)
	now := f.hold
	f.mu.Unlock()
	switch {
	case now.letGo && !before.letGo:
		f.note("the server keeps %s of its log from the purge for what is not delivered, more than hold-limit: it is let go, and may be purged before it is read",
			units.FormatSize(kept))
	case now.holds && !before.holds:
		f.say("the log goes to %v, and %v is saved: the server is made to keep what is between", end, saved)
	case before.holds && !now.holds:
		f.say("%v is saved: the server need not keep any more for us", saved)
	}
	if now.holds && !over {
		return e.Acknowledge(saved.Segment)
	}
	return e.Acknowledge(math.MaxUint32)
}

// hold is whether the server is kept from its purge, and whether that has become too much since it began.
type hold struct{ holds, letGo bool }

// delivered notes what was saved, so that the server may purge it.
func (f *follower) delivered(p decode.Position) {
	f.mu.Lock()
	f.saved = p
	e := f.session
	f.mu.Unlock()
	if e == nil {
		return
	}
	if err := f.acknowledge(e); err != nil {
		e.End(err)
	}
}

// held is how many bytes the server cannot purge because of us.
func (f *follower) held() int64 {
	f.mu.Lock()
	e, guards := f.session, f.guards
	f.mu.Unlock()
	if e == nil {
		return 0
	}
	look := f.server.Seen()
	end, _ := look.End(f.log.id.DB)
	acked, _ := e.Held()
	if guards != nil {
		acked = min(acked, *guards)
	}
	return max(int64(end.Segment)-int64(acked), 0) * look.FileSize
}
