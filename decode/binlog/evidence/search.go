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
	defer r.forget()
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

// recordAt gives the sound record that begins at an offset, or after the trailer there, if one that says something does.
func (r *Reader) recordAt(src io.ReaderAt, span decode.Span, offset int64) (s Stamp, ok bool, err error) {
	span.Begin, span.End, span.Exact = offset, min(offset+8, span.Limit), true
	if span.Begin >= span.End {
		return s, false, nil
	}
	r.scanner.Reset(src, span)
	defer r.forget()
	var rec decode.Record
	s, ok, err = r.next(&span, &rec)
	if errors.Is(err, io.EOF) || folder.IsDamage(err) {
		err = nil
	}
	return s, ok, err
}

// maxIDBlocks bounds how many blocks are read to find a record by its logic id. What stale bytes there are past the end hold few
// beginnings of records, and no more than one of a whole record.
const maxIDBlocks = 64

// endOf finds the record with a logic id, looking from the end of the span backwards, and gives where it ends. It looks no further than to a
// record with a lower id. missing: all that is there has lower ids, or nothing has any, so that the record was lost.
//
// Past the end of what is committed there may be the record that was about to be the next one. Where the ids go on over a full sync, up to
// 3.2, those of an older history may be the same by chance: then others follow, too.
func (r *Reader) endOf(src io.ReaderAt, span decode.Span, id uint64) (end int64, missing bool, err error) {
	at, seen := span.Limit, ids{}
	for range maxIDBlocks {
		begin, ok, err := lastBeginning(src, at, decode.HeaderSize(span.Generation))
		if err != nil || !ok {
			return 0, !seen.higher, err
		}
		if err := r.idsIn(src, span, begin, id, &seen); err != nil {
			return 0, false, err
		}
		switch {
		case seen.beyond && span.Generation < decode.G4:
			return 0, false, nil
		case seen.end > 0 || seen.lower:
			return seen.end, seen.end == 0, nil
		}
		at = begin
	}
	return 0, false, nil
}

// ids is what records say of a logic id.
type ids struct {
	end           int64 // of the record that has it, 0 if none does
	lower, higher bool  // some have such ones
	beyond        bool  // some have ids that are higher by more than one
}

// idsIn looks for the record with a logic id among those that begin in one block. An empty record and padding take an id without showing it.
func (r *Reader) idsIn(src io.ReaderAt, span decode.Span, begin int64, id uint64, seen *ids) error {
	var last uint64
	return r.each(src, span, begin, begin+decode.BlockSize, func(s *Stamp, _ bool) bool {
		switch {
		case s.Has&decode.HasLogicID != 0:
			last = s.LogicID
			seen.lower, seen.higher, seen.beyond = seen.lower || last < id, seen.higher || last > id, seen.beyond || last > id+1
		case seen.lower:
			last++
		default:
			return true // filler, before any record
		}
		if last == id && seen.end == 0 {
			seen.end = s.End
		}
		return true
	})
}

// DataEnd is where the records of a segment end of which nothing tells the end: before the zeros that it ends in. It is the limit of the span where
// something else than zeros follows the last record.
func (r *Reader) DataEnd(src io.ReaderAt, span decode.Span) (int64, error) {
	for at := span.Limit; ; at = span.Begin {
		begin, ok, err := lastBeginning(src, at, decode.HeaderSize(span.Generation))
		if err != nil {
			return span.Limit, err
		}
		if !ok {
			begin = 0
		}
		span.Begin, span.End, span.Exact = begin, span.Limit, begin == 0
		end, _, err := r.WholeEnd(src, span)
		switch {
		case err != nil || !r.scanner.Zeros():
			return span.Limit, err
		case end > begin || begin == 0:
			return end, nil
		}
		// The block holds the end of a record that begins in one before it, and no other.
	}
}
