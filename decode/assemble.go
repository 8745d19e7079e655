package decode

import "fmt"

// assemble puts a record of several fragments together. The first one has been checked.
func (s *Scanner) assemble(rec *Record, f Fragment) error {
	start := s.pos
	rec.Offset, rec.Time, rec.Fragments, rec.HeaderSize, rec.Filler = start, f.Time, 1, s.h, false
	s.scratch = s.scratch[:0]
	pos := start
	for {
		if err := s.take(pos, f, start); err != nil {
			return err
		}
		pos += s.h + f.Length
		if f.Kind == FragmentLast {
			break
		}
		var err error
		if rec.Fragments == growthProbe {
			if err = s.reserve(pos); err != nil {
				return err
			}
		}
		if f, err = s.continuation(pos, start); err != nil {
			return err
		}
		rec.Fragments++
	}
	rec.End, rec.Payload = pos, s.scratch
	s.passed(rec)
	return nil
}

// take appends the payload of the fragment at pos to the scratch.
func (s *Scanner) take(pos int64, f Fragment, start int64) error {
	if pos+s.h+f.Length > s.span.Limit {
		return s.torn(start)
	}
	if err := s.fill(pos, s.h+f.Length); err != nil {
		return err
	}
	in := pos - s.bufOff + s.h
	s.scratch = append(s.scratch, s.buf[in:in+f.Length]...)
	return nil
}

// continuation reads the middle or last fragment that must be at the block start pos.
func (s *Scanner) continuation(pos, start int64) (Fragment, error) {
	if pos+s.h > s.span.Limit {
		return Fragment{}, s.torn(start)
	}
	if err := s.fill(pos, s.h); err != nil {
		return Fragment{}, err
	}
	f := ParseFragment(s.buf[pos-s.bufOff:], s.h)
	err := s.check(f, BlockSize)
	switch {
	case err == nil && (f.Kind == FragmentMiddle || f.Kind == FragmentLast):
		return f, nil
	case err == nil:
		err = fmt.Errorf("%w: the record that began at %d ends here without its last fragment", ErrBadSequence, start)
	case f == (Fragment{}):
		err = fmt.Errorf("%w: the record that began at %d does not go on", ErrZeros, start)
	}
	s.retry = true
	return f, s.corrupt(pos, err)
}

// keepScratch is the size up to which the scratch is kept from span to span.
const keepScratch = 16 << 20

// growthProbe is the number of fragments after which the size of a record is looked up before more of
// it is copied: 16 blocks, 1 MiB.
const growthProbe = 16

// reserve grows the scratch to what the record needs, by the headers at the block starts from pos on,
// so that a record of hundreds of megabytes is not copied each time the buffer doubles.
func (s *Scanner) reserve(pos int64) error {
	need := int64(len(s.scratch))
	for pos+s.h <= s.span.Limit {
		f, ok := s.peek(pos)
		if !ok || (f.Kind != FragmentMiddle && f.Kind != FragmentLast) || s.check(f, BlockSize) != nil {
			break
		}
		need += f.Length
		if f.Kind == FragmentLast {
			break
		}
		pos += BlockSize
	}
	if s.Reserve != nil {
		if err := s.Reserve(need); err != nil {
			return err
		}
	}
	if need > int64(cap(s.scratch)) {
		s.scratch = append(make([]byte, 0, need), s.scratch...)
	}
	return nil
}
