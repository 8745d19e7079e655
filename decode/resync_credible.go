package decode

// credible judges a candidate at pos, whose block continues in b: one that does not say where it is counts
// if others follow, to one that does, or to the end of the block or of the data. In a value that holds
// records of another log they do not, but by chance: such a chain breaks at the end of the value, or
// reaches a block that continues with the rest of the record around it.
//
// So do records that all name places by the same distance from where they stand, if they run on across the end of the block as if it
// did not end there: those of a server that has failed to write one when its disk was full.
func (s *Scanner) credible(pos int64, b []byte) bool {
	if ParseFragment(b, s.h).Length == 0 {
		return false
	}
	var d drift
	// A chain that has been here before came to nothing. So each place is weighed once, however many lead to it.
	for !s.isRefuted(pos) {
		kind := ParseFragment(b, s.h).Kind
		size, at, e := s.weigh(pos, b)
		if e == named {
			return d.records == 0 // else what comes before it is a copy in a value
		}
		s.refute(pos)
		if e == against || e == elsewhere && !d.takes(pos, at) {
			var crosses bool
			if size, crosses = s.pastShifted(pos, b, &d); size == 0 {
				return crosses && d.credible() && s.continuesAcross(pos)
			}
		}
		b, pos = b[size:], pos+size
		switch left := -pos & (BlockSize - 1); {
		case kind == FragmentFirst && left == 0:
			return d.records == 0
		case left < s.h || !s.span.Final && allZero(b):
			return d.records == 0 && !s.interrupts(pos+left)
		case int64(len(b)) < s.h:
			return d.credible() && len(b) == 0
		}
	}
	return false
}

// continuesAcross reports whether the record at pos, which runs past the end of its block, is followed by another one where it ends, and no
// record begins or continues where the block does: then blocks do not end there.
func (s *Scanner) continuesAcross(pos int64) bool {
	f, ok := s.peek(pos)
	block := pos - pos%BlockSize + BlockSize
	if next := pos + s.h + f.Length; ok && f.Kind == FragmentFull && next+s.h <= s.span.Limit {
		after, ok := s.peek(next)
		if !ok || after.Kind != FragmentFull && after.Kind != FragmentFirst || after.Length == 0 || after.Length > BlockSize {
			return false
		}
	}
	if block+s.h > s.span.Limit {
		return true
	}
	f, ok = s.peek(block)
	return ok && (s.check(f, BlockSize) != nil || f.Length == 0)
}

func (s *Scanner) isRefuted(pos int64) bool {
	return s.refuted[pos%BlockSize/64]&(1<<(pos%64)) != 0
}

func (s *Scanner) refute(pos int64) { s.refuted[pos%BlockSize/64] |= 1 << (pos % 64) }

// drift is by how much the records of a chain name other places than theirs.
type drift struct {
	distance int64
	records  int // that name any
}

// takes reports whether a record at pos that names an offset fits the ones before it.
func (d *drift) takes(pos, at int64) bool {
	if d.records > 0 && d.distance != pos-at {
		return false
	}
	d.distance = pos - at
	d.records++
	return true
}

// credible reports whether the chain is one without any such record, or of several: one alone may be chance.
func (d *drift) credible() bool { return d.records != 1 }

// pastShifted is shifted, of a record that may come after the trailer of a shifted block.
func (s *Scanner) pastShifted(pos int64, b []byte, d *drift) (size int64, crosses bool) {
	if size, crosses = s.shifted(pos, b, d); size > 0 || crosses {
		return size, crosses
	}
	gap := trailerOf(b, s.h)
	if size, crosses = s.shifted(pos+gap, b[gap:], d); size > 0 {
		size += gap
	}
	return size, crosses
}

// shifted looks at a record at pos that the framing refuses, and that is the next one of a chain all the same: a server that has
// failed to write a fragment cuts the later ones where its count of the block ends, and not where the block does. The record is
// lost, and those before and after it are whole. size is that of its fragments, 0 if it crosses the end of the block or is none.
func (s *Scanner) shifted(pos int64, b []byte, d *drift) (size int64, crosses bool) {
	f := ParseFragment(b, s.h)
	if d.records == 0 || f.Kind != FragmentFull && f.Kind != FragmentFirst {
		return 0, false
	}
	payload := b[s.h:]
	if len(payload) < min(ItemHeaderSize, int(f.Length)) {
		return 0, true // too few bytes to say more
	}
	if f.Kind == FragmentFull || f.Length >= ItemHeaderSize {
		at, ok := s.parser.claims(payload[:min(f.Length, int64(len(payload)))], false)
		if !ok || at.Segment != s.span.Segment || pos-s.HeaderEnd(at.Offset) != d.distance {
			return 0, false
		}
	}
	size = s.h + f.Length
	for f.Kind == FragmentFirst || f.Kind == FragmentMiddle {
		if size+s.h > int64(len(b)) {
			return 0, true
		}
		f = ParseFragment(b[size:], s.h)
		if f.Kind != FragmentMiddle && f.Kind != FragmentLast {
			return 0, false
		}
		size += s.h + f.Length
	}
	if size > int64(len(b)) {
		return 0, true
	}
	return size, false
}

// trailerOf is how many zeros b begins with that may be the trailer of a block, too few for a header.
func trailerOf(b []byte, h int64) int64 {
	n := int64(0)
	for n < h-1 && n < int64(len(b)) && b[n] == 0 {
		n++
	}
	if n+h > int64(len(b)) {
		return 0
	}
	return n
}

// named reports whether a candidate at pos says itself that it is there.
func (s *Scanner) named(pos int64, b []byte) bool {
	_, _, e := s.weigh(pos, b)
	return e == named
}

// evidence is what a candidate's payload says of where it is.
type evidence byte

const (
	against   evidence = iota // it does not parse, or names another segment
	elsewhere                 // it names another place of the segment
	silent
	named
)

// weigh looks at a candidate at pos, whose block continues in b. size is that of its first fragment, at the offset that it names.
func (s *Scanner) weigh(pos int64, b []byte) (size, at int64, e evidence) {
	f := ParseFragment(b, s.h)
	payload := b[s.h:]
	if s.check(f, BlockSize-pos%BlockSize) != nil || f.Length > int64(len(payload)) {
		return 0, 0, against
	}
	size, payload = s.h+f.Length, payload[:f.Length]
	switch {
	case f.Kind == FragmentMiddle || f.Kind == FragmentLast:
		return 0, 0, against
	case f.Kind == FragmentFiller || f.Length == 0:
		return size, 0, silent
	}
	names, ok := s.parser.claims(payload, f.Kind == FragmentFull)
	switch {
	case !ok || names == nowhere && s.span.Generation >= G3 && payload[0] == '*':
		return 0, 0, against
	case names == nowhere:
		return size, 0, silent
	case names.Segment != s.span.Segment:
		return 0, 0, against
	}
	if at = s.HeaderEnd(names.Offset); at == pos {
		return size, at, named
	}
	return size, at, elsewhere
}
