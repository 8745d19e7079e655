package binlog

import (
	"context"
	"slices"

	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
)

// Times are those of the first and the last record that have one, in unix seconds. In between they may be earlier or later, since clocks step. ok is
// false where no record has a time.
func (l *Log) Times(ctx context.Context) (first, last int64, ok bool, err error) {
	found, err := l.seek(ctx, 0, timeOf)
	if err != nil || !found.ok {
		return 0, 0, false, err
	}
	for _, segment := range slices.Backward(l.segments) {
		if last, ok, err = l.lastTime(ctx, segment); ok || err != nil {
			break
		}
	}
	return int64(found.value), last, ok, err
}

// lastTime is that of the last record of a segment that has one.
func (l *Log) lastTime(ctx context.Context, segment folder.Segment) (last int64, ok bool, err error) {
	s, err := l.searchOf(ctx, segment, timeOf)
	if err != nil {
		return 0, false, err
	}
	defer s.file.Close()
	for block := s.blocks() - 1; block >= 0 && !ok; block-- {
		if err := context.Cause(ctx); err != nil {
			return 0, false, err
		}
		_, _, err := l.evidence.First(s.file, s.block(block), func(at *evidence.Stamp) (wanted bool) {
			if value, has := s.by(at); has {
				last, ok = int64(value), true
			}
			return false
		})
		if err != nil {
			return 0, false, err
		}
	}
	return last, ok, nil
}
