package replica

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/link"
	"pikabin/decode/replica/wire"
)

// The pauses between two attempts to attach.
const (
	firstPause = time.Second
	maxPause   = 10 * time.Second
	calmTime   = 30 * time.Second // a session that lasts so long was a good one
)

// verdict is what the attempts since the last record have shown.
type verdict struct {
	attached bool            // TrySync was answered with ok
	closed   int             // how often the server has closed after that, without a record
	plain    bool            // attach at the place itself, and not at the record before
	broken   decode.Position // where a record did not fit
	lagging  time.Time       // since when the server is before the place
	pause    time.Duration
}

// progress forgets the trouble: a record has come.
func (v *verdict) progress() { *v = verdict{pause: v.pause} }

// judge decides what the end of a session means: to try again after a pause, to continue after a hole, or an error that ends the log.
func (f *follower) judge(err error, lasted time.Duration) (pause time.Duration, _ error) {
	if lasted > calmTime {
		f.verdict.pause = 0
	}
	attached := f.verdict.attached
	f.verdict.attached = false
	switch {
	case err == nil:
		return 0, nil
	case errors.Is(err, errUntil):
		f.finish(nil)
		return 0, nil
	}
	if _, ok := errors.AsType[*link.RefusedError](err); ok {
		return 0, err
	}
	hole, errHole := f.missing(err, attached)
	if hole != nil {
		f.suffer(nil)
		f.skip(hole)
		return 0, nil
	}
	if errHole != nil {
		return 0, errHole
	}
	f.suffer(err)
	return f.pause(), nil
}

// pause is how long to wait, longer each time.
func (f *follower) pause() time.Duration {
	v := &f.verdict
	v.pause = min(max(2*v.pause, firstPause), maxPause)
	return v.pause + time.Duration(rand.Int64N(int64(v.pause)/4)) //nolint:gosec // so that not all come at once
}

// missing is what of the log is not to be had any more, as an attempt has shown; nil if another attempt may help.
func (f *follower) missing(err error, attached bool) (decode.Hole, error) {
	var (
		answer *link.AnswerError
		other  *chain.OtherError
		broken *chain.Error
	)
	switch {
	case errors.As(err, &other):
		return f.rewritten(other.Reason)
	case errors.As(err, &answer):
		return f.answered(answer)
	case errors.As(err, &broken):
		return f.broken(broken), nil
	case errors.Is(err, wire.ErrMessage):
		return nil, nil
	case attached && link.IsClosed(err):
		return f.unreadable(err)
	}
	return nil, nil
}

// answered judges what the server has said in place of sending the log.
func (f *follower) answered(e *link.AnswerError) (decode.Hole, error) {
	switch {
	case !e.HasEnd:
		return nil, nil // it is starting, or stopping
	case e.Reply == inner.Reply_SYNC_PURGED:
		oldest, err := begins(f.ctx, f.server, f.log.id.DB)
		if err != nil || !f.place.Before(oldest) {
			return nil, nil //nolint:nilerr // it is tried again
		}
		return &decode.PurgedError{Log: f.log.id, Want: f.place.Position, Oldest: oldest}, nil
	case e.Reply == inner.Reply_SYNC_LARGER:
		if f.verdict.lagging.IsZero() {
			f.verdict.lagging = time.Now()
		}
		if f.server.MayLag() && time.Since(f.verdict.lagging) < f.server.Options.Patience {
			f.server.Leave(f.server.Seen().Host) // another one may go so far
			return nil, nil
		}
		return f.rewritten(fmt.Sprintf("the log already ends at %v", e.End))
	}
	return f.rewritten(fmt.Sprintf("no record begins or ends at %v any more", e.Want))
}

// rewritten is another history than the one that was read.
func (f *follower) rewritten(reason string) (decode.Hole, error) {
	begins, err := begins(f.ctx, f.server, f.log.id.DB)
	if err != nil {
		return nil, nil //nolint:nilerr // it is tried again
	}
	return &decode.RewrittenError{Log: f.log.id, From: f.place.Position, To: begins, Reason: reason}, nil
}

// broken judges a record that did not fit: if it does not the second time, what is between is missing.
func (f *follower) broken(e *chain.Error) decode.Hole {
	if f.verdict.broken != e.At {
		f.verdict.broken = e.At
		return nil
	}
	if e.Gap {
		return &chain.LeftOutError{Log: f.log.id, From: f.place.Position, To: e.To, Reason: e.Reason}
	}
	return &chain.UnreadableError{Log: f.log.id, From: f.place.Position, To: decode.Position{Segment: f.place.Segment + 1}, Err: e}
}

// maxClosed is how often a server may close at the first record, until it is taken for one that cannot read it.
const maxClosed = 3

// unreadable judges a server that closes instead of sending the next record.
func (f *follower) unreadable(err error) (decode.Hole, error) {
	v := &f.verdict
	if v.closed++; v.closed < maxClosed {
		v.plain = v.plain || f.place.Knows() && v.closed == maxClosed-1
		return nil, nil
	}
	next := decode.Position{Segment: f.place.Segment + 1}
	_, errNext := f.server.Probe(f.ctx, f.log.id.DB, next)
	bad := &chain.UnreadableError{Log: f.log.id, From: f.place.Position, To: next, Err: err}
	var answer *link.AnswerError
	switch {
	case errNext == nil:
		if missing := f.missingAfter(next); missing > 0 {
			return f.pastMissing(missing)
		}
		return bad, nil
	case errors.As(errNext, &answer) && answer.Reply == inner.Reply_SYNC_PURGED && answer.HasEnd && next.Before(answer.End):
		return f.pastMissing(next.Segment)
	case errors.As(errNext, &answer) && answer.HasEnd:
		bad.To = f.place.Position
		return nil, bad
	}
	return nil, nil
}

// missingAfter is the first segment after another one that is not there, 0 if it is not known. A server sends nothing of a window in which it comes to a
// missing segment, so that also the segments before that cannot be read.
func (f *follower) missingAfter(next decode.Position) uint32 {
	if readable, _, err := opens(f.ctx, f.server, f.log.id.DB, next); err != nil || readable {
		return 0
	}
	missing, err := firstMissing(f.ctx, f.server, f.log.id.DB, next.Segment+1)
	if err != nil {
		return 0
	}
	return missing
}

// pastMissing continues past segments that are not there. No purge takes them and leaves the one that was read: a full sync has begun another history
// further on, or somebody has removed them.
func (f *follower) pastMissing(missing uint32) (decode.Hole, error) {
	to, fresh, err := resumes(f.ctx, f.server, f.log.id.DB, missing)
	switch {
	case err != nil || to.Segment <= missing:
		return nil, nil //nolint:nilerr // it is tried again
	case fresh:
		reason := fmt.Sprintf("the log continues in write2file%d, with which another history begins, and write2file%d is not there", to.Segment, missing)
		return &decode.RewrittenError{Log: f.log.id, From: f.place.Position, To: to, Reason: reason}, nil
	}
	return &decode.GapError{Log: f.log.id, From: f.place.Position, To: to, First: missing, Last: to.Segment - 1}, nil
}

// errHungUp is a connection that the server has closed, as people read it. It shows in many ways: the end of what is read, or, where an
// acknowledgement was under way, a pipe that is closed or a reset.
var errHungUp = errors.New("it has closed the connection")

// suffer notes what keeps the log from being read now; nil: nothing does.
func (f *follower) suffer(err error) {
	f.mu.Lock()
	first, over := f.trouble == nil && err != nil, f.trouble != nil && err == nil
	if f.trouble = err; first {
		f.since = time.Now()
	}
	f.mu.Unlock()
	if first && link.IsClosed(err) {
		err = errHungUp
	}
	if first {
		f.note("the server does not send the log now, trying again: %v", err)
	}
	if over {
		f.note("the server sends the log again, from %v", f.place.Position)
	}
}
