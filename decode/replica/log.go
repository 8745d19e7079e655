package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/link"
)

// refreshTime is how long a server may take to answer.
const refreshTime = 15 * time.Second

// Log is the log of one DB of a server. Its methods are for one goroutine at a time.
type Log struct {
	id     *decode.Log
	server *link.Server
	oldest decode.Position // as far as it was looked for
}

// Logs are those of a server that are wanted.
func Logs(s *link.Server) []*Log {
	l := s.Seen()
	var logs []*Log
	for _, db := range l.DBs {
		id := &decode.Log{DB: db.Name, Slot: -1}
		if s.Options.Want(id) {
			logs = append(logs, &Log{id: id, server: s})
		}
	}
	return logs
}

// DBs are the names of all DBs of a server.
func DBs(s *link.Server) []string {
	var names []string
	l := s.Seen()
	for _, db := range l.DBs {
		names = append(names, db.Name)
	}
	return names
}

// ID is the identity that spans and changes of this log carry.
func (l *Log) ID() *decode.Log { return l.id }

// Committed is the end of the log, as the server has told it last.
func (l *Log) Committed() decode.Position {
	look := l.server.Seen()
	end, _ := look.End(l.id.DB)
	return end
}

// HistoryStart is the oldest position that the server has, if it was looked for, else the end.
func (l *Log) HistoryStart() decode.Position {
	if l.oldest != (decode.Position{}) {
		return l.oldest
	}
	return l.Committed()
}

// Refresh asks the server again.
func (l *Log) Refresh() error {
	ctx, cancel := context.WithTimeout(context.Background(), refreshTime)
	defer cancel()
	_, err := l.server.Look(ctx)
	return err
}

// Resolve finds the place that a user named. A position has to be one at which a record begins or ends.
func (l *Log) Resolve(ctx context.Context, w decode.Where) (decode.Position, error) {
	if _, ok := w.Seconds(); ok {
		return decode.Position{}, link.Refuse("the network has no way to look for a time: use --from start and a filter")
	}
	if p, ok := w.Position(); ok {
		return p, l.exists(ctx, p)
	}
	if w.IsEnd() {
		_, err := l.server.Look(ctx)
		return l.Committed(), err
	}
	return l.start(ctx)
}

// start is the oldest position that can be read.
func (l *Log) start(ctx context.Context) (decode.Position, error) {
	at, err := search(ctx, l.server, l.id.DB)
	if err != nil {
		return at, err
	}
	readable, _, err := opens(ctx, l.server, l.id.DB, at)
	if err == nil && !readable {
		err = link.Refuse("the log of %s begins with what a full sync has left, and only the server's files tell where it ends: use --from end, or a position", l.id)
	}
	return at, err
}

// exists refuses a position at which no record begins or ends. One whose segment is gone is told when it is read.
func (l *Log) exists(ctx context.Context, p decode.Position) error {
	_, err := l.server.Probe(ctx, l.id.DB, p)
	answer, ok := errors.AsType[*link.AnswerError](err)
	switch {
	case !ok:
		return err
	case answer.Reply == inner.Reply_SYNC_LARGER:
		return &decode.BeyondError{Log: l.id, Want: p, End: answer.End}
	case answer.Reply == inner.Reply_SYNC_PURGED:
		return nil
	}
	return link.Refuse("%s: no record begins or ends at %v", l.id, p)
}

// Fence is not to be had of a place: where the record before it begins only the reading tells.
func (*Log) Fence(context.Context, decode.Position) (decode.Fence, error) {
	return decode.Fence{}, nil
}

// CheckFence has the record before a place sent, and compares it. A replica may lag what was read from its master: it is waited for.
func (l *Log) CheckFence(ctx context.Context, p decode.Position, want decode.Fence) error {
	began := time.Now()
	for {
		err := l.checkOnce(ctx, p, want)
		beyond, ok := errors.AsType[*decode.BeyondError](err)
		if !ok || !l.server.MayLag() || time.Since(began) > l.server.Options.Patience {
			return err
		}
		l.server.Leave(l.server.Seen().Host)
		l.server.Options.Note(l.id.String(), fmt.Sprintf("the log of %s ends at %v, before %v: waiting for it", l.server.Seen().Host, beyond.End, p))
		if err := link.Wait(ctx, time.Second); err != nil {
			return err
		}
		if _, err := l.server.Look(ctx); err != nil {
			return err
		}
	}
}

func (l *Log) checkOnce(ctx context.Context, p decode.Position, want decode.Fence) error {
	at := chain.Place{Position: p, Fence: want}
	look := l.server.Seen()
	if err := otherGroup(l.server.Options.Group, &look); err != nil {
		return l.explain(ctx, &at, err)
	}
	err := check(ctx, l.server, l.id.DB, &at)
	if at.Knows() && link.IsClosed(err) { // the beginning of the record is of no use to a server that cannot read there
		at.Fence = decode.Fence{}
		err = check(ctx, l.server, l.id.DB, &at)
	}
	return l.explain(ctx, &at, err)
}

// explain makes of what a server has answered what it says of the log.
func (l *Log) explain(ctx context.Context, at *chain.Place, err error) error {
	other, isOther := errors.AsType[*chain.OtherError](err)
	answer, isAnswer := errors.AsType[*link.AnswerError](err)
	if !isOther && (!isAnswer || !answer.HasEnd) {
		return err
	}
	var errSearch error
	if l.oldest, errSearch = begins(ctx, l.server, l.id.DB); errSearch != nil {
		return errSearch
	}
	switch {
	case isOther:
		return &decode.RewrittenError{Log: l.id, From: at.Position, To: l.oldest, Reason: other.Reason}
	case answer.Reply == inner.Reply_SYNC_LARGER:
		return &decode.BeyondError{Log: l.id, Want: at.Position, End: answer.End}
	case answer.Reply == inner.Reply_SYNC_PURGED:
		return &decode.PurgedError{Log: l.id, Want: at.Position, Oldest: l.oldest}
	}
	reason := fmt.Sprintf("no record begins or ends at %v any more", at.Start())
	return &decode.RewrittenError{Log: l.id, From: at.Position, To: l.oldest, Reason: reason}
}

// Peek gives what is missing at a position to look; nothing if the log can be read from there.
func (l *Log) Peek(ctx context.Context, p decode.Position, look func(*decode.Chunk) error) error {
	_, err := l.server.Probe(ctx, l.id.DB, p)
	err = l.explain(ctx, &chain.Place{Position: p}, err)
	hole, ok := errors.AsType[decode.Hole](err)
	if !ok {
		return err
	}
	chunk := decode.Missing(hole)
	return look(&chunk)
}
