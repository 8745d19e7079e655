package evidence

import (
	"fmt"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Bound is where the records of a segment end, as far as that is known.
type Bound struct {
	Limit int64
	Final bool                  // limit is the end of the last record
	Open  bool                  // nothing tells where the log ends
	Cut   *decode.CutShortError // the file ends before its records do
}

// Bound finds the true end of a segment; the end of its file is not it. A live segment, and one whose server was
// killed, ends in preallocated zeros or in stale bytes that can look like anything, whole records included, and
// either may survive in a finished segment too. Who knows better is,
//
//   - for the newest segment, the manifest;
//   - for a finished one, the first record of the segment after it: on a master, and on any server since
//     3.5.2, its item names the end of the log as it was just before, so this segment and its end. Before that a
//     replica copied its master's positions, which can drift away from its own. So the end is not believed when the
//     records before it are not where their own items say that they are;
//   - if that record names no end, since its server was started between the rotation and its first put, its logic id.
//
// Where nobody knows, the limit is the size of the file and the records end there or in zeros.
func (r *Reader) Bound(v *View, f *folder.File) (Bound, error) {
	b, err := r.boundOf(v, f)
	if err == nil && f.Damage() != nil && (b.Limit >= f.Size() || b.Cut != nil) {
		b = r.cutShort(f, b)
	}
	return b, err
}

func (r *Reader) boundOf(v *View, f *folder.File) (Bound, error) {
	n := f.Segment().Number
	if v.ManifestErr == nil && n == v.Manifest.Position.Segment {
		return r.boundByManifest(v, f)
	}
	if i, ok := folder.Find(v.Segments, n+1); ok && n+1 > n {
		b, err := r.boundByNext(v, f, v.Segments[i])
		if err == nil && f.Size() == 0 && b.Cut == nil {
			b.Cut = &decode.CutShortError{
				Log: r.dir.ID, From: f.Segment().Start(), To: f.Segment().Start(),
				Cause: fmt.Errorf("no server leaves a segment empty, and write2file%d is there", n+1),
			}
		}
		return b, err
	}
	return Bound{Limit: f.Size(), Open: v.isNewest(n)}, nil
}

// isNewest reports whether a log without a manifest has nothing after segment n.
func (v *View) isNewest(n uint32) bool {
	return v.ManifestErr != nil && (len(v.Segments) == 0 || n >= v.Segments[len(v.Segments)-1].Number)
}

// boundByManifest ends the newest segment at the manifest's position. A full sync of Pika before 3.0.10 may
// have left filler that is shorter than its position; the zeros after the records of such a segment are no damage.
func (r *Reader) boundByManifest(v *View, f *folder.File) (Bound, error) {
	at := v.Manifest.Position
	if at.Offset > f.Size() {
		return r.endsEarly(f, at, fmt.Errorf("the manifest names %v", at)), nil
	}
	b := Bound{Limit: at.Offset, Final: true}
	if o, err := r.Opening(v, f.Segment()); err != nil || !o.Filler {
		return b, err
	}
	span := r.Span(v, f)
	e, err := r.Ending(f, span, at.Offset)
	if err != nil || e.Boundary {
		return b, err
	}
	span.Limit = at.Offset
	end, err := r.DataEnd(f, span)
	b.Final = !MayLag(span.Generation, at.Offset-end)
	return b, err
}

// MayLag reports whether the records of a segment that begins with what a full sync has left may end so many bytes before the manifest's position.
// Before 3.0.10 the last block is left out where the position is the end of one, but for a header; and where the position is in the
// header of a block, that one is written whole.
func MayLag(g decode.Generation, bytes int64) bool {
	header := decode.HeaderSize(g)
	return bytes < header || bytes == decode.BlockSize-header
}

// boundByNext asks the segment after. Its first record names the end of this one, or, after two kills around a rotation, has the logic id
// after that of the last record of this one: what there is past that record was never committed.
func (r *Reader) boundByNext(v *View, f *folder.File, next folder.Segment) (Bound, error) {
	o, err := r.Opening(v, next)
	switch {
	case err != nil || o.Filler || !o.Found && !o.Claimed || o.Offset != 0:
		return Bound{Limit: f.Size()}, err
	case o.HasAt && o.At.Segment == f.Segment().Number && o.At.Offset > 0:
		return r.boundByName(v, f, &o)
	}
	return r.boundByID(v, f, &o)
}

// boundByName takes the end that the first record of the next segment names, unless the records before it show that such names mean
// nothing here. Damage does not: that of the last records, or of the name itself, which a logic id then corrects.
func (r *Reader) boundByName(v *View, f *folder.File, o *Opening) (Bound, error) {
	end, size, span := o.At.Offset, f.Size(), r.Span(v, f)
	if end == size && o.Found {
		return Bound{Limit: end, Final: true}, nil
	}
	own, err := r.Opening(v, f.Segment())
	if err != nil {
		return Bound{}, err
	}
	e, err := r.Ending(f, span, min(end, size))
	switch {
	case err != nil:
		return Bound{}, err
	case e.Boundary && !e.Found && own.Filler && end < size+decode.BlockSize:
		// Filler and nothing else comes before it. It is what the first record of any log continues from. Filler may be a little shorter
		// than the position it was made for.
		return Bound{Limit: min(end, size), Final: true}, nil
	}
	doubt, err := r.doubtful(f, span, &e, end)
	if err != nil {
		return Bound{}, err
	}
	if doubt || !e.Boundary || end > size {
		if b, err := r.boundByID(v, f, o); err != nil || b.Final || doubt {
			return b, err
		}
	}
	if end > size {
		return r.endsEarly(f, o.At, fmt.Errorf("write2file%d begins with a record that names %v", f.Segment().Number+1, o.At)), nil
	}
	return Bound{Limit: end, Final: true}, nil
}

// doubtful reports whether an end that is named is not where the records of a segment end. It is where a record was put there, and names that
// place, but was never committed.
func (r *Reader) doubtful(f *folder.File, span decode.Span, e *Ending, end int64) (bool, error) {
	after, ok, err := r.recordAt(f, span, end)
	if err != nil || ok && after.HasAt && after.names(span.Segment, decode.HeaderSize(span.Generation)) {
		return false, err
	}
	if drifts, err := r.drifts(f, span, e, end); err != nil || drifts || e.Boundary {
		return drifts, err
	}
	return r.across(f, span, end)
}

// boundByID ends a segment with the record before the first one of the next segment, if it is there. If it was lost that is said.
func (r *Reader) boundByID(v *View, f *folder.File, o *Opening) (Bound, error) {
	b := Bound{Limit: f.Size()}
	if o.Has&decode.HasLogicID == 0 {
		return b, nil
	}
	end, missing, err := r.endOf(f, r.Span(v, f), o.LogicID-1)
	if next, ok := folder.Find(v.Segments, f.Segment().Number+1); ok && err == nil && end == 0 {
		if other := *o; r.corrected(v, v.Segments[next], &other) {
			o = &other
			end, missing, err = r.endOf(f, r.Span(v, f), o.LogicID-1)
		}
	}
	switch {
	case end > 0:
		b.Limit, b.Final = end, true
	case missing && o.At == (decode.Position{Segment: f.Segment().Number + 1}) && r.countsFrom(v, o) && o.LogicID > 1:
		cause := fmt.Errorf("write2file%d begins with the logic id %d", f.Segment().Number+1, o.LogicID)
		return r.endsEarly(f, f.Segment().Start(), cause), err
	}
	return b, err
}

// endsEarly ends a segment with its file, whose records go on to a position. What is there of them is records to the last byte.
func (r *Reader) endsEarly(f *folder.File, to decode.Position, cause error) Bound {
	from := decode.Position{Segment: f.Segment().Number, Offset: f.Size()}
	return Bound{Limit: f.Size(), Final: true, Cut: &decode.CutShortError{Log: r.dir.ID, From: from, To: to, Cause: cause}}
}

// cutShort ends a segment where its archive could not be unpacked any further.
func (r *Reader) cutShort(f *folder.File, b Bound) Bound {
	cut := &decode.CutShortError{
		Log: r.dir.ID, From: decode.Position{Segment: f.Segment().Number, Offset: f.Size()},
		To: decode.Position{Segment: f.Segment().Number}, Cause: f.Damage(),
	}
	if b.Cut != nil {
		cut.To = b.Cut.To
	}
	return Bound{Limit: f.Size(), Cut: cut}
}

// Span is the whole of a file, to be narrowed.
func (r *Reader) Span(v *View, f *folder.File) decode.Span {
	return decode.Span{
		Log: r.dir.ID, Segment: f.Segment().Number, Limit: f.Size(), End: f.Size(), Generation: r.SegmentGeneration(v, f.Segment()),
	}
}
