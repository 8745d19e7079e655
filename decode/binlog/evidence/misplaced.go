package evidence

import (
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Misplaced reports whether a file holds another segment than its name says, and which: its records are at the very offsets that they name, but of a
// segment with another number. On a replica whose positions are those of its master the offsets are others, too, nearly always.
func (r *Reader) Misplaced(v *View, f *folder.File) (holds uint32, ok bool, err error) {
	n := f.Segment().Number
	o, err := r.Opening(v, f.Segment())
	if err != nil || !o.HasAt || o.fits(n) {
		return 0, false, err // so it is of nearly all segments, and nothing more is read
	}
	holds, records, err := r.holds(f, r.Span(v, f), o.End+decode.BlockSize)
	if err == nil && records == 0 && o.Offset == 0 && o.Found {
		holds, err = r.original(v, &o, n)
	}
	if err != nil || holds == n {
		return n, false, err
	}
	copies, err := r.copiesPositions(v, f.Segment(), &o)
	return holds, err == nil && !copies, err
}

// copiesPositions reports whether a segment is one of a replica whose positions are those of its master, and both have begun a segment with the same
// record: then the last record before it names the same segment of the master, or other segments are at other offsets than they name, or all that
// comes after it continues from it.
func (r *Reader) copiesPositions(v *View, segment folder.Segment, o *Opening) (bool, error) {
	n := segment.Number
	if i, ok := folder.Find(v.Segments, n-1); ok && n > 0 && v.Segments[i].Compression == folder.Plain {
		if leads, err := r.leadsTo(v, v.Segments[i], o); err != nil || leads {
			return leads, present(err)
		}
	}
	for _, s := range v.Segments {
		if strays, err := r.strays(v, s); present(err) != nil || strays {
			return strays, err
		}
	}
	reaches, err := r.reachesManifest(v, segment)
	return reaches, present(err)
}

// reachesManifest reports whether each segment from one on leads to the next, up to one that can have its number, or to the newest one, and that ends
// where the manifest says that it does: a copy of another segment does none of this.
func (r *Reader) reachesManifest(v *View, s folder.Segment) (bool, error) {
	for v.ManifestErr == nil && s.Compression == folder.Plain {
		if s.Number == v.Manifest.Position.Segment {
			return r.endsAtManifest(v, s)
		}
		i, ok := folder.Find(v.Segments, s.Number+1)
		if !ok {
			return false, nil
		}
		next, err := r.Opening(v, v.Segments[i])
		if err != nil {
			return false, err
		}
		if leads, err := r.leadsTo(v, s, &next); err != nil || !leads {
			return false, err
		}
		if s = v.Segments[i]; next.fits(s.Number) {
			return true, nil
		}
	}
	return false, nil
}

// endsAtManifest reports whether the newest segment has the record that the manifest counts as its last, where the manifest says that it is. Up to 2.3,
// which counts nothing, it has to be the last one of the file, too.
func (r *Reader) endsAtManifest(v *View, s folder.Segment) (bool, error) {
	if v.Manifest.HasLogicID {
		ahead, ok, err := r.manifestAhead(v)
		return ok && ahead <= 1, err
	}
	f, err := r.dir.OpenPlain(s)
	if err != nil {
		return false, err
	}
	defer f.Close()
	end := v.Manifest.Position.Offset
	e, err := r.Ending(f, r.Span(v, f), end)
	if err != nil || !e.Boundary {
		return false, err
	}
	_, more, err := r.recordAt(f, r.Span(v, f), end)
	return !more, err
}

// strays reports whether the records at the beginning of a segment are at other offsets than they name, all of them.
func (r *Reader) strays(v *View, s folder.Segment) (strays bool, err error) {
	o, err := r.Opening(v, s)
	if err != nil || !o.HasAt || o.fits(s.Number) {
		return false, err // as above
	}
	src, size, done, err := r.dir.OpenHead(s)
	if err != nil {
		return false, err
	}
	defer done()
	span := decode.Span{Log: r.dir.ID, Segment: s.Number, Limit: size, End: size, Generation: r.SegmentGeneration(v, s)}
	err = r.each(src, span, 0, min(o.End+decode.BlockSize, size), func(s *Stamp, _ bool) bool {
		if !s.HasAt || s.Offset == 0 {
			return true
		}
		strays = !s.names(s.At.Segment, decode.HeaderSize(span.Generation))
		return strays
	})
	return strays, err
}

// leadsTo reports whether the last record of a segment names a place before the one that the first of the next segment names, in the same segment or, if
// that is not its very first, in the one before.
func (r *Reader) leadsTo(v *View, s folder.Segment, next *Opening) (bool, error) {
	f, err := r.dir.OpenPlain(s)
	if err != nil {
		return false, err
	}
	defer f.Close()
	e, err := r.Ending(f, r.Span(v, f), f.Size())
	at := e.Last.At
	same := at.Segment == next.At.Segment && at.Offset < next.At.Offset
	return e.Found && e.Last.HasAt && (same || next.Offset > 0 && at.Segment+1 == next.At.Segment), err
}

// isCopy is Misplaced for a segment that is not open. Of an archive it is not known.
func (r *Reader) isCopy(v *View, s folder.Segment, o *Opening) (bool, error) {
	if !o.HasAt || o.fits(s.Number) || s.Compression != folder.Plain {
		return false, nil
	}
	f, err := r.dir.OpenPlain(s)
	if err != nil {
		return false, present(err)
	}
	defer f.Close()
	_, ok, err := r.Misplaced(v, f)
	return ok, err
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
	same := other.Stamp == o.Stamp || other.Claimed && other.At == o.At && other.LogicID == o.LogicID
	if err != nil || !same {
		return n, err
	}
	return holds, nil
}
