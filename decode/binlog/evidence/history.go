package evidence

import (
	"bytes"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Begins reports whether a history begins with a segment: with what a full sync leaves, or with a record that names the
// very beginning of its segment as the end of the log before it. So does also the first record of a server that was killed
// after a rotation and before the put that had asked for it; but that one is the next in number. After a full sync it is 1, and up to 3.2,
// where the records of a replica have the numbers of its master, a higher one, by those that the replica has missed. Up to 2.3 there
// are no numbers, and nothing tells the two apart.
func (r *Reader) Begins(v *View, s folder.Segment) (bool, error) {
	o, err := r.Opening(v, s)
	if err != nil {
		return false, err
	}
	if o.Filler {
		copied, err := r.isCopy(v, s, &o)
		return !copied, err
	}
	if !o.Found && !o.Claimed || !o.HasAt || o.Offset != 0 || o.At != s.Start() {
		return false, nil
	}
	if o.Has&decode.HasLogicID == 0 {
		return true, nil
	}
	end, missing, err := r.endBefore(v, s, o.LogicID-1)
	if err == nil && end == 0 && r.corrected(v, s, &o) {
		end, missing, err = r.endBefore(v, s, o.LogicID-1)
	}
	if err != nil || end > 0 {
		return false, err
	}
	if filler, err := r.nothingButFiller(v, s); err != nil || filler {
		return false, err
	}
	// After a full sync it is 1 where they begin to count again. So what is before a higher one was lost.
	return !missing || !r.countsFrom(v, &o) || o.LogicID <= 1, nil
}

// corrected gives the opening of a segment the logic id that most of its records say its first one has, and reports whether that is
// another one: one odd item decides nothing.
func (r *Reader) corrected(v *View, s folder.Segment, o *Opening) bool {
	most, err := r.sample(v, s)
	if err != nil || !most.counted || most.firstID == o.LogicID {
		return false // what is known of the segment is what its first record says
	}
	o.LogicID = most.firstID
	return true
}

// nothingButFiller reports whether there is no record in the segment before another one, so that nothing tells whether this one follows it, and
// nothing that was logged is missing between them.
func (r *Reader) nothingButFiller(v *View, s folder.Segment) (bool, error) {
	i, ok := folder.Find(v.Segments, s.Number-1)
	if !ok || s.Number == 0 {
		return false, nil
	}
	o, err := r.Opening(v, v.Segments[i])
	return o.Filler && !o.Found, present(err)
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
		return 0, true, present(err)
	}
	defer file.Close()
	return r.endOf(file, r.Span(v, file), id)
}

// countsFrom reports whether a record is one of a server that begins to count again after a full sync: 3.3 and later. Before that a
// server id is in the place of the term, which is never 0.
func (r *Reader) countsFrom(v *View, o *Opening) bool {
	return v.Generation >= decode.G4 && o.Has&decode.HasLogicID != 0 && (r.generation != decode.GenerationUnknown || o.Third == 0)
}

// Before looks for the record that is the one before the first of a segment, by its number, in the segment before it; one with nothing but filler
// has all of it. missing: it is not there, nor anything that comes after it.
func (r *Reader) Before(v *View, s folder.Segment) (there, missing bool, err error) {
	o, err := r.Opening(v, s)
	if err != nil || !o.Found || o.Has&decode.HasLogicID == 0 {
		return false, false, err
	}
	end, missing, err := r.endBefore(v, s, o.LogicID-1)
	if err != nil || end > 0 {
		return end > 0, false, err
	}
	there, err = r.nothingButFiller(v, s)
	return there, missing && !there, err
}

// Padded reports whether the filler that a segment begins with is padding that a client has sent: it has taken the number between those of
// the records before and after it, and what a full sync leaves takes none. Where the numbers go on over a full sync, up to 3.2, one that has
// lost a single record looks the same.
func (r *Reader) Padded(v *View, s folder.Segment, o *Opening) (bool, error) {
	if o.Has&decode.HasLogicID == 0 {
		return false, nil
	}
	end, _, err := r.endBefore(v, s, o.LogicID-2)
	if err != nil || end == 0 || r.countsFrom(v, o) {
		return end > 0, err
	}
	end, _, err = r.endBefore(v, s, o.LogicID-1)
	return end == 0, err
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
