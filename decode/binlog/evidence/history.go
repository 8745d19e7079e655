package evidence

import (
	"bytes"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Begins reports whether a history begins with a segment: with what a full sync leaves, or with a record that names the
// very beginning of its segment as the end of the log before it. So does also the first record of a server that was killed
// after a rotation and before the put that had asked for it; but that one is the next in number.
func (r *Reader) Begins(v *View, s folder.Segment) (bool, error) {
	o, err := r.Opening(v, s)
	if err != nil || o.Filler {
		return o.Filler, err
	}
	if !o.Found && !o.Claimed || !o.HasAt || o.Offset != 0 || o.At != s.Start() {
		return false, nil
	}
	if v.Generation < decode.G4 {
		return true, nil // up to 3.2 a full sync lets the numbers go on, so that they say nothing
	}
	end, missing, err := r.endBefore(v, s, o.LogicID-1)
	if missing && r.countsFrom(v, &o) {
		return o.LogicID <= 1, err // after a full sync it would be 1; so what is before it was lost
	}
	return end == 0, err
}

// endBefore is endOf in the segment before another one. If that is not there, or another file is in its place, the record is missing; what an
// archive holds is not known, and taken for that.
func (r *Reader) endBefore(v *View, s folder.Segment, id uint64) (end int64, missing bool, err error) {
	i, ok := folder.Find(v.Segments, s.Number-1)
	if !ok || s.Number == 0 || v.Segments[i].Compression != folder.Plain {
		return 0, s.Number > 0, nil
	}
	if o, err := r.Opening(v, v.Segments[i]); err != nil || o.HasAt && !o.fits(s.Number-1) {
		return 0, true, present(err)
	}
	file, err := r.dir.OpenPlain(v.Segments[i])
	if err != nil {
		return 0, false, present(err)
	}
	defer file.Close()
	return r.endOf(file, r.Span(v, file), id)
}

// countsFrom reports whether a record is one of a server that begins to count again after a full sync: 3.3 and later. Before that a
// server id is in the place of the term, which is never 0.
func (r *Reader) countsFrom(v *View, o *Opening) bool {
	return v.Generation >= decode.G4 && o.Has&decode.HasLogicID != 0 && (r.generation != decode.GenerationUnknown || o.Third == 0)
}

// ComesAfter reports whether the number of the first record of a segment is so much higher than that of a record near the end of the
// segment before it, past which nothing was committed.
func (r *Reader) ComesAfter(v *View, s folder.Segment, o *Opening, by uint64) (bool, error) {
	if o.Has&decode.HasLogicID == 0 {
		return false, nil
	}
	end, _, err := r.endBefore(v, s, o.LogicID-by)
	return end > 0, err
}

// HistoryStart is where the history begins that the manifest is the end of: the nearest segment below it that begins one, or
// that does not go on where the one before it ends, or has none before it. ok is false while the manifest's segment does
// not tell yet.
func (r *Reader) HistoryStart(v *View) (start decode.Position, ok bool, err error) {
	i, ok := folder.Find(v.Segments, v.Manifest.Position.Segment)
	if !ok {
		return start, false, nil
	}
	for ; ; i-- {
		s := v.Segments[i]
		if i == 0 || v.Segments[i-1].Number != s.Number-1 {
			return s.Start(), true, nil
		}
		if s.Start() == v.Manifest.Position {
			return start, false, nil // its first record will say whether it continues from the one before
		}
		begins, err := r.Begins(v, s)
		if begins || err != nil {
			return s.Start(), true, err
		}
		o, err := r.Opening(v, s)
		if before := v.Segments[i-1]; err != nil || o.HasAt && o.At.Segment == before.Number && before.Compression == folder.Plain && o.At.Offset > before.Size {
			return s.Start(), true, err
		}
	}
}

// JustMade reports whether a segment above the manifest's position is none of an older history, but the one that a healthy server is
// making at this moment: it is the next one and empty, or its first record continues from where the manifest is.
func (r *Reader) JustMade(v *View, s folder.Segment) (bool, error) {
	at := v.Manifest.Position
	if s.Number != at.Segment+1 || s.Compression != folder.Plain {
		return false, nil
	}
	o, err := r.Opening(v, s)
	if err != nil || o.Found {
		return o.HasAt && o.Offset == 0 && o.At == at, err
	}
	f, err := r.dir.OpenPlain(s)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := f.ReadNow(make([]byte, blankHead), 0)
	return len(bytes.Trim(head, "\x00")) == 0, err
}
