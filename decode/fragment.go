package decode

import (
	"encoding/binary"
	"fmt"
)

// FragmentKind is the last byte of a physical header.
type FragmentKind byte

// The kinds of fragments. Pika writes no others; types 0, 5 and 7 exist only inside its reader.
const (
	FragmentZero   FragmentKind = 0 // no header: preallocated zeros
	FragmentFull   FragmentKind = 1
	FragmentFirst  FragmentKind = 2
	FragmentMiddle FragmentKind = 3
	FragmentLast   FragmentKind = 4
	FragmentFiller FragmentKind = 6 // "bad record": what a replica of 3.3.2 and later fills its log with after a full sync
)

// HeaderSize is how long the physical headers of a generation are.
func HeaderSize(g Generation) int64 {
	if g == G0 {
		return 4
	}
	return 8
}

// Fragment is a physical header.
type Fragment struct {
	Length int64 // of what follows it
	Time   int64 // unix seconds; 0 where headers have none
	Kind   FragmentKind
}

// ParseFragment reads the physical header at the start of b, which holds at least h bytes, 4 or 8: 24 bits of
// length, then (2.1+) 32 of time, then the type.
func ParseFragment(b []byte, h int64) Fragment {
	if h == 8 {
		word := binary.LittleEndian.Uint64(b)
		return Fragment{Length: int64(word & 0xffffff), Time: int64(uint32(word >> 24)), Kind: FragmentKind(word >> 56)}
	}
	word := binary.LittleEndian.Uint32(b)
	return Fragment{Length: int64(word & 0xffffff), Kind: FragmentKind(word >> 24)}
}

// judge says why the fragment at pos cannot be one, as far as that shows in front of the payload; the
// payload of filler is looked at too, since nobody else does.
func (s *Scanner) judge(f Fragment, left int64) error {
	if err := s.check(f, left); err != nil {
		return err
	}
	switch {
	case s.h == 4 && !s.startsLikeG0(f):
		return ErrBadType
	case f.Kind == FragmentFiller && !s.isStars(f):
		return fmt.Errorf("%w: %d, without the stars that such a fragment is full of", ErrBadType, f.Kind)
	}
	return nil
}

// isStars looks at the payload of a type 6 fragment.
func (s *Scanner) isStars(f Fragment) bool {
	if s.pos+s.h+f.Length > s.span.Limit {
		return true // torn, which Next says
	}
	if s.fill(s.pos, s.h+f.Length) != nil {
		return false
	}
	return f.Length == 0 || allByte(s.buf[s.pos-s.bufOff+s.h:][:f.Length], '*')
}

// check says why a fragment cannot stand where left bytes of its block remain. Pika cuts a record only
// at the end of a block: first and middle fragments reach it, middle and last ones begin with a block.
func (s *Scanner) check(f Fragment, left int64) error {
	room := left - s.h
	switch f.Kind {
	case FragmentFull, FragmentFiller:
	case FragmentFirst:
		if f.Length < room {
			return fmt.Errorf("%w: a first fragment that ends before its block", ErrBadLength)
		}
	case FragmentMiddle:
		if left != BlockSize {
			return fmt.Errorf("%w: a middle fragment inside a block", ErrBadSequence)
		}
		if f.Length < room {
			return fmt.Errorf("%w: a middle fragment that ends before its block", ErrBadLength)
		}
	case FragmentLast:
		if left != BlockSize {
			return fmt.Errorf("%w: a last fragment inside a block", ErrBadSequence)
		}
		if f.Length == 0 {
			return fmt.Errorf("%w: an empty last fragment", ErrBadLength)
		}
	default:
		return fmt.Errorf("%w: %d", ErrBadType, f.Kind)
	}
	if f.Length > room {
		return ErrBadLength
	}
	return nil
}

// isBlank recognises a whole block of spaces, the filler of 2.0 to 3.0.9, or as much of one as there is.
func (s *Scanner) isBlank() bool {
	n := min(BlockSize, s.span.Limit-s.pos)
	if s.pos&(BlockSize-1) != 0 || s.buf[s.pos-s.bufOff] != ' ' || s.fill(s.pos, n) != nil {
		return false
	}
	in := s.pos - s.bufOff
	return allByte(s.buf[in:in+n], ' ')
}

func (s *Scanner) blockIsZero() bool {
	n := min(-s.pos&(BlockSize-1), s.span.Limit-s.pos)
	if n == 0 {
		n = min(BlockSize, s.span.Limit-s.pos)
	}
	if s.fill(s.pos, n) != nil {
		return false
	}
	in := s.pos - s.bufOff
	return allZero(s.buf[in : in+n])
}

// startsLikeG0 looks after a four-byte header: a later record's time stamp would have to read "*" to
// pass.
func (s *Scanner) startsLikeG0(f Fragment) bool {
	switch {
	case f.Kind == FragmentMiddle || f.Kind == FragmentLast || f.Length == 0:
		return true
	case s.pos+s.h+f.Length > s.span.Limit:
		return true // torn, which Next says
	case s.fill(s.pos, s.h+1) != nil:
		return false
	}
	first := s.buf[s.pos-s.bufOff+s.h]
	return first == '*' || first == ' '
}

// switchGeneration tries the other header size on a record that makes no sense with this one: 2.0 to
// 2.1 is an upgrade that changes it in the middle of a segment. It needs a beginning whose payload
// starts as that generation's do.
func (s *Scanner) switchGeneration(left int64) bool {
	if s.span.Fixed {
		return false
	}
	was := s.h
	s.h = 12 - was
	if left >= s.h && s.pos+s.h <= s.span.Limit && s.fill(s.pos, s.h) == nil {
		f := ParseFragment(s.buf[s.pos-s.bufOff:], s.h)
		if (f.Kind == FragmentFull || f.Kind == FragmentFirst) && s.check(f, left) == nil && s.startsPayload(f) {
			return true
		}
	}
	s.h = was
	return false
}

// startsPayload looks at the first byte of the payload of the record at pos. The payload of a first
// fragment of length 0 follows the header of the next block.
func (s *Scanner) startsPayload(f Fragment) bool {
	at := s.pos + s.h
	if f.Length == 0 {
		at += s.h
	}
	if f.Length == 0 && f.Kind == FragmentFull || at >= s.span.Limit || s.fill(s.pos, at+1-s.pos) != nil {
		return false
	}
	first := s.buf[at-s.bufOff]
	return first == '*' || s.h == 8 && first == 1
}
