package evidence

import (
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Misplaced reports whether a file holds another segment than its name says, and which: its records are at the very offsets that they name, but of a
// segment with another number. On a replica whose positions are those of its master the offsets are others, too.
func (r *Reader) Misplaced(v *View, f *folder.File) (holds uint32, ok bool, err error) {
	n := f.Segment().Number
	o, err := r.Opening(v, f.Segment())
	if err != nil || !o.HasAt || o.fits(n) {
		return 0, false, err // so it is of nearly all segments, and nothing more is read
	}
	holds, records, err := r.holds(f, r.Span(v, f), o.End+decode.BlockSize)
	if err != nil || records > 0 || o.Offset > 0 || !o.Found {
		return holds, holds != n, err
	}
	holds, err = r.original(v, &o, n)
	return holds, holds != n, err
}

// fits reports whether the segment with number n can begin so.
func (o *Opening) fits(n uint32) bool {
	if o.Offset > 0 {
		return o.At.Segment == n
	}
	after := o.At.Segment+1 == n && o.At.Offset > 0 // no server ends a segment that is empty
	return after || o.At == decode.Position{Segment: n}
}

// holds is the number of the segment that the records before end name, if they name their own offsets, and how many of them do
// so without another number between. The first record of a segment names the one before and does not count.
func (r *Reader) holds(src io.ReaderAt, span decode.Span, end int64) (number uint32, records int, err error) {
	number = span.Segment
	err = r.each(src, span, 0, end, func(s *Stamp, _ bool) bool {
		switch {
		case !s.HasAt || s.Offset == 0:
			return true
		case !s.names(s.At.Segment, decode.HeaderSize(span.Generation)) || records > 0 && s.At.Segment != number:
			number, records = span.Segment, 0
			return false
		}
		number, records = s.At.Segment, records+1
		return true
	})
	return number, records, err
}

// original is the number of the segment that one with a single record is a copy of, if that is there; else n.
func (r *Reader) original(v *View, o *Opening, n uint32) (uint32, error) {
	holds := o.At.Segment
	if o.At.Offset > 0 {
		holds++
	}
	i, ok := folder.Find(v.Segments, holds)
	if !ok {
		return n, nil
	}
	other, err := r.Opening(v, v.Segments[i])
	if err != nil || other.Stamp != o.Stamp {
		return n, err
	}
	return holds, nil
}
