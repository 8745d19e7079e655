package binlog

import (
	"fmt"
	"math"

	"pikabin/decode"
)

// joint is what a segment says of the one before it, which is held and has lost its name.
type joint uint8

const (
	untold  joint = iota // it does not say where it goes on from
	joined               // it goes on where the records of the one before it end
	severed              // it goes on from elsewhere
)

// behindUnlinked judges the way from a segment that is held and has lost its name to what is behind it: planned if it is that of one
// history. A purge takes names away and no records, but a full sync puts another segment in the place of the one that is held, and
// when that has been purged as well only the segment behind it is left to tell.
func (f *follower) behindUnlinked(m Manifest) (verdict, error) {
	held := f.log.held
	if held == nil || held.segment.Number != f.end.Segment || f.end.Segment == math.MaxUint32 {
		return planned, nil
	}
	i, ok := findSegment(f.log.around, f.end.Segment+1)
	if !ok {
		return f.beforeGap(m, held, f.log.around[i])
	}
	next := f.log.around[i]
	j, err := f.joint(held, next)
	switch {
	case err != nil:
		return lookAgain, err
	case j == severed:
		return f.replaced(m, fmt.Sprintf("write2file%d does not go on from the write2file%d that was read", next.Number, f.end.Segment))
	case j == joined:
		return planned, nil
	case f.pos.Segment == next.Number:
		return f.replaced(m, fmt.Sprintf("write2file%d was unlinked before it was read to its end, and write2file%d does not say what it goes on from",
			f.end.Segment, next.Number))
	}
	f.read(next.start())
	return partly, nil
}

// beforeGap judges the rest of a segment that is held and has lost its name, with the one behind it. A server that goes on to another
// segment has cut it to the end of its records. Else it may be that of a server that was killed, and what stands behind the
// last record known to be committed is none.
func (f *follower) beforeGap(m Manifest, held *File, next Segment) (verdict, error) {
	now, err := held.again()
	if err != nil {
		return lookAgain, err
	}
	defer now.Close()
	span := f.log.span(now)
	e, err := f.log.probe.readEnding(now, span, f.end.Offset)
	if err != nil {
		return lookAgain, err
	}
	o, err := f.log.opening(next)
	if err != nil {
		return lookAgain, err
	}
	if e.found && o.found && o.has&e.last.has&decode.HasLogicID != 0 && o.logicID <= e.last.logicID {
		return f.replaced(m, fmt.Sprintf("write2file%d begins with the logic id %d, and %d was read", next.Number, o.logicID, e.last.logicID))
	}
	span.Begin, span.Exact = f.end.Offset, !f.middle
	if end, err := f.log.probe.wholeEnd(now, span); err != nil || end == now.size {
		return planned, err
	}
	gap := &GapError{Log: f.log.id, From: f.end, To: next.start(), First: f.end.Segment, Last: next.Number - 1}
	f.moved(next.start())
	return lookAgain, gap
}

// joint compares how a segment begins with how the one before it ends. On a replica whose positions have drifted from those of its
// master nothing can be told.
func (f *follower) joint(held *File, next Segment) (joint, error) {
	o, err := f.log.opening(next)
	if err != nil {
		return untold, err
	}
	// Who pins segments has seen whether another one took the place of this one, while he ran.
	unknown := untold
	if f.log.pinned != nil {
		unknown = joined
	}
	if !o.found || !o.hasAt || o.offset != 0 || o.at.Segment != f.end.Segment {
		return unknown, nil
	}
	now, err := held.again()
	if err != nil {
		return untold, err
	}
	defer now.Close()
	span := f.log.span(now)
	if o.at.Offset >= f.end.Offset && o.at.Offset <= now.size {
		if e, err := f.log.probe.readEnding(now, span, o.at.Offset); err != nil || e.boundary {
			return joined, err
		}
	}
	e, err := f.log.probe.readEnding(now, span, f.end.Offset)
	far := o.at.Offset >= now.size+decode.BlockSize || o.at.Offset+decode.BlockSize <= f.end.Offset
	if err != nil || !e.own && (e.found || !far) {
		return unknown, err
	}
	return severed, nil
}
