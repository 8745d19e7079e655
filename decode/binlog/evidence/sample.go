package evidence

import (
	"errors"
	"io"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// sampleSize is how many records of a segment are looked at to learn about the version: many, so that a damaged one decides nothing.
const sampleSize = 256

// sample is what most of the records at the beginning of a segment say.
type sample struct {
	form    decode.Generation // unknown where no record is found
	third   uint32            // server id or term
	firstID uint64            // logic id of the first record the segment has; they count up by one
	counted bool              // firstID is known

	before35, since35 int // how many commands only such a version logs
}

// sample gives the sample of a segment, once read.
func (r *Reader) sample(v *View, segment folder.Segment) (sample, error) {
	if s, ok := r.samples[segment.Number]; ok {
		return s, nil
	}
	records, err := r.readSample(v, segment)
	if err != nil {
		return sample{}, err
	}
	s := records.sample()
	if s.form != decode.GenerationUnknown {
		r.samples[segment.Number] = s
	}
	return s, nil
}

// records are those at the beginning of a segment. Damage is passed over.
type records struct {
	stamps []Stamp
	whole  bool // they are the first ones of the segment, each after the other

	before35, since35 int
}

// readSample reads the records that begin in the first MiB of a segment.
func (r *Reader) readSample(v *View, segment folder.Segment) (records, error) {
	src, size, done, err := r.dir.OpenHead(segment)
	if err != nil {
		return records{}, present(err)
	}
	defer done()
	if _, err := r.openingOf(v, segment, src, size); err != nil { // it will be asked for, and the segment need not be opened again
		return records{}, err
	}
	if v.ManifestErr == nil && segment.Number == v.Manifest.Position.Segment {
		size = min(size, v.Manifest.Position.Offset)
	}
	span := decode.Span{Log: r.dir.ID, Segment: segment.Number, Limit: size, End: min(size, folder.HeadSize), Exact: true}
	taken, err := r.sampleOf(src, span)
	if err != nil || len(taken.stamps) > 0 {
		return taken, err
	}
	span.Generation = decode.G0 // after damage nothing tells that headers are shorter
	return r.sampleOf(src, span)
}

// errLarge ends a sample at a record that is worth no memory: the others say enough.
var errLarge = errors.New("a large record")

func (r *Reader) sampleOf(src io.ReaderAt, span decode.Span) (records, error) {
	taken := records{whole: true}
	r.scanner.Reset(src, span)
	defer r.forget()
	r.scanner.Reserve = func(size int64) error {
		if size > folder.HeadSize && len(taken.stamps) > 0 {
			return errLarge
		}
		return nil
	}
	defer func() { r.scanner.Reserve = nil }()
	var rec decode.Record
	for len(taken.stamps) < sampleSize {
		stamp, ok, err := r.next(&span, &rec)
		if folder.IsDamage(err) {
			taken.whole = false
			ok, err = false, r.resync(err)
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, errLarge) || folder.IsDamage(err):
			return taken, nil
		case err != nil:
			return taken, err
		case ok:
			taken.add(stamp, r.decoder.Entries())
		case rec.Filler || len(taken.stamps) == 0:
			taken.whole = false
		}
	}
	return taken, nil
}

func (s *records) add(stamp Stamp, entries []decode.Entry) {
	s.stamps = append(s.stamps, stamp)
	for i := range entries {
		switch entries[i].Age() {
		case decode.AgeUnknown:
		case decode.AgeBefore35:
			s.before35++
		case decode.AgeSince35:
			s.since35++
		}
	}
}

// usual gives what most of the records say, and false where none says anything.
func usual[T comparable](s *records, of func(i int, stamp *Stamp) (T, bool)) (most T, ok bool) {
	counts := map[T]int{}
	for i := range s.stamps {
		if value, said := of(i, &s.stamps[i]); said {
			counts[value]++
			if !ok || counts[value] > counts[most] {
				most, ok = value, true
			}
		}
	}
	return most, ok
}

func (s *records) sample() sample {
	most := sample{before35: s.before35, since35: s.since35}
	most.form, _ = usual(s, func(_ int, stamp *Stamp) (decode.Generation, bool) { return stamp.Generation, true })
	most.third, _ = usual(s, func(_ int, stamp *Stamp) (uint32, bool) { return stamp.Third, stamp.Has&decode.HasLogicID != 0 })
	if s.whole && len(s.stamps) > 0 && s.stamps[0].Offset == 0 {
		most.firstID, most.counted = usual(s, func(i int, stamp *Stamp) (uint64, bool) {
			return stamp.LogicID - uint64(i), stamp.Has&decode.HasLogicID != 0 && stamp.LogicID >= uint64(i)
		})
	}
	return most
}

// newestSample is that of the newest segment in which a record is found.
func (r *Reader) newestSample(v *View) (sample, error) {
	for _, segment := range slices.Backward(v.Segments) {
		s, err := r.sample(v, segment)
		if err != nil || s.form != decode.GenerationUnknown {
			return s, err
		}
	}
	return sample{}, nil
}
