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
	Own      bool  // some of them name positions, and these are where they stand
	Last     Stamp // of the last record that says something
	Found    bool  // there is such a record
}

// Ending reads the records that begin in the last block before end in which any does. It looks no further than
// end. A record of many blocks costs one small read for each.
func (r *Reader) Ending(src io.ReaderAt, span decode.Span, end int64) (Ending, error) {
	begin, ok, err := lastBeginning(src, end, decode.HeaderSize(span.Generation))
	if err != nil || !ok {
		return Ending{}, err
	}
	span.Begin, span.End, span.Limit, span.Exact = begin, end, end, begin == 0
	r.scanner.Reset(src, span)
	var e Ending
	// One record that stands elsewhere than it says is enough: positions drift by a constant, not now and then.
	drift := false
	for {
		var rec decode.Record
		s, ok, err := r.next(&span, &rec)
		switch {
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			e.Own = e.Own && !drift
			e.Boundary = errors.Is(err, io.EOF) && r.scanner.End() == end
			return e, nil
		case err != nil:
			return e, err
		case !ok:
			continue
		}
		e.Last, e.Found = s, true
		if s.HasAt {
			e.Own = true
			drift = drift || !s.names(span.Segment, decode.HeaderSize(span.Generation))
		}
	}
}

// WholeEnd is the end of the last whole record of a span that begins with one. What comes after it, up to the end of the
// span, is half a record, damage or zeros.
func (r *Reader) WholeEnd(src io.ReaderAt, span decode.Span) (int64, error) {
	r.scanner.Reset(src, span)
	for {
		var rec decode.Record
		switch err := r.scanner.Next(&rec); {
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			return r.scanner.End(), nil
		case err != nil:
			return 0, err
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
// with: a middle fragment fills its block, a last fragment leaves room or not, zeros are no data.
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
		case decode.FragmentZero, decode.FragmentMiddle:
		default:
			return 0, false, nil
		}
		block -= decode.BlockSize
	}
	return 0, false, nil
}
