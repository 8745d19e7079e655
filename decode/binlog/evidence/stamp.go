package evidence

import (
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Stamp is what a record says of itself.
type Stamp struct {
	Offset, End int64
	Generation  decode.Generation // by the record's form: G0, G1, G2, or G4 for an item of 3.0 or later
	Has         decode.Fields
	Time        int64
	LogicID     uint64
	Third       uint32 // server id or term, whichever the version has
	At          decode.Position
	HasAt       bool
}

// next reads the next record of the span that the scanner is at. ok is false for filler and other records that say
// nothing; the stamp then has their place.
func (r *Reader) next(span *decode.Span, rec *decode.Record) (s Stamp, ok bool, err error) {
	if err := r.scanner.Next(rec); err != nil {
		return Stamp{}, false, err
	}
	if err := r.decoder.Decode(span, rec); err != nil {
		if damage, ok := errors.AsType[*decode.CorruptError](err); ok {
			err = &contentError{error: err, offset: damage.Offset}
		}
		return Stamp{}, false, err
	}
	entries := r.decoder.Entries()
	if rec.Filler || len(entries) == 0 || entries[0].Padding && !entries[0].Wrapped || entries[0].Empty {
		return Stamp{Offset: rec.Offset, End: rec.End}, false, nil
	}
	e := &entries[0]
	s = Stamp{
		Offset: rec.Offset, End: rec.End, Generation: form(e, rec), Has: e.Has, Time: e.Time,
		LogicID: e.LogicID, Third: e.Term | e.ServerID, At: e.At, HasAt: e.HasAt,
	}
	if e.Has&decode.HasTime == 0 && rec.Time > 0 {
		s.Time, s.Has = rec.Time, s.Has|decode.HasTime
	}
	return s, true, nil
}

// forget lets go of what a large record has taken: the reader lives as long as the log is open.
func (r *Reader) forget() {
	r.scanner.Forget()
	r.decoder.Forget()
}

// First is the first record of a span that is wanted. Damage is passed over, or ends the search where nothing is found after it.
func (r *Reader) First(src io.ReaderAt, span decode.Span, wanted func(*Stamp) bool) (s Stamp, ok bool, err error) {
	r.scanner.Reset(src, span)
	defer r.forget()
	var rec decode.Record
	for {
		s, ok, err := r.next(&span, &rec)
		if folder.IsDamage(err) {
			ok, err = false, r.resync(err)
		}
		switch {
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			return Stamp{}, false, nil
		case err != nil:
			return Stamp{}, false, err
		case ok && wanted(&s):
			return s, true, nil
		}
	}
}

// resync continues after damage that next has met: of the framing, or of the content of a record.
func (r *Reader) resync(err error) error {
	if damage, ok := errors.AsType[*contentError](err); ok {
		return r.scanner.ResyncAt(damage.offset)
	}
	return r.scanner.Resync()
}

// contentError is damage within a record whose frame looks good.
type contentError struct {
	error
	offset int64
}

func (e *contentError) Unwrap() error { return e.error }

// form is the generation that a record's form tells. Items look the same from 3.0 on.
func form(e *decode.Entry, rec *decode.Record) decode.Generation {
	switch {
	case rec.HeaderSize == 4:
		return decode.G0
	case e.Has&decode.HasLogicID != 0:
		return decode.G4
	case e.Has&decode.HasServerID != 0 || e.HasAt:
		return decode.G2
	default:
		return decode.G1
	}
}

// names reports whether a record's item names the place it is at: its own offset, that of the trailer before it,
// or, for the first record of a segment, the end of the segment before.
func (s *Stamp) names(segment uint32, header int64) bool {
	if s.Offset == 0 {
		return s.At.Segment < segment || s.At == (decode.Position{Segment: segment})
	}
	return s.At.Segment == segment && s.At.Offset <= s.Offset && s.Offset-s.At.Offset < header
}
