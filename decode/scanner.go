package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// BlockSize is the size of the blocks that a segment is a sequence of.
const BlockSize = 65536

// Fragment types, the last byte of a physical header. Pika writes no others; types 0, 5 and 7 exist
// only inside its reader.
const (
	fragmentFull   = 1
	fragmentFirst  = 2
	fragmentMiddle = 3
	fragmentLast   = 4
	fragmentFiller = 6 // "bad record": what a replica of 3.3.2 and later fills its log with after a full sync
)

// Span is the part of a segment that one Scanner reads, and what is known of that segment.
type Span struct {
	Log     *Log
	Segment uint32

	// Begin and End bound the records of the span: a record belongs to the span in which its first
	// physical header lies. Begin is 0, a block boundary, or the end of a record (Exact).
	Begin, End int64

	// Limit is the end of what may be read of the segment: the manifest's position, the true end of a
	// finished segment, or the size of the file. A record of the span may run on beyond End to Limit.
	Limit int64

	// Final says that Limit is known to be the end of the last record, so that zeros before it are
	// damage. Otherwise the records may end earlier, in zeros.
	Final bool

	// Open says that nothing tells where the log ends: the newest segment of a log without a manifest.
	// Half a record at its end is then what a writer was at, and no damage.
	Open bool

	// Exact says that a record, or a block's trailer, begins at Begin. Otherwise the fragments at Begin
	// may be the rest of a record of the span before, and are passed over.
	Exact bool

	// Generation as far as it is known for the segment. A record that shows another one is read by what
	// it shows, since a server may be upgraded in the middle of a segment.
	Generation Generation
}

// Record is one reassembled record, or a piece of the filler that a full sync leaves behind.
type Record struct {
	Offset, End int64  // of the first physical header, and behind the last fragment
	Time        int64  // unix seconds of the first physical header; 0 before Pika 2.1
	Fragments   int    // how many pieces it was in
	HeaderSize  int64  // of its physical headers: 4 before Pika 2.1, else 8
	Filler      bool   // a type 6 record or a block of spaces: no payload
	Payload     []byte // valid until the next call
}

// At gives the offset in the segment of byte i of the payload, for error messages.
func (r *Record) At(i int) int64 {
	at := r.Offset + r.HeaderSize
	inFirst := int(-at & (BlockSize - 1))
	if i < inFirst {
		return at + int64(i)
	}
	perBlock := int(BlockSize - r.HeaderSize)
	i -= inFirst
	return at + int64(inFirst) + int64(i/perBlock)*BlockSize + r.HeaderSize + int64(i%perBlock)
}

// Source is an open segment: what a Scanner reads from.
type Source = io.ReaderAt

// Scanner takes a span of a segment apart into records. It is the one implementation of Pika's
// framing, for finished segments and growing ones, and for a worker that starts in the middle. Its
// buffers are kept from span to span.
type Scanner struct {
	// Strict makes trailer bytes that are not zero an error. No version of Pika looks at them.
	Strict bool

	// Reserve, if set, is asked before memory for a long record is taken. Next returns its error.
	Reserve func(size int64) error

	src  Source
	span Span
	h    int64 // size of a physical header

	buf     []byte // the window: bytes of the segment from bufOff on
	bufOff  int64
	ahead   int64  // how much to read at once when the span's own bytes are used up
	scratch []byte // a record of several fragments is put together here

	pos     int64 // where the next header is expected, a trailer before it included
	begin   int64 // the first header of this span, -1 before it is found
	last    int64 // the first header of the last record returned
	end     int64 // behind the last record, or the last resync
	headErr error // damage between Begin and begin
	failed  error // of a read, and not of what was read
	zeros   bool
	located bool
	retry   bool // Resync looks at pos itself: a block start that no record of the span has claimed

	header [8]byte
	parser parser // judges what Resync finds
}

// Reset points the scanner at a span. Nothing is read before Next.
func (s *Scanner) Reset(src Source, span Span) {
	s.src, s.span, s.h = src, span, 8
	if cap(s.scratch) > keepScratch {
		s.scratch = nil
	}
	if span.Generation == G0 {
		s.h = 4
	}
	s.span.End = min(span.End, span.Limit)
	s.buf, s.bufOff, s.ahead = s.buf[:0], 0, 0
	s.pos, s.begin, s.last, s.end = span.Begin, -1, span.Begin, span.Begin
	s.headErr, s.failed, s.zeros, s.located, s.retry = nil, nil, false, false, false
}

// Begin is the offset of the first record of the span, or -1 when none begins in it.
func (s *Scanner) Begin() int64 { return s.begin }

// End is the offset behind the last record returned; behind damage, that of the record Resync found.
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
// *CorruptError for bytes that cannot be a record, after which only Resync goes on. A record that runs
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
		f := parseFragment(s.buf[in:], s.h)
		if f.kind == fragmentFull && s.h+f.length <= left && s.h == 8 {
			return s.full(rec, f)
		}
		return s.other(rec, f, left)
	}
}

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

// full returns the record that one fragment at pos is.
func (s *Scanner) full(rec *Record, f fragment) error {
	in := s.pos - s.bufOff + s.h
	if in+f.length > int64(len(s.buf)) {
		if err := s.fill(s.pos, s.h+f.length); err != nil {
			return err
		}
		in = s.h
	}
	rec.Offset, rec.End = s.pos, s.pos+s.h+f.length
	rec.Time, rec.Fragments, rec.HeaderSize, rec.Filler = f.time, 1, s.h, false
	rec.Payload = s.buf[in : in+f.length : in+f.length]
	s.passed(rec)
	return nil
}

// passed moves the scanner behind a record.
func (s *Scanner) passed(rec *Record) {
	if s.begin < 0 {
		s.begin = rec.Offset
	}
	s.pos, s.last, s.end = rec.End, rec.Offset, rec.End
}

// other is Next for all that is not a plain full record.
func (s *Scanner) other(rec *Record, f fragment, left int64) error {
	if f == (fragment{}) && (s.h == 8 || s.blockIsZero()) {
		if left < 8 { // the trailer that 2.1 left behind the last record of 2.0
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
	switch f.kind {
	case fragmentFirst:
		return s.assemble(rec, f)
	case fragmentMiddle, fragmentLast:
		s.retry = true
		return s.corrupt(s.pos, fmt.Errorf("%w: the rest of a record whose beginning is not there", ErrBadSequence))
	}
	if err := s.full(rec, f); err != nil {
		return err
	}
	if f.kind == fragmentFiller {
		rec.Filler, rec.Payload = true, nil
	}
	return nil
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

// assemble puts a record of several fragments together. The first one has been checked.
func (s *Scanner) assemble(rec *Record, f fragment) error {
	start := s.pos
	rec.Offset, rec.Time, rec.Fragments, rec.HeaderSize, rec.Filler = start, f.time, 1, s.h, false
	s.scratch = s.scratch[:0]
	pos := start
	for {
		if err := s.take(pos, f, start); err != nil {
			return err
		}
		pos += s.h + f.length
		if f.kind == fragmentLast {
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
func (s *Scanner) take(pos int64, f fragment, start int64) error {
	if pos+s.h+f.length > s.span.Limit {
		return s.torn(start)
	}
	if err := s.fill(pos, s.h+f.length); err != nil {
		return err
	}
	in := pos - s.bufOff + s.h
	s.scratch = append(s.scratch, s.buf[in:in+f.length]...)
	return nil
}

// continuation reads the middle or last fragment that must stand at the block start pos.
func (s *Scanner) continuation(pos, start int64) (fragment, error) {
	if pos+s.h > s.span.Limit {
		return fragment{}, s.torn(start)
	}
	if err := s.fill(pos, s.h); err != nil {
		return fragment{}, err
	}
	f := parseFragment(s.buf[pos-s.bufOff:], s.h)
	err := s.check(f, BlockSize)
	switch {
	case err == nil && (f.kind == fragmentMiddle || f.kind == fragmentLast):
		return f, nil
	case err == nil:
		err = fmt.Errorf("%w: the record that began at %d ends here without its last fragment", ErrBadSequence, start)
	case f == (fragment{}):
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
		if !ok || (f.kind != fragmentMiddle && f.kind != fragmentLast) || s.check(f, BlockSize) != nil {
			break
		}
		need += f.length
		if f.kind == fragmentLast {
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

// halfHeader is what stands at pos where the limit leaves no room for a header.
func (s *Scanner) halfHeader() error {
	if err := s.zeroHeader(); !errors.Is(err, ErrZeros) {
		return err
	}
	return s.torn(s.pos)
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
	want := min(s.span.End-pos, maxWindow)
	if want < n {
		s.ahead = min(max(4*s.ahead, 4096), maxWindow)
		want = max(n, s.ahead)
	}
	want = min(want, s.span.Limit-pos)
	if int64(cap(s.buf)) < want {
		s.buf = make([]byte, want)
	}
	s.buf, s.bufOff = s.buf[:want], pos
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
