package evidence

import (
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Ending is what the records before an offset say about it.
type Ending struct {
	Boundary bool  // a record ends exactly there
	Last     Stamp // of the last record that says something
	Found    bool  // there is such a record

	// own and strays count the records that name the place at which they are, and those that name another place. off is how far the
	// last one is off, 0 if it is not.
	own, strays int
	off         int64
}

// Own reports whether records before the offset name positions, and these are where they are.
func (e *Ending) Own() bool { return e.own > 0 && e.off == 0 }

// minVotes is how many records are asked where they are, if the last one is off, or cannot be read.
const minVotes = 4

// maxVoteBlocks bounds how many blocks are read for them.
const maxVoteBlocks = 8

// Ending reads the records that begin in the last block before end in which any does, past damage; where that tells nothing, those of a
// few blocks before it, too. It looks no further than end. A record of many blocks costs one small read for each.
func (r *Reader) Ending(src io.ReaderAt, span decode.Span, end int64) (Ending, error) {
	e, at, err := r.endingIn(src, span, end)
	if err != nil || at < 0 {
		return e, err
	}
	if !e.Boundary {
		record, err := r.RecordEnding(src, span, end) // one of which the content is damaged
		if e.Boundary = record >= 0; err != nil {
			return e, err
		}
	}
	for i := 1; i < maxVoteBlocks && at > 0 && (!e.Found || e.off != 0 && e.own+e.strays < minVotes); i++ {
		var before Ending
		if before, at, err = r.endingIn(src, span, at); err != nil {
			return e, err
		}
		e.own, e.strays = e.own+before.own, e.strays+before.strays
		if !e.Found {
			e.Last, e.Found, e.off = before.Last, before.Found, before.off
		}
	}
	return e, nil
}

// endingIn reads the records of one block, the last before end in which any begins. Where none does, begin is -1.
func (r *Reader) endingIn(src io.ReaderAt, span decode.Span, end int64) (e Ending, begin int64, err error) {
	begin, ok, err := lastBeginning(src, end, decode.HeaderSize(span.Generation))
	if err != nil || !ok {
		return e, -1, err
	}
	span.Limit = end
	err = r.each(src, span, begin, end, func(s *Stamp, said bool) bool {
		if e.Boundary = s.End == end; said {
			e.add(s, &span)
		}
		return s.End < end
	})
	return e, begin, err
}

// add counts a record.
func (e *Ending) add(s *Stamp, span *decode.Span) {
	e.Last, e.Found, e.off = *s, true, 0
	switch {
	case !s.HasAt:
	case s.Offset == 0: // the first record names the segment before, or its own beginning
		if !s.names(span.Segment, decode.HeaderSize(span.Generation)) {
			e.strays++
		}
	case s.names(span.Segment, decode.HeaderSize(span.Generation)):
		e.own++
	default:
		e.strays++
		e.off = s.Offset - s.At.Offset
	}
}

// drifts reports whether the records before end are not where they say they are, so that an end that is named is not to be
// believed: so it is on a replica before 3.5.2, whose positions are those of its master, and after a disk was full. A single record that
// is off is a damaged one, unless the end is off by as much.
func (r *Reader) drifts(src io.ReaderAt, span decode.Span, e *Ending, end int64) (bool, error) {
	switch {
	case e.strays > e.own:
		return true, nil
	case e.off == 0 || end+e.off > span.Limit:
		return false, nil
	}
	record, err := r.RecordEnding(src, span, end+e.off)
	return record >= 0, err
}

// WholeEnd is the end of the last whole record of a span that begins with one. What comes after it, up to the end of the
// span, is nothing or zeros, or else, damaged, half a record or damage.
func (r *Reader) WholeEnd(src io.ReaderAt, span decode.Span) (end int64, damaged bool, err error) {
	r.scanner.Reset(src, span)
	defer r.forget()
	for {
		var rec decode.Record
		switch err := r.scanner.Next(&rec); {
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			return r.scanner.End(), folder.IsDamage(err), nil
		case err != nil:
			return 0, false, err
		}
	}
}

// RecordEnding finds where the record begins that ends at an offset, -1 if none does. Only the framing is read, so that
// a record of which the content is damaged counts.
func (r *Reader) RecordEnding(src io.ReaderAt, span decode.Span, end int64) (int64, error) {
	begin, ok, err := lastBeginning(src, end, decode.HeaderSize(span.Generation))
	if err != nil || !ok {
		return -1, err
	}
	span.Begin, span.End, span.Limit, span.Exact = begin, end, end, begin == 0
	r.scanner.Reset(src, span)
	defer r.forget()
	for {
		var rec decode.Record
		err := r.scanner.Next(&rec)
		if folder.IsDamage(err) && !errors.Is(err, decode.ErrTorn) {
			err = r.scanner.Resync()
			rec.End = -1
		}
		switch {
		case err == nil && rec.End == end:
			return rec.Offset, nil
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			return -1, nil
		case err != nil:
			return -1, err
		}
	}
}

// maxBlocksBack bounds how far back from an offset the beginning of a record is looked for: 1 GiB, more than any
// record Pika accepts.
const maxBlocksBack = 1 << 14

// lastBeginning finds the last block before end in which a record begins, by the headers that the blocks start
// with: a middle fragment fills its block, a last fragment leaves room or not, zeros are no data where nothing else follows them in their block.
func lastBeginning(src io.ReaderAt, end, header int64) (int64, bool, error) {
	var buf [8]byte
	block := (end - 1) &^ (decode.BlockSize - 1)
	for range maxBlocksBack {
		if block < 0 || end <= 0 {
			break
		}
		if n, err := src.ReadAt(buf[:header], block); int64(n) < header {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return 0, false, err
		}
		switch f := decode.ParseFragment(buf[:], header); f.Kind {
		case decode.FragmentFull, decode.FragmentFirst, decode.FragmentFiller:
			return block, true, nil
		case decode.FragmentLast:
			after := header + f.Length
			if after+header <= decode.BlockSize && block+after < end {
				return block, true, nil
			}
		case decode.FragmentZero:
			if at, err := decode.FirstNonZero(src, block, min(block+decode.BlockSize, end)); at >= 0 || err != nil {
				return block, at >= 0, err
			}
		case decode.FragmentMiddle:
		default: // a damaged header, past which records may begin
			return block, true, nil
		}
		block -= decode.BlockSize
	}
	return 0, false, nil
}
