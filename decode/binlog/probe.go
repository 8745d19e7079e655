package binlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"pikabin/decode"
)

// maxBlocksBack bounds how far back from an offset the beginning of a record is looked for: 1 GiB, more than any
// record Pika accepts.
const maxBlocksBack = 1 << 14

// probe reads single records here and there, to learn about a segment.
type probe struct {
	scanner *decode.Scanner
	decoder *decode.Decoder
}

func newProbe(o Options) (*probe, error) {
	d, err := decode.NewDecoder(decode.DecoderOptions{Pika: o.Generation})
	return &probe{scanner: new(decode.Scanner), decoder: d}, err
}

// stamp is what a record says of itself.
type stamp struct {
	offset, end int64
	generation  decode.Generation // by the record's form: G0, G1, G2, or G4 for an item of 3.0 or later
	has         decode.Fields
	time        int64
	logicID     uint64
	third       uint32 // server id or term, whichever the version has
	at          decode.Position
	hasAt       bool
}

// next reads the next record of the span that the scanner is at. ok is false for filler and other records that say
// nothing.
func (p *probe) next(span *decode.Span, rec *decode.Record) (s stamp, ok bool, err error) {
	if err := p.scanner.Next(rec); err != nil {
		return stamp{}, false, err
	}
	if err := p.decoder.Decode(span, rec); err != nil {
		if damage, ok := errors.AsType[*decode.CorruptError](err); ok {
			err = &contentError{error: err, offset: damage.Offset}
		}
		return stamp{}, false, err
	}
	entries := p.decoder.Entries()
	if rec.Filler || len(entries) == 0 || entries[0].Padding && !entries[0].Wrapped || entries[0].Empty {
		return stamp{}, false, nil
	}
	e := &entries[0]
	s = stamp{
		offset: rec.Offset, end: rec.End, generation: form(e, rec), has: e.Has, time: e.Time,
		logicID: e.LogicID, third: e.Term | e.ServerID, at: e.At, hasAt: e.HasAt,
	}
	if e.Has&decode.HasTime == 0 && rec.Time > 0 {
		s.time, s.has = rec.Time, s.has|decode.HasTime
	}
	return s, true, nil
}

// resync goes on behind damage that next has met: of the framing, or of the content of a record.
func (p *probe) resync(err error) error {
	if damage, ok := errors.AsType[*contentError](err); ok {
		return p.scanner.ResyncAt(damage.offset)
	}
	return p.scanner.Resync()
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

// IsDamage tells damage of the content, which one can read on behind, from a file that cannot be read or was cut while
// it was read.
func IsDamage(err error) bool {
	var corrupt *decode.CorruptError
	var path *fs.PathError
	var changed *ChangedError
	return errors.As(err, &corrupt) && !errors.As(err, &path) && !errors.As(err, &changed)
}

// opening is what a segment begins with.
type opening struct {
	stamp
	found  bool // a record that says something begins within the first MiB
	filler bool // the segment begins with what a full sync leaves
	fresh  bool // and surely so: what the client's PADDING leaves looks much the same
	torn   bool // a record or a piece of filler goes on behind the end of what may be read
}

// readOpening reads from the start of a segment to its first record that says something, if that begins within the
// first MiB. One read of 4 KiB, but for a long first record and a segment that begins with filler. Of an archive no
// more than that MiB is there: a first record that runs on behind it says nothing.
func (p *probe) readOpening(src decode.Source, span decode.Span) (opening, error) {
	var o opening
	var rec decode.Record
	limit := span.Limit
	for pos := int64(0); pos < min(limit, headSize); pos = rec.End {
		// The span is as short as it can be, so that the scanner reads little. A trailer may stand before the record.
		span.Begin, span.End, span.Exact = pos, pos+8, true
		p.scanner.Reset(src, span)
		s, ok, err := p.next(&span, &rec)
		switch {
		case ok:
			o.stamp, o.found = s, true
			return o, nil
		case errors.Is(err, io.EOF) || IsDamage(err):
			o.torn = errors.Is(err, decode.ErrTorn)
			return o, nil
		case err != nil:
			return o, err
		}
		o.filler = o.filler || rec.Filler || len(rec.Payload) > 0
		o.fresh = o.fresh || rec.Filler || pos == 0 && rec.End == decode.BlockSize || isBlank(rec.Payload)
	}
	return o, nil
}

// isBlank reports whether a payload is the spaces that Pika before 3.0.10 fills with. Of a long one the beginning tells.
func isBlank(payload []byte) bool {
	return len(payload) > 0 && allEqual(payload[:min(len(payload), maxHead)], ' ')
}

// opening gives the opening of a segment, once read. What lies behind the manifest's position is not looked at.
func (l *Log) opening(s Segment) (opening, error) {
	if o, ok := l.openings[s.Number]; ok {
		return o, nil
	}
	src, size, done, err := l.openHead(s)
	if err != nil {
		return opening{}, err
	}
	defer done()
	span := decode.Span{Log: l.id, Segment: s.Number, Limit: size, Generation: l.options.Generation}
	if l.generation == decode.G0 {
		span.Generation = l.generation // a record of filler does not show how long its header is
	}
	if l.manifestErr == nil && s.Number == l.manifest.Position.Segment {
		span.Limit = min(size, l.manifest.Position.Offset)
	}
	o, err := l.probe.readOpening(src, span)
	// Where nothing was found in all that is looked at, nothing will be found when the segment has grown.
	if err == nil && (o.found || span.Limit >= headSize && !o.torn) && l.openings != nil {
		l.openings[s.Number] = o
	}
	return o, err
}

// openHead opens a segment to look at its beginning: the file, or what the first MiB of an archive unpacks to.
func (l *Log) openHead(s Segment) (src decode.Source, size int64, done func(), err error) {
	if s.Compression != Plain {
		head, err := l.readArchiveHead(s)
		return bytes.NewReader(head), int64(len(head)), func() {}, err
	}
	f, err := l.openPlain(s)
	if err != nil {
		return nil, 0, nil, err
	}
	return f, f.size, func() { _ = f.Close() }, nil
}

// ending is what the records before an offset say about it.
type ending struct {
	boundary bool  // a record ends exactly there
	own      bool  // some of them name positions, and these are where they stand
	last     stamp // of the last record that says something
	found    bool  // there is such a record
}

// readEnding reads the records that begin in the last block before end in which any does. It looks no further than
// end. A record of many blocks costs one small read for each.
func (p *probe) readEnding(src decode.Source, span decode.Span, end int64) (ending, error) {
	begin, ok, err := lastBeginning(src, end, headerSize(span.Generation))
	if err != nil || !ok {
		return ending{}, err
	}
	span.Begin, span.End, span.Limit, span.Exact = begin, end, end, begin == 0
	p.scanner.Reset(src, span)
	var e ending
	// One record that stands elsewhere than it says is enough: positions drift by a constant, not now and then.
	drift := false
	for {
		var rec decode.Record
		s, ok, err := p.next(&span, &rec)
		switch {
		case errors.Is(err, io.EOF) || IsDamage(err):
			e.own = e.own && !drift
			e.boundary = errors.Is(err, io.EOF) && p.scanner.End() == end
			return e, nil
		case err != nil:
			return e, err
		case !ok:
			continue
		}
		e.last, e.found = s, true
		if s.hasAt {
			e.own = true
			drift = drift || !s.names(span.Segment, headerSize(span.Generation))
		}
	}
}

// wholeEnd is the end of the last whole record of a span that begins with one. What stands behind it, up to the end of the
// span, is half a record, damage or zeros.
func (p *probe) wholeEnd(src decode.Source, span decode.Span) (int64, error) {
	p.scanner.Reset(src, span)
	for {
		var rec decode.Record
		switch err := p.scanner.Next(&rec); {
		case errors.Is(err, io.EOF) || IsDamage(err):
			return p.scanner.End(), nil
		case err != nil:
			return 0, err
		}
	}
}

// names reports whether a record's item names the place it stands at: its own offset, that of the trailer before it,
// or, for the first record of a segment, the end of the segment before.
func (s *stamp) names(segment uint32, header int64) bool {
	if s.offset == 0 {
		return s.at.Segment < segment || s.at == (decode.Position{Segment: segment})
	}
	return s.at.Segment == segment && s.at.Offset <= s.offset && s.offset-s.at.Offset < header
}

func headerSize(g decode.Generation) int64 {
	if g == decode.G0 {
		return 4
	}
	return 8
}

// lastBeginning finds the last block before end in which a record begins, by the headers that the blocks start
// with: a middle fragment fills its block, a last fragment leaves room or not, zeros are no data.
func lastBeginning(src decode.Source, end, header int64) (int64, bool, error) {
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
		length := int64(buf[0]) | int64(buf[1])<<8 | int64(buf[2])<<16
		switch buf[header-1] {
		case 1, 2, 6:
			return block, true, nil
		case 4:
			behind := header + length
			if behind+header <= decode.BlockSize && block+behind < end {
				return block, true, nil
			}
		case 0, 3:
		default:
			return 0, false, nil
		}
		block -= decode.BlockSize
	}
	return 0, false, nil
}
