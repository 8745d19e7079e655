package replica

import (
	"context"
	"errors"
	"io"
	"sort"

	"pikabin/decode"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/link"
	"pikabin/decode/replica/wire"
)

// search is the beginning of the oldest segment that a server has of a DB. The segments are asked for from the end downwards by doubling
// steps, and then by halving.
func search(ctx context.Context, s *link.Server, db string) (decode.Position, error) {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return decode.Position{}, err
	}
	defer e.End(nil)
	end, there, err := has(e, 0)
	if err != nil || there {
		return decode.Position{}, err
	}
	low, high := uint32(0), end.Segment // low is not there, high is
	for step := uint32(1); step < high-low; step *= 2 {
		if _, there, err = has(e, high-step); err != nil {
			return decode.Position{}, err
		}
		if !there {
			low = high - step
			break
		}
		high -= step
	}
	n := sort.Search(int(high-low-1), func(i int) bool {
		if err == nil {
			_, there, err = has(e, low+1+uint32(i))
		}
		return there
	})
	return decode.Position{Segment: low + 1 + uint32(n)}, err
}

// has asks whether a segment is there.
func has(e *link.Session, segment uint32) (end decode.Position, there bool, err error) {
	end, err = e.Try(decode.Position{Segment: segment})
	if answer, ok := errors.AsType[*link.AnswerError](err); ok && answer.HasEnd && (answer.Reply == inner.Reply_SYNC_PURGED || answer.Reply == inner.Reply_SYNC_LARGER) {
		return end, false, nil
	}
	return end, err == nil, err
}

// begins is where a log can be read from: its oldest segment, or its end where that begins with filler.
func begins(ctx context.Context, s *link.Server, db string) (decode.Position, error) {
	at, err := search(ctx, s, db)
	if err != nil {
		return at, err
	}
	if readable, err := readable(ctx, s, db, at); err != nil || readable {
		return at, err
	}
	l, err := s.Look(ctx)
	end, _ := l.End(db)
	return end, err
}

// readable tries to read the first record of a segment.
func readable(ctx context.Context, s *link.Server, db string, at decode.Position) (bool, error) {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return false, err
	}
	defer e.End(nil)
	end, err := e.Try(at)
	if err != nil || end == at {
		return err == nil, err
	}
	if err := e.First(at); err != nil {
		return false, err
	}
	if err := e.Within(s.Version().Silence); err != nil {
		return false, err
	}
	for err == nil {
		err = e.Receive(anything{})
	}
	switch {
	case errors.Is(err, errRecognised):
		return true, nil
	case link.IsClosed(err), errors.Is(err, link.ErrTime): // up to 3.2.9 nothing comes
		return false, nil
	}
	return false, err
}

// anything is content with any record.
type anything struct{}

func (anything) Payload(it *wire.Item, _ io.Reader) error {
	if it.IsPing() {
		return nil
	}
	return errRecognised
}
func (anything) Item(*wire.Item) error { return nil }
