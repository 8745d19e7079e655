package replica

import (
	"context"
	"errors"
	"io"
	"sort"

	"pikabin/decode"
	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/image"
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
	return lowest(e, low, high)
}

// lowest is the beginning of the lowest segment that is there, between one that is not and one that is.
func lowest(e *link.Session, low, high uint32) (at decode.Position, err error) {
	n := sort.Search(int(high-low-1), func(i int) bool {
		var there bool
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
	readable, _, err := opens(ctx, s, db, at)
	if err != nil || readable {
		return at, err
	}
	return endOf(ctx, s, db)
}

// resumes is where a log continues past segments that are not there, the first of which is named, and whether a history begins there:
// with filler, past which it is read from its end on, or with a record that nothing comes before.
func resumes(ctx context.Context, s *link.Server, db string, missing uint32) (at decode.Position, fresh bool, err error) {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return at, false, err
	}
	defer e.End(nil)
	end, there, err := has(e, missing)
	if err != nil || there || end.Segment <= missing {
		return end, false, err
	}
	if at, err = lowest(e, missing, end.Segment); err != nil {
		return at, false, err
	}
	readable, fresh, err := opens(ctx, s, db, at)
	if err != nil || readable {
		return at, fresh, err
	}
	at, err = endOf(ctx, s, db)
	return at, true, err
}

// maxAhead is how many segments are looked at for a missing one: more than a window of records is in.
const maxAhead = 1000

// firstMissing is the first segment from a number on that is not there, though the log continues after it; 0 if there is none.
func firstMissing(ctx context.Context, s *link.Server, db string, from uint32) (uint32, error) {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return 0, err
	}
	defer e.End(nil)
	for n := from; n < from+maxAhead; n++ {
		end, there, err := has(e, n)
		if err != nil || !there && end.Segment <= n {
			return 0, err
		}
		if !there {
			return n, nil
		}
	}
	return 0, nil
}

func endOf(ctx context.Context, s *link.Server, db string) (decode.Position, error) {
	l, err := s.Look(ctx)
	end, _ := l.End(db)
	return end, err
}

// opens tries to read the first record of a segment. fresh: a history begins with it.
func opens(ctx context.Context, s *link.Server, db string, at decode.Position) (readable, fresh bool, err error) {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return false, false, err
	}
	defer e.End(nil)
	end, err := e.Try(at)
	if err != nil || end == at {
		return err == nil, false, err
	}
	if err := e.First(at); err != nil {
		return false, false, err
	}
	if err := e.Within(s.Version().Silence); err != nil {
		return false, false, err
	}
	var first first
	for err == nil {
		err = e.Receive(&first)
	}
	switch {
	case errors.Is(err, errRecognised):
		return true, first.fresh, nil
	case link.IsClosed(err), errors.Is(err, link.ErrTime): // up to 3.2.9 nothing comes
		return false, false, nil
	}
	return false, false, err
}

// first is content with any record, and looks at how it begins.
type first struct{ fresh bool }

func (f *first) Payload(it *wire.Item, r io.Reader) error {
	if it.IsPing() {
		return nil
	}
	head := make([]byte, min(it.Size, image.HeadSize))
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	f.fresh = chain.Begins(it, head)
	return errRecognised
}
func (*first) Item(*wire.Item) error { return nil }
