package evidence

import (
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// each gives the sound records that begin from begin, where a block does, to end, past damage, until more is false. Those that say nothing have
// only a place.
func (r *Reader) each(src io.ReaderAt, span decode.Span, begin, end int64, more func(s *Stamp, said bool) bool) error {
	span.Begin, span.End, span.Exact = begin, min(end, span.Limit), begin == 0
	r.scanner.Reset(src, span)
	for {
		var rec decode.Record
		s, ok, err := r.next(&span, &rec)
		damaged := folder.IsDamage(err)
		if damaged {
			err = r.resync(err)
		}
		switch {
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			return nil
		case err != nil:
			return err
		case !damaged && !more(&s, ok):
			return nil
		}
	}
}

// across reports whether a sound record begins before an offset and ends past it: then that is not where the records end.
func (r *Reader) across(src io.ReaderAt, span decode.Span, offset int64) (across bool, err error) {
	begin, ok, err := lastBeginning(src, min(offset, span.Limit), decode.HeaderSize(span.Generation))
	if err != nil || !ok {
		return false, err
	}
	err = r.each(src, span, begin, offset, func(s *Stamp, _ bool) bool {
		across = s.Offset < offset && s.End > offset
		return !across
	})
	return across, err
}

// maxIDBlocks bounds how many blocks are read to find a record by its logic id. What stale bytes there are past the end hold few
// beginnings of records, and no more than one of a whole record.
const maxIDBlocks = 64

// endOf finds the record with a logic id, looking from the end of the span backwards, and gives where it ends. It looks no further than to a
// record with a lower id. missing: all that is there has lower ids, or nothing has any, so that the record was lost.
func (r *Reader) endOf(src io.ReaderAt, span decode.Span, id uint64) (end int64, missing bool, err error) {
	at, higher := span.Limit, false
	for range maxIDBlocks {
		begin, ok, err := lastBeginning(src, at, decode.HeaderSize(span.Generation))
		if err != nil || !ok {
			return 0, !higher, err
		}
		ids, err := r.idsIn(src, span, begin, id)
		if err != nil || ids.end > 0 || ids.lower {
			return ids.end, ids.end == 0, err
		}
		at, higher = begin, higher || ids.higher
	}
	return 0, false, nil
}

// ids is what the records that begin in one block say of a logic id.
type ids struct {
	end           int64 // of the record that has it, 0 if none does
	lower, higher bool  // some have such ones
}

// idsIn looks for the record with a logic id. An empty record and padding take an id without showing it.
func (r *Reader) idsIn(src io.ReaderAt, span decode.Span, begin int64, id uint64) (found ids, err error) {
	var last uint64
	err = r.each(src, span, begin, begin+decode.BlockSize, func(s *Stamp, _ bool) bool {
		switch {
		case s.Has&decode.HasLogicID != 0:
			last = s.LogicID
			found.lower, found.higher = found.lower || last < id, found.higher || last > id
		case found.lower:
			last++
		}
		if last == id {
			found.end = s.End
		}
		return found.end == 0
	})
	return found, err
}

// DataEnd is where the records of a segment end of which nothing tells the end: before the zeros that it ends in. It is the limit of the span where
// something else than zeros follows the last record.
func (r *Reader) DataEnd(src io.ReaderAt, span decode.Span) (int64, error) {
	begin, ok, err := lastBeginning(src, span.Limit, decode.HeaderSize(span.Generation))
	if err != nil {
		return span.Limit, err
	}
	if !ok {
		begin = 0
	}
	span.Begin, span.End, span.Exact = begin, span.Limit, begin == 0
	end, err := r.WholeEnd(src, span)
	if err != nil || !r.scanner.Zeros() {
		return span.Limit, err
	}
	return end, nil
}
