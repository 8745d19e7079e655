package decode

import "io"

// locate finds the first record that begins in the span. What is at the begin of a span that is not
// Exact may be the rest of a record of the span before.
func (s *Scanner) locate() error {
	s.located = true
	if s.span.Exact {
		return nil
	}
	return s.find(s.span.Begin)
}

// Resync continues after damage: Next then returns the first record that can be told from the bytes. It
// returns io.EOF when none begins in this span. What lies between is lost.
//
// At the start of a block the header tells. Inside the damaged block, where nothing marks a header, a
// record is believed only if its payload parses and names the very position it is at. One that
// names none (2.0 to 2.2, padding) is believed if records follow each other from it to one that does, or to
// the end of the block; one that names another never, so that a copy of a log in a value does not pass for
// records, unless a chain of such records runs on across the end of the block. So on a replica of 2.3 to 3.5.1 whose
// positions have drifted away from its master's, what comes after damage in the same block is lost.
func (s *Scanner) Resync() error {
	from := s.pos + 1
	if s.retry {
		from = s.pos
	}
	return s.resync(from)
}

// ResyncAt continues after the record last returned, for a reader who finds that its payload makes no sense
// from offset bad on. Next then returns the record after it; or, if the record's length is what is
// wrong, the first that can be told from the bytes. It returns io.EOF when none begins in this span.
func (s *Scanner) ResyncAt(bad int64) error {
	from := max(bad, s.last+1)
	block := s.last - s.last%BlockSize + BlockSize
	if next, found := s.search(from, min(block, s.end), s.named); found {
		s.pos, s.end = next, next
		return nil
	}
	switch {
	case s.failed != nil:
		return s.failed
	case s.end > block:
		return s.resync(block) // as a worker does that begins there
	case s.confirmed():
		s.pos = s.end
		return nil
	}
	return s.resync(from)
}

// confirmed reports whether what is after the record last returned speaks for the record's length.
func (s *Scanner) confirmed() bool {
	at := s.HeaderEnd(s.end)
	if at%BlockSize == 0 || at >= s.span.End {
		return true
	}
	f, ok := s.peek(at)
	return ok && (f.Length > 0 && s.begins(at) || f == Fragment{} && s.endsInZeros(at))
}

func (s *Scanner) resync(from int64) error {
	if err := s.find(from); err != nil {
		return err
	}
	s.end = s.pos
	return nil
}

// find moves pos to the first beginning of a record at or after from. It looks at each block by
// itself, so that two workers which meet at a block agree on what begins there.
func (s *Scanner) find(from int64) error {
	s.retry = false
	for from < s.span.End {
		look := s.inBlock
		if from%BlockSize == 0 {
			look = s.atBlock
		}
		next, found := look(from)
		switch {
		case s.failed != nil:
			return s.failed
		case found && next < s.span.End:
			s.pos = next
			return nil
		}
		from = next
	}
	s.pos = s.span.End
	return io.EOF
}

// atBlock looks at the header that a block starts with. It gives where a record begins or where to look
// next. Half a header at the limit counts as a beginning, so that Next says what is wrong with it.
func (s *Scanner) atBlock(from int64) (next int64, found bool) {
	if from+s.h > s.span.Limit {
		return from, true
	}
	s.pos = from
	f, ok := s.peek(from)
	if !ok {
		s.note(from, ErrTorn)
		return from + BlockSize, false
	}
	err := s.check(f, BlockSize)
	switch {
	case err == nil && f.Kind == FragmentMiddle:
		return from + BlockSize, false
	case err == nil && f.Kind == FragmentLast:
		return s.afterLast(from, s.HeaderEnd(from+s.h+f.Length))
	case s.begins(from):
		return from, true
	case s.continuesNewer(from):
		return s.atBlock(from)
	case f == (Fragment{}) && s.endsInZeros(from):
		return s.span.End, false
	}
	s.noteHeader(from)
	return from + 1, false
}

// afterLast looks at the header at, after the last fragment with which a block starts. If none is there the
// fragment's length may be what is bad, and have whole records in it.
func (s *Scanner) afterLast(block, at int64) (next int64, found bool) {
	switch {
	case at%BlockSize == 0 || at == s.span.Limit:
		return at, false
	case at < s.span.Limit && at+s.h > s.span.Limit || s.begins(at):
		return at, true
	case at < s.span.End && s.endsInZeros(at):
		return s.span.End, false
	}
	s.noteHeader(at)
	return s.search(block+1, at+1, s.named)
}

// peek reads one header. At a block start in the middle of a long record it is all that is needed of
// the block, so that the window is not read.
func (s *Scanner) peek(pos int64) (f Fragment, ok bool) {
	if in := pos - s.bufOff; in >= 0 && in+s.h <= int64(len(s.buf)) {
		return ParseFragment(s.buf[in:], s.h), true
	}
	n, err := s.src.ReadAt(s.header[:s.h], pos)
	if int64(n) < s.h {
		_ = s.short(pos+int64(n), err) // remembers an error that is no damage
		return Fragment{}, false
	}
	return ParseFragment(s.header[:], s.h), true
}

// begins reports whether the header at pos can be that of a record, with either header size.
func (s *Scanner) begins(pos int64) bool {
	left := BlockSize - pos%BlockSize
	if left < s.h || s.fill(pos, s.h) != nil {
		return false
	}
	s.pos = pos
	f := ParseFragment(s.buf[pos-s.bufOff:], s.h)
	if f.Kind != FragmentMiddle && f.Kind != FragmentLast && s.judge(f, left) == nil {
		return true
	}
	return s.isBlank() || s.switchGeneration(left)
}

// continuesNewer recognises, in a segment that began with 2.0, the middle or the end of a record that a
// newer server wrote, and takes over its header size.
func (s *Scanner) continuesNewer(from int64) bool {
	if s.h == 8 || s.span.Fixed || from+8 > s.span.Limit {
		return false
	}
	s.h = 8
	f, ok := s.peek(from)
	if ok && (f.Kind == FragmentMiddle || f.Kind == FragmentLast) && s.check(f, BlockSize) == nil {
		return true
	}
	s.h = 4
	return false
}

// endsInZeros recognises the end of the data, and remembers it.
func (s *Scanner) endsInZeros(pos int64) bool {
	s.pos = pos
	if s.span.Final || s.zeroHeader() != io.EOF {
		return false
	}
	return true
}

// inBlock searches the rest of a block for a record that can be believed.
func (s *Scanner) inBlock(from int64) (next int64, found bool) {
	end := from - from%BlockSize + BlockSize
	s.refuted = [len(s.refuted)]uint64{}
	if next, found = s.search(from, end, s.credible); found {
		return next, true
	}
	return end, false
}

// search looks from from to to, which are in one block, byte by byte, for a record that passes.
func (s *Scanner) search(from, to int64, passes func(pos int64, b []byte) bool) (next int64, found bool) {
	stop := min(from-from%BlockSize+BlockSize, s.span.Limit)
	if from >= min(to, stop) || s.fill(from, stop-from) != nil {
		return to, false
	}
	block := s.buf[from-s.bufOff:][:stop-from]
	for i := range min(to-from, stop-from-s.h) {
		kind := FragmentKind(block[i+s.h-1])
		if (kind == FragmentFull || kind == FragmentFirst) && passes(from+i, block[i:]) {
			return from + i, true
		}
	}
	return to, false
}

// interrupts reports whether the block at pos continues with a record that began before it.
func (s *Scanner) interrupts(pos int64) bool {
	if pos+s.h > s.span.Limit {
		return false
	}
	f, ok := s.peek(pos)
	return ok && (f.Kind == FragmentMiddle || f.Kind == FragmentLast) && s.check(f, BlockSize) == nil
}

// noteHeader keeps the first damage in front of the span's first record, with what is wrong there.
func (s *Scanner) noteHeader(pos int64) {
	f, ok := s.peek(pos)
	err := ErrTorn
	if ok {
		err = s.check(f, BlockSize-pos%BlockSize)
	}
	switch {
	case ok && f == Fragment{}:
		err = ErrZeros
	case err == nil:
		err = ErrBadSequence
	}
	s.note(pos, err)
}

func (s *Scanner) note(pos int64, err error) {
	if s.headErr == nil && s.begin < 0 {
		s.headErr = &CorruptError{Segment: s.span.Segment, Offset: pos, Err: err}
	}
}
