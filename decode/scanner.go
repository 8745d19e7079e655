package decode

import (
	"errors"
	"fmt"
	"io"
)

// Scanner takes a span of a segment apart into records. It is the one implementation of Pika's
// framing, for finished segments and growing ones, and for a worker that starts in the middle. Its
// buffers are kept from span to span.
type Scanner struct {
	// Strict makes trailer bytes that are not zero an error. No version of Pika looks at them.
	Strict bool

	// Reserve, if set, is asked before memory for a long record is taken. Next returns its error.
	Reserve func(size int64) error

	src    io.ReaderAt
	memory InMemory // src, if it is that
	span   Span
	h      int64 // size of a physical header

	buf     []byte // the window: bytes of the segment from bufOff on, in own or where they are in memory
	bufOff  int64
	own     []byte
	ahead   int64  // how much to read at once when the span's own bytes are used up
	scratch []byte // a record of several fragments is put together here

	pos     int64 // where the next header is expected, a trailer before it included
	begin   int64 // the first header of this span, -1 before it is found
	last    int64 // the first header of the last record returned
	end     int64 // after the last record, or the last resync
	headErr error // damage between Begin and begin
	failed  error // of a read, and not of what was read
	zeros   bool
	located bool
	retry   bool // Resync looks at pos itself: a block start that no record of the span has claimed

	header  [8]byte
	parser  parser                 // judges what Resync finds
	refuted [BlockSize / 64]uint64 // a bit for each place in a block that Resync has followed in vain
}

// Reset points the scanner at a span. Nothing is read before Next.
func (s *Scanner) Reset(src io.ReaderAt, span Span) {
	s.src, s.span, s.h = src, span, 8
	s.memory, _ = src.(InMemory)
	if cap(s.scratch) > keepScratch {
		s.scratch = nil
	}
	if span.Generation == G0 {
		s.h = 4
	}
	s.span.End = min(span.End, span.Limit)
	s.buf, s.bufOff, s.ahead = nil, 0, 0
	s.pos, s.begin, s.last, s.end = span.Begin, -1, span.Begin, span.Begin
	s.headErr, s.failed, s.zeros, s.located, s.retry = nil, nil, false, false, false
}

// Forget lets go of the memory that a large record has taken. The record last returned stays valid as long as somebody has it.
func (s *Scanner) Forget() {
	s.scratch = nil
	s.parser.forget()
}

// Begin is the offset of the first record of the span, or -1 when none begins in it.
func (s *Scanner) Begin() int64 { return s.begin }

// End is the offset after the last record returned; after damage, that of the record Resync found.
func (s *Scanner) End() int64 { return s.end }

// HeadError says what was wrong with the bytes between the span's begin and the first record, if they
// are not the rest of a record begun before.
func (s *Scanner) HeadError() error { return s.headErr }

// Zeros reports that the span ended in zeros.
func (s *Scanner) Zeros() bool { return s.zeros }

// HeaderEnd moves a record's end over the trailer of its block, to where the next header must be.
func (s *Scanner) HeaderEnd(end int64) int64 {
	if left := -end & (BlockSize - 1); left < s.h {
		return end + left
	}
	return end
}

// Next puts the next record of the span into rec. It returns io.EOF at the end of the span, or
// *CorruptError for bytes that cannot be a record, after which only Resync continues. A record that runs
// past the limit is a CorruptError with ErrTorn. Any other error is that of a read, or of Reserve, and
// ends the work on the span.
func (s *Scanner) Next(rec *Record) error {
	if !s.located {
		if err := s.locate(); err != nil {
			return err
		}
	}
	for {
		left := -s.pos & (BlockSize - 1)
		switch {
		case left == 0:
			left = BlockSize
		case left < s.h:
			if err := s.trailer(left); err != nil {
				return err
			}
			s.pos += left
			continue
		}
		if s.pos >= s.span.End {
			return io.EOF
		}
		in := s.pos - s.bufOff
		if in < 0 || in+s.h > int64(len(s.buf)) {
			if s.pos+s.h > s.span.Limit {
				return s.halfHeader()
			}
			if err := s.fill(s.pos, s.h); err != nil {
				return err
			}
			in = s.pos - s.bufOff
		}
		f := ParseFragment(s.buf[in:], s.h)
		if f.Kind == FragmentFull && s.h+f.Length <= left && s.h == 8 {
			return s.full(rec, f)
		}
		return s.other(rec, f, left)
	}
}

// full returns the record that one fragment at pos is.
func (s *Scanner) full(rec *Record, f Fragment) error {
	in := s.pos - s.bufOff + s.h
	if in+f.Length > int64(len(s.buf)) {
		if err := s.fill(s.pos, s.h+f.Length); err != nil {
			return err
		}
		in = s.h
	}
	rec.Offset, rec.End = s.pos, s.pos+s.h+f.Length
	rec.Time, rec.Fragments, rec.HeaderSize, rec.Filler = f.Time, 1, s.h, false
	rec.Payload = s.buf[in : in+f.Length : in+f.Length]
	s.passed(rec)
	return nil
}

// passed moves the scanner after a record.
func (s *Scanner) passed(rec *Record) {
	if s.begin < 0 {
		s.begin = rec.Offset
	}
	s.pos, s.last, s.end = rec.End, rec.Offset, rec.End
}

// other is Next for all that is not a plain full record.
func (s *Scanner) other(rec *Record, f Fragment, left int64) error {
	if f == (Fragment{}) && (s.h == 8 || s.blockIsZero()) {
		if left < 8 { // the trailer that 2.1 left after the last record of 2.0
			s.pos += left
			return s.Next(rec)
		}
		return s.zeroHeader()
	}
	if s.isBlank() {
		if s.pos+BlockSize > s.span.Limit {
			return s.torn(s.pos)
		}
		*rec = Record{Offset: s.pos, End: s.pos + BlockSize, HeaderSize: s.h, Filler: true, Fragments: 1}
		s.passed(rec)
		return nil
	}
	if err := s.judge(f, left); err != nil {
		if s.switchGeneration(left) {
			return s.Next(rec)
		}
		return s.corrupt(s.pos, err)
	}
	switch f.Kind {
	case FragmentFirst:
		return s.assemble(rec, f)
	case FragmentMiddle, FragmentLast:
		s.retry = true
		return s.corrupt(s.pos, fmt.Errorf("%w: the rest of a record whose beginning is not there", ErrBadSequence))
	case FragmentZero, FragmentFull, FragmentFiller:
	}
	if err := s.full(rec, f); err != nil {
		return err
	}
	if f.Kind == FragmentFiller {
		rec.Filler, rec.Payload = true, nil
	}
	return nil
}

// trailer looks at the last bytes of a block, too few for a header: Pika fills them with zeros.
func (s *Scanner) trailer(left int64) error {
	if !s.Strict || s.pos+left > s.span.Limit {
		return nil
	}
	if err := s.fill(s.pos, left); err != nil {
		return err
	}
	in := s.pos - s.bufOff
	if !allZero(s.buf[in : in+left]) {
		return s.corrupt(s.pos, ErrBadTrailer)
	}
	return nil
}

// zeroHeader is the end of the data where only zeros follow to the end of the span, and the limit is not
// known to be that of the last record.
func (s *Scanner) zeroHeader() error {
	if s.span.Final {
		return s.corrupt(s.pos, ErrZeros)
	}
	for at := s.pos; at < s.span.End; {
		n := min(s.span.End-at, BlockSize)
		if err := s.fill(at, n); err != nil {
			return err
		}
		in := at - s.bufOff
		if !allZero(s.buf[in : in+n]) {
			return s.corrupt(s.pos, ErrZeros)
		}
		at += n
	}
	s.zeros = true
	s.pos = s.span.End
	return io.EOF
}

// halfHeader is what is at pos where the limit leaves no room for a header.
func (s *Scanner) halfHeader() error {
	if err := s.zeroHeader(); !errors.Is(err, ErrZeros) {
		return err
	}
	return s.torn(s.pos)
}
