package decode

import (
	"encoding/binary"
	"fmt"
)

// Fragment types, the last byte of a physical header. Pika writes no others; types 0, 5 and 7 exist
// only inside its reader.
const (
	fragmentFull   = 1
	fragmentFirst  = 2
	fragmentMiddle = 3
	fragmentLast   = 4
	fragmentFiller = 6 // "bad record": what a replica of 3.3.2 and later fills its log with after a full sync
)

// fragment is a physical header.
type fragment struct {
	length int64
	time   int64
	kind   byte
}

// parseFragment reads the physical header at the start of b, which holds at least h bytes: 24 bits of
// length, then (2.1+) 32 of time, then the type.
func parseFragment(b []byte, h int64) fragment {
	if h == 8 {
		word := binary.LittleEndian.Uint64(b)
		return fragment{length: int64(word & 0xffffff), time: int64(uint32(word >> 24)), kind: byte(word >> 56)}
	}
	word := binary.LittleEndian.Uint32(b)
	return fragment{length: int64(word & 0xffffff), kind: byte(word >> 24)}
}

// judge says why the fragment at pos cannot be one, as far as that shows in front of the payload; the
// payload of filler is looked at too, since nobody else does.
func (s *Scanner) judge(f fragment, left int64) error {
	if err := s.check(f, left); err != nil {
		return err
	}
	switch {
	case s.h == 4 && !s.startsLikeG0(f):
		return ErrBadType
	case f.kind == fragmentFiller && !s.isStars(f):
		return fmt.Errorf("%w: %d, without the stars that such a fragment is full of", ErrBadType, f.kind)
	}
	return nil
}

// isStars looks at the payload of a type 6 fragment.
func (s *Scanner) isStars(f fragment) bool {
	if s.pos+s.h+f.length > s.span.Limit {
		return true // torn, which Next says
	}
	if s.fill(s.pos, s.h+f.length) != nil {
		return false
	}
	return f.length == 0 || allByte(s.buf[s.pos-s.bufOff+s.h:][:f.length], '*')
}

// check says why a fragment cannot stand where left bytes of its block remain. Pika cuts a record only
// at the end of a block: first and middle fragments reach it, middle and last ones begin with a block.
func (s *Scanner) check(f fragment, left int64) error {
	room := left - s.h
	switch f.kind {
	case fragmentFull, fragmentFiller:
	case fragmentFirst:
		if f.length < room {
			return fmt.Errorf("%w: a first fragment that ends before its block", ErrBadLength)
		}
	case fragmentMiddle:
		if left != BlockSize {
			return fmt.Errorf("%w: a middle fragment inside a block", ErrBadSequence)
		}
		if f.length < room {
			return fmt.Errorf("%w: a middle fragment that ends before its block", ErrBadLength)
		}
	case fragmentLast:
		if left != BlockSize {
			return fmt.Errorf("%w: a last fragment inside a block", ErrBadSequence)
		}
		if f.length == 0 {
			return fmt.Errorf("%w: an empty last fragment", ErrBadLength)
		}
	default:
		return fmt.Errorf("%w: %d", ErrBadType, f.kind)
	}
	if f.length > room {
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

// startsLikeG0 looks behind a four-byte header: a later record's time stamp would have to read "*" to
// pass.
func (s *Scanner) startsLikeG0(f fragment) bool {
	switch {
	case f.kind == fragmentMiddle || f.kind == fragmentLast || f.length == 0:
		return true
	case s.pos+s.h+f.length > s.span.Limit:
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
		f := parseFragment(s.buf[s.pos-s.bufOff:], s.h)
		if (f.kind == fragmentFull || f.kind == fragmentFirst) && s.check(f, left) == nil && s.startsPayload(f) {
			return true
		}
	}
	s.h = was
	return false
}

// startsPayload looks at the first byte of the payload of the record at pos. The payload of a first
// fragment of length 0 follows the header of the next block.
func (s *Scanner) startsPayload(f fragment) bool {
	at := s.pos + s.h
	if f.length == 0 {
		at += s.h
	}
	if f.length == 0 && f.kind == fragmentFull || at >= s.span.Limit || s.fill(s.pos, at+1-s.pos) != nil {
		return false
	}
	first := s.buf[at-s.bufOff]
	return first == '*' || s.h == 8 && first == 1
}
