package follow

import (
	"fmt"
	"math"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// successor is what a segment says of the one before it, which is held and has lost its name.
type successor uint8

const (
	unknown   successor = iota // it does not say where it continues from
	continues                  // it continues where the records of the one before it end
	breaks                     // it continues from elsewhere
)

// afterUnlinked judges the way from a segment that is held and has lost its name to what comes after it: more if it is that of one
// history. A purge takes names away and no records, but a full sync puts another segment in the place of the one that is held, and
// when that has been purged as well only the segment after it is left to tell.
func (f *follower) afterUnlinked(m folder.Manifest) (verdict, error) {
	held := f.dir.Held()
	if held == nil || held.Segment().Number != f.end.Segment || f.end.Segment == math.MaxUint32 {
		return more, nil
	}
	i, ok := folder.Find(f.log.View().Segments, f.end.Segment+1)
	if !ok {
		return f.beforeGap(m, held, f.log.View().Segments[i])
	}
	next := f.log.View().Segments[i]
	j, err := f.succession(held, next)
	switch {
	case err != nil:
		return notYet, err
	case j == breaks:
		return f.replaced(m, fmt.Sprintf("write2file%d does not go on from the write2file%d that was read", next.Number, f.end.Segment))
	case j == continues:
		return more, nil
	}
	ended, err := f.wasEnded(held)
	switch {
	case err != nil:
		return notYet, err
	case !ended || f.pos.Segment == next.Number:
		return f.replaced(m, fmt.Sprintf("write2file%d was unlinked before it was read to its end, and write2file%d does not say what it continues from",
			f.end.Segment, next.Number))
	}
	f.read(next.Start())
	return moreThenLook, nil
}

// wasEnded reports whether the segment that is held ends with a record. A server that moves to another segment has cut it there. One that was taken
// away before that was not purged: another one took its place, and what it has past the last committed record nobody has committed.
func (f *follower) wasEnded(held *folder.File) (bool, error) {
	now, err := held.Again()
	if err != nil {
		return false, err
	}
	defer now.Close()
	span := f.evidence.Span(f.log.View(), now)
	span.Begin, span.Exact = f.end.Offset, f.kind != inside
	end, _, err := f.evidence.WholeEnd(now, span)
	return end == now.Size(), err
}

// beforeGap judges the rest of a segment that is held and has lost its name, with the one after it. A server that moves to another
// segment has cut it to the end of its records. Else it may be that of a server that was killed, and what is after the
// last record known to be committed is none.
func (f *follower) beforeGap(m folder.Manifest, held *folder.File, next folder.Segment) (verdict, error) {
	now, err := held.Again()
	if err != nil {
		return notYet, err
	}
	defer now.Close()
	span := f.evidence.Span(f.log.View(), now)
	e, err := f.evidence.Ending(now, span, f.end.Offset)
	if err != nil {
		return notYet, err
	}
	o, err := f.evidence.Opening(f.log.View(), next)
	if err != nil {
		return notYet, err
	}
	if e.Found && o.Found && o.Has&e.Last.Has&decode.HasLogicID != 0 && o.LogicID <= e.Last.LogicID {
		return f.replaced(m, fmt.Sprintf("write2file%d begins with the logic id %d, and %d was read", next.Number, o.LogicID, e.Last.LogicID))
	}
	if ended, err := f.wasEnded(held); err != nil || ended {
		return more, err
	}
	f.missing = &decode.GapError{Log: f.log.ID(), From: f.end, To: next.Start(), First: f.end.Segment, Last: next.Number - 1}
	f.moved(next.Start(), recordEnd)
	return hole, nil
}

// succession compares how a segment begins with how the one before it ends. On a replica whose positions have drifted from those of its
// master nothing can be told.
func (f *follower) succession(held *folder.File, next folder.Segment) (successor, error) {
	o, err := f.evidence.Opening(f.log.View(), next)
	if err != nil {
		return unknown, err
	}
	// Who pins segments has seen whether another one took the place of this one, while he ran.
	unknown := unknown
	if f.dir.Links != nil {
		unknown = continues
	}
	there, missing, err := f.evidence.Before(f.log.View(), next)
	if err != nil {
		return unknown, err
	}
	if !o.Found || !o.HasAt || o.Offset != 0 || o.At.Segment != f.end.Segment {
		if there {
			return continues, nil // its server was started between the rotation and this record
		}
		return unknown, nil
	}
	now, err := held.Again()
	if err != nil {
		return unknown, err
	}
	defer now.Close()
	span := f.evidence.Span(f.log.View(), now)
	if o.At.Offset >= f.end.Offset && o.At.Offset <= now.Size() {
		if e, err := f.evidence.Ending(now, span, o.At.Offset); err != nil || e.Boundary {
			return continues, err
		}
	}
	if missing {
		return breaks, nil
	}
	e, err := f.evidence.Ending(now, span, f.end.Offset)
	far := o.At.Offset >= now.Size()+decode.BlockSize || o.At.Offset+decode.BlockSize <= f.end.Offset
	if err != nil || !e.Own() && (e.Found || !far) {
		return unknown, err
	}
	return breaks, nil
}
