package binlog

import (
	"context"
	"errors"
	"fmt"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Fence is the fingerprint of what is before a position, the same that a run takes which ends there. Its Content is
// absent if no record is seen to end at the position. A position whose segment is not there is a *decode.PurgedError, one past
// the end a *BeyondError, and one past the end of a file that is too short a *CutShortError.
func (l *Log) Fence(ctx context.Context, p decode.Position) (decode.Fence, error) {
	var fence decode.Fence
	err := l.before(ctx, p, func(f *folder.File) error {
		span := l.evidence.Span(l.view, f)
		record, err := l.evidence.RecordEnding(f, span, p.Offset)
		if err == nil {
			fence, err = decode.NewFence(f, record, p.Offset, span.Generation)
		}
		return err
	})
	return fence, err
}

// CheckFence compares what is before a position with a fence that was taken of it. Another history is a
// *RewrittenError, whose To is the start of what is there now: where exactly the new history begins the caller may know
// better. A fence that was taken over the network has no Bytes: the content of the record decides. The other errors are those of Fence, also for the zero fence, which fits everything that is there.
func (l *Log) CheckFence(ctx context.Context, p decode.Position, want decode.Fence) error {
	return l.before(ctx, p, func(f *folder.File) error {
		if want == (decode.Fence{}) {
			return nil
		}
		have, err := want.Again(f, p.Offset, l.evidence.Span(l.view, f).Generation)
		if err != nil || have.Fits(want) {
			return err
		}
		return &decode.RewrittenError{
			Log: l.ID(), From: p, To: l.HistoryStart(), Reason: otherBytes(want, have),
			SameRecord: want.Content != (decode.Sum{}) && have.Content == want.Content,
		}
	})
}

// otherBytes says how two fences of one position differ.
func otherBytes(want, have decode.Fence) string {
	if want.Bytes == (decode.Sum{}) {
		return fmt.Sprintf("the record that ends there has the fingerprint %x, and had %x when it was read", have.Content, want.Content)
	}
	text := fmt.Sprintf("the bytes there have the fingerprint %x, and had %x when they were read", have.Bytes, want.Bytes)
	if want.Content != (decode.Sum{}) && have.Content == want.Content {
		text += "; the record that ends there has the same content, as on another replica of the same log"
	}
	return text
}

// HistoryStart is where the present history of the log begins, as far as its segments tell.
func (l *Log) HistoryStart() decode.Position {
	if start, ok, err := l.evidence.HistoryStart(l.view); ok && err == nil {
		return start
	}
	return l.Start()
}

// before hands the segment of a position to look, if the log goes as far.
func (l *Log) before(ctx context.Context, p decode.Position, look func(f *folder.File) error) error {
	if end := l.Committed(); end.Before(p) {
		return &decode.BeyondError{Log: l.ID(), Want: p, End: end}
	}
	i, ok := folder.Find(l.segments, p.Segment)
	switch {
	case !ok && p.Offset == 0 && p == l.Committed():
		return nil // nothing is before it, and nothing is missing after it
	case !ok:
		return l.purged(p)
	}
	f, err := l.Open(ctx, l.segments[i])
	if err != nil {
		return purgedAt(p, err)
	}
	defer f.Close()
	if err := l.within(f, p); err != nil {
		return purgedAt(p, err)
	}
	return look(f)
}

// within refuses a position past the end of its segment.
func (l *Log) within(f *folder.File, p decode.Position) error {
	if _, err := l.opening(f.Segment()); err != nil {
		return err
	}
	b, err := l.bound(f)
	switch {
	case err != nil || p.Offset <= b.Limit:
		return err
	case b.Cut != nil:
		b.Cut.Next = p
		return b.Cut
	}
	return &decode.BeyondError{Log: l.ID(), Want: p, End: decode.Position{Segment: p.Segment, Offset: b.Limit}}
}

// purgedAt gives the error of a segment that vanished meanwhile the position that was wanted.
func purgedAt(p decode.Position, err error) error {
	if purged, ok := errors.AsType[*decode.PurgedError](err); ok && purged.Want.Segment == p.Segment {
		purged.Want = p
	}
	return err
}
