package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxWindow bounds what is read at once, whatever the size of the span: little enough to stay in the
// cache next to the processor until it has been looked at.
const maxWindow = 128 << 10

// fill makes sure that n bytes from pos on are in the window. The span's own bytes are read at once;
// beyond its end, where only the rest of one record is wanted, in growing steps.
func (s *Scanner) fill(pos, n int64) error {
	if in := pos - s.bufOff; in >= 0 && in+n <= int64(len(s.buf)) {
		return nil
	}
	if pos+n > s.span.Limit {
		return s.torn(pos)
	}
	if s.memory != nil && s.look(pos, n) {
		return nil
	}
	want := min(s.span.End-pos, maxWindow)
	if want < n {
		s.ahead = min(max(4*s.ahead, 4096), maxWindow)
		want = max(n, s.ahead)
	}
	want = min(want, s.span.Limit-pos)
	if int64(cap(s.own)) < want {
		s.own = make([]byte, want)
	}
	s.buf, s.bufOff = s.own[:want], pos
	got, err := s.src.ReadAt(s.buf, pos)
	if got == len(s.buf) {
		return nil
	}
	s.buf = s.buf[:got]
	if int64(got) >= n {
		return nil
	}
	return s.short(pos+int64(got), err)
}

// InMemory is a source of blocks whose bytes are in memory, to be looked at where they are.
type InMemory interface {
	// At gives the bytes from an offset on that lie one after the other; none: they have to be read.
	At(offset int64) []byte
}

// look makes the window of n bytes or more that are in memory.
func (s *Scanner) look(pos, n int64) bool {
	b := s.memory.At(pos)
	if int64(len(b)) < n {
		return false
	}
	s.buf, s.bufOff = b[:min(int64(len(b)), s.span.Limit-pos)], pos
	return true
}

// short is the error of a read that brought too little, up to at. A file that has become shorter is damage;
// any other error says nothing about the log, and so must not pass for damage.
func (s *Scanner) short(at int64, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: the file ends here, though it reached %d before", ErrTorn, s.span.Limit)
		return &CorruptError{Segment: s.span.Segment, Offset: at, Err: err}
	}
	s.failed = fmt.Errorf("reading write2file%d at %d: %w", s.span.Segment, at, err)
	return s.failed
}

func (s *Scanner) torn(start int64) error {
	return s.corrupt(start, fmt.Errorf("%w: the data ends at %d", ErrTorn, s.span.Limit))
}

func (s *Scanner) corrupt(at int64, err error) error {
	s.pos = at
	return &CorruptError{Segment: s.span.Segment, Offset: at, Err: err}
}

func allZero(b []byte) bool { return allByte(b, 0) }

func allByte(b []byte, c byte) bool {
	return len(b) == 0 || b[0] == c && bytes.Equal(b[1:], b[:len(b)-1])
}
