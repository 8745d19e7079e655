package binlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"pikabin/decode"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
)

// LogicIDError says that no record has the wanted logic id. Next is the first one above it that was found, at At;
// Next is 0 when there is none.
type LogicIDError struct {
	Log        *decode.Log
	Want, Next uint64
	At         decode.Position
}

// Error says what is there instead.
func (e *LogicIDError) Error() string {
	if e.Next == 0 {
		return fmt.Sprintf("%s: logic id %d is not in the log: all that is there is older", e.Log, e.Want)
	}
	return fmt.Sprintf("%s: logic id %d is not in the log: the next one is %d at %v", e.Log, e.Want, e.Next, e.At)
}

// key takes what is sought by out of a record.
type key func(s *evidence.Stamp) (value uint64, ok bool)

// SeekTime is the position of the first record at or after the unix time t, or Committed when there is
// none. The time is that of the item, where the version has one, else that of the physical header; a log of Pika 2.0
// has neither: ErrNoTime.
//
// Clocks step, and commands that ran side by side may be logged out of order. The search takes times to rise from
// segment to segment and block to block; where they do not, it finds a record at or after t whose neighbours
// before it are older, though not always the first of all. Give a time a few seconds early to be sure.
func (l *Log) SeekTime(ctx context.Context, t int64) (decode.Position, error) {
	if l.Generation() == decode.G0 {
		return decode.Position{}, fmt.Errorf("%s: %w", l.ID(), ErrNoTime)
	}
	found, err := l.seek(ctx, uint64(max(t, 0)), timeOf)
	return found.position, err
}

// timeOf is the key of SeekTime.
func timeOf(s *evidence.Stamp) (value uint64, ok bool) {
	return uint64(s.Time), s.Has&decode.HasTime != 0
}

// SeekLogicID is the position of the record with a logic id, or a *LogicIDError. Ids rise by one with
// each record on a server that was only ever a master. They start again at a full sync or a promotion; after one
// the search finds either of two records with the same id.
func (l *Log) SeekLogicID(ctx context.Context, id uint64) (decode.Position, error) {
	if l.Generation() != decode.GenerationUnknown && l.Generation() < decode.G3 {
		return decode.Position{}, fmt.Errorf("%s: %w", l.ID(), ErrNoLogicID)
	}
	found, err := l.seek(ctx, id, func(s *evidence.Stamp) (uint64, bool) {
		return s.LogicID, s.Has&decode.HasLogicID != 0
	})
	if err == nil && (!found.ok || found.value != id) {
		e := &LogicIDError{Log: l.ID(), Want: id}
		if found.ok {
			e.Next, e.At = found.value, found.position
		}
		return decode.Position{}, e
	}
	return found.position, err
}

// finding is where a search ended: at a record, or (not ok) at the end of what was searched.
type finding struct {
	position decode.Position
	value    uint64
	ok       bool
}

// seek looks at how the segments begin, then at how the blocks of one segment do, then at each record of a block.
func (l *Log) seek(ctx context.Context, want uint64, by key) (finding, error) {
	var failed error
	i := sort.Search(len(l.segments), func(i int) bool {
		reached, err := l.reached(i, want, by)
		failed = errors.Join(failed, err)
		return reached
	})
	if failed != nil {
		return finding{}, failed
	}
	// The first record sought may be in the segment before the one that begins with a later record.
	end := finding{position: l.Committed()}
	for _, segment := range l.segments[max(i-1, 0):] {
		found, err := l.seekSegment(ctx, segment, want, by)
		if err != nil || found.ok {
			return found, err
		}
		end = found // of an archive it is only known now
	}
	return end, nil
}

// reached reports whether the first record from segment i on that has a key is at or after want.
func (l *Log) reached(i int, want uint64, by key) (bool, error) {
	for _, segment := range l.segments[i:] {
		o, err := l.opening(segment)
		if err != nil {
			return false, err
		}
		if value, ok := by(&o.Stamp); o.Found && ok {
			return value >= want, nil
		}
	}
	return true, nil
}

// seekSegment searches one segment up to its true end, so that stale records after it are never found. What is not
// there is sought in vain up to that end.
func (l *Log) seekSegment(ctx context.Context, segment folder.Segment, want uint64, by key) (finding, error) {
	s, err := l.searchOf(ctx, segment, by)
	if err != nil {
		return finding{}, err
	}
	defer s.file.Close()
	found, err := s.search(ctx, want)
	if err == nil && !found.ok {
		found.position = decode.Position{Segment: segment.Number, Offset: s.span.Limit}
	}
	return found, err
}

// searchOf makes ready to search a segment up to its true end. Its file is to be closed.
func (l *Log) searchOf(ctx context.Context, segment folder.Segment, by key) (*blockSearch, error) {
	f, err := l.Open(ctx, segment)
	if err != nil {
		return nil, err
	}
	b, err := l.bound(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s := &blockSearch{log: l, file: f, span: l.evidence.Span(l.view, f), by: by}
	s.span.Limit, s.span.Final, s.span.Open = b.Limit, b.Final, b.Open
	return s, nil
}

// blockSearch finds records in one segment.
type blockSearch struct {
	log  *Log
	file *folder.File
	span decode.Span
	by   key
}

func (s *blockSearch) blocks() int {
	return int((s.span.Limit + decode.BlockSize - 1) / decode.BlockSize)
}

// search halves the blocks until one is found that begins with a later record, or in which none begins. The record
// sought is then in the block before it or the first of this one.
func (s *blockSearch) search(ctx context.Context, want uint64) (finding, error) {
	var failed error
	block := sort.Search(s.blocks(), func(i int) bool {
		first, err := s.first(ctx, i, 0)
		failed = errors.Join(failed, err)
		return !first.ok || first.value >= want
	})
	if failed != nil {
		return finding{}, failed
	}
	return s.first(ctx, max(block-1, 0), want)
}

// first is the first record in a block or after it whose key is at least want.
func (s *blockSearch) first(ctx context.Context, block int, want uint64) (finding, error) {
	for ; block < s.blocks(); block++ {
		if err := context.Cause(ctx); err != nil {
			return finding{}, err
		}
		found, err := s.inBlock(block, want)
		if err != nil || found.ok {
			return found, err
		}
	}
	return finding{}, nil
}

// inBlock looks at the records that begin in one block.
func (s *blockSearch) inBlock(block int, want uint64) (finding, error) {
	span := s.block(block)
	var value uint64
	at, ok, err := s.log.evidence.First(s.file, span, func(at *evidence.Stamp) (wanted bool) {
		var has bool
		value, has = s.by(at)
		return has && value >= want
	})
	if err != nil || !ok {
		return finding{}, err
	}
	return finding{position: decode.Position{Segment: span.Segment, Offset: at.Offset}, value: value, ok: true}, nil
}

// block is the span of one block.
func (s *blockSearch) block(block int) decode.Span {
	span := s.span
	span.Begin = int64(block) * decode.BlockSize
	span.End = min(span.Begin+decode.BlockSize, span.Limit)
	span.Exact = block == 0
	return span
}

// Peek gives the first chunk at a position to look, as long as that lasts; none at the end of the log.
func (l *Log) Peek(ctx context.Context, p decode.Position, look func(*decode.Chunk) error) error {
	plan := l.Chunks(p, l.Committed(), PlanOptions{Ahead: -1})
	chunk, err := plan.Next(ctx)
	if err == nil {
		err = look(&chunk)
		chunk.Release()
	}
	if err == io.EOF { //nolint:errorlint // what wraps it is an error
		err = nil
	}
	errClose := plan.Close()
	return cmp.Or(err, errClose)
}

// Resolve finds the position of a place in this log.
func (l *Log) Resolve(ctx context.Context, w decode.Where) (decode.Position, error) {
	if t, ok := w.Seconds(); ok {
		return l.SeekTime(ctx, t)
	}
	if p, ok := w.Position(); ok {
		return p, nil
	}
	if w.IsEnd() {
		return l.Committed(), nil
	}
	return l.Start(), nil
}
