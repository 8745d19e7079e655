package evidence

import (
	"bytes"
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Opening is what a segment begins with.
type Opening struct {
	Stamp
	Found  bool // a record that says something begins within the first MiB
	Filler bool // the segment begins with what a full sync leaves
	Fresh  bool // and surely so: what the client's PADDING leaves looks much the same
	Torn   bool // a record or a piece of filler continues past the end of what may be read

	// Claimed says that the segment begins with a damaged record, and that the stamp has what can still be read of its item: the logic id
	// and the position.
	Claimed bool
}

// readOpening reads from the start of a segment to its first record that says something, if that begins within the
// first MiB. One read of 4 KiB, but for a long first record and a segment that begins with filler. Of an archive no
// more than that MiB is there: a first record that runs on past it says nothing.
func (r *Reader) readOpening(src io.ReaderAt, span decode.Span) (Opening, error) {
	var o Opening
	var rec decode.Record
	limit := span.Limit
	defer r.forget()
	for pos := int64(0); pos < min(limit, folder.HeadSize); pos = rec.End {
		// The span is as short as it can be, so that the scanner reads little. A trailer may stand before the record.
		span.Begin, span.End, span.Exact = pos, pos+8, true
		r.scanner.Reset(src, span)
		s, ok, err := r.next(&span, &rec)
		switch {
		case ok:
			o.Stamp, o.Found = s, true
			return o, nil
		case errors.Is(err, io.EOF) || folder.IsDamage(err):
			o.Torn = errors.Is(err, decode.ErrTorn)
			return o, r.readClaim(src, &span, &o)
		case err != nil:
			return o, err
		}
		o.Filler = o.Filler || rec.Filler || len(rec.Payload) > 0
		o.Fresh = o.Fresh || rec.Filler || pos == 0 && rec.End == decode.BlockSize || isBlank(rec.Payload)
	}
	return o, nil
}

// readClaim reads what the item of a damaged first record says, whatever else is wrong with the record.
func (*Reader) readClaim(src io.ReaderAt, span *decode.Span, o *Opening) error {
	var buf [8 + decode.ItemHeaderSize]byte
	if span.Begin > 0 || span.Limit < int64(len(buf)) {
		return nil
	}
	if n, err := src.ReadAt(buf[:], 0); n < len(buf) {
		return err
	}
	if e, ok := decode.ReadItemHeader(buf[8:]); ok {
		o.Claimed = true
		o.Stamp = Stamp{Has: e.Has, LogicID: e.LogicID, At: e.At, HasAt: true}
	}
	return nil
}

// blankHead is how much of a payload is looked at to know spaces.
const blankHead = 64

// isBlank reports whether a payload is the spaces that Pika before 3.0.10 fills with. Of a long one the beginning tells.
func isBlank(payload []byte) bool {
	return len(payload) > 0 && len(bytes.TrimLeft(payload[:min(len(payload), blankHead)], " ")) == 0
}

// Opening gives the opening of a segment, once read. What lies past the manifest's position is not looked at.
func (r *Reader) Opening(v *View, s folder.Segment) (Opening, error) {
	if o, ok := r.openings[s.Number]; ok {
		return o, nil
	}
	src, size, done, err := r.dir.OpenHead(s)
	if err != nil {
		return Opening{}, err
	}
	defer done()
	return r.openingOf(v, s, src, size)
}

// openingOf reads and keeps the opening of a segment that is open.
func (r *Reader) openingOf(v *View, s folder.Segment, src io.ReaderAt, size int64) (Opening, error) {
	span := decode.Span{Log: r.dir.ID, Segment: s.Number, Limit: size, Generation: r.generation}
	if v.Generation == decode.G0 {
		span.Generation = v.Generation // a record of filler does not show how long its header is
	}
	if v.ManifestErr == nil && s.Number == v.Manifest.Position.Segment {
		span.Limit = min(size, v.Manifest.Position.Offset)
	}
	o, err := r.readOpening(src, span)
	// Where nothing was found in all that is looked at, nothing will be found when the segment has grown.
	if err == nil && (o.Found || span.Limit >= folder.HeadSize && !o.Torn) {
		r.openings[s.Number] = o
	}
	return o, err
}
