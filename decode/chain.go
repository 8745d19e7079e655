package decode

import "fmt"

// Lost is a range of a log that could not be read, and why.
type Lost struct { //nolint:errname // a range first of all, which is an error for who cannot go on
	Log      *Log
	From, To Position // From is the end of the last good record, To is where the next begins
	Err      error

	// Open says that nothing was found after it, in a log of which nothing tells the end: these may be bytes that never
	// were part of it.
	Open bool
}

// Error says which range was lost, and why.
func (l *Lost) Error() string {
	return fmt.Sprintf("%s: lost %v to %v (%d bytes): %v", l.Log, l.From, l.To, l.To.Offset-l.From.Offset, l.Err)
}

// Unwrap gives the damage.
func (l *Lost) Unwrap() error { return l.Err }

// Coverage says how the records lie in one span, as whoever scanned it found them.
type Coverage struct {
	Span

	First, Last int64 // begin of the first record, -1 if none begins in the span, and end of the last one
	HeadErr     error // damage in front of First, see Scanner.HeadError
	Err         error // damage after Last of which the end was not found in the span; nil if there is none
	Zeros       bool  // the span ends in zeros
	Torn        bool  // Err is the half record at the end of an open log
}

// Chain puts the spans of a log back together in their order. It checks that the first record of each
// begins where the last one before it ended: whatever lies between, if anything does, is damage, so that
// a wrong cut is never a silent loss. The zero value is ready.
type Chain struct {
	span  Span  // of the span before; its Log is nil at the start
	at    int64 // where the last record of its segment ended
	why   error // damage from at on, of which the end is still to be found
	zeros bool  // the span before ended in zeros
	torn  bool  // the log ended in half a record
}

// End is where the last record that was added ends, or the range that was lost after it.
func (c *Chain) End() Position { return c.position(c.at) }

// Damage is what is wrong after End, as long as it is not known where that ends; nil if nothing is.
func (c *Chain) Damage() error { return c.why }

// Torn reports whether the log ended in half a record.
func (c *Chain) Torn() bool { return c.torn }

// Segment reports whether the span before was of that segment.
func (c *Chain) Segment(log *Log, number uint32) bool {
	return c.span.Log == log && c.span.Segment == number
}

// Add puts the next coverage after the one before. lost is called for each range between them that no
// record accounts for: the end of the segment before, and what is in front of the first record. An error of
// lost is returned at once.
func (c *Chain) Add(p *Coverage, lost func(Lost) error) error {
	if !c.Segment(p.Log, p.Segment) {
		if err := c.Close(lost); err != nil {
			return err
		}
		c.at = p.Begin
	}
	c.span = p.Span
	if p.First < 0 {
		c.noRecord(p)
		return nil
	}
	if err := c.place(p, lost); err != nil {
		return err
	}
	c.at, c.why, c.zeros, c.torn = p.Last, nil, p.Zeros, p.Torn
	if p.Err != nil && !p.Torn && c.at < p.End {
		c.why = p.Err
	}
	return nil
}

// place looks at what lies between the last record and the first of the next span.
func (c *Chain) place(p *Coverage, lost func(Lost) error) error {
	switch {
	case p.First < c.at:
		return lost(Lost{Log: c.span.Log, From: c.position(p.First), To: c.position(c.at), Err: c.overlap(p.First)})
	case c.why == nil && follows(c.at, p.First):
		return nil
	}
	return lost(Lost{Log: c.span.Log, From: c.position(c.at), To: c.position(p.First), Err: c.firstDamage(p)})
}

// noRecord keeps what is wrong with a span in which no record begins: a long record may pass through it, and
// zeros may be all that is left.
func (c *Chain) noRecord(p *Coverage) {
	switch {
	case p.Zeros && p.HeadErr == nil:
		c.zeros = true
	case p.Torn:
		c.torn = c.why == nil
	case !c.torn && !c.reaches():
		c.why, c.zeros = c.firstDamage(p), false
	}
}

// firstDamage is the cause to name for the bytes between the last record and what the span begins with: that
// which comes first in the log, so that it does not depend on where the log was cut.
func (c *Chain) firstDamage(p *Coverage) error {
	switch {
	case c.why != nil:
		return c.why
	case c.zeros:
	case p.HeadErr != nil:
		return p.HeadErr
	case p.First < 0 && p.Err != nil:
		return p.Err
	}
	return c.orphan()
}

// Close ends the segment of the last span: lost is called if something is left of it that is neither a
// record nor zeros. It belongs before a hole in the log and after the last span.
func (c *Chain) Close(lost func(Lost) error) error {
	was := *c
	*c = Chain{}
	if was.Clean() {
		return nil
	}
	end := min(was.span.End, was.span.Limit)
	if was.why == nil {
		was.why = was.orphan()
	}
	return lost(Lost{Log: was.span.Log, From: was.position(was.at), To: was.position(end), Err: was.why, Open: was.span.Open})
}

// Clean reports whether nothing is left of the last span that is neither a record nor zeros, so that Close would lose nothing.
func (c *Chain) Clean() bool {
	return c.span.Log == nil || c.why == nil && (c.reaches() || c.zeros || c.torn)
}

// reaches reports whether the last record ends where the span does, or leaves no more than a trailer.
func (c *Chain) reaches() bool {
	end := min(c.span.End, c.span.Limit)
	return c.at >= end || follows(c.at, (end+BlockSize-1)&^(BlockSize-1))
}

// orphan is the damage of bytes that belong to no record: each span took its part of them for the zeros at the end
// of the data, or for the rest of a record of the span before.
func (c *Chain) orphan() error {
	err := fmt.Errorf("%w: the rest of a record whose beginning is not there", ErrBadSequence)
	if c.zeros {
		err = ErrZeros
	}
	return &CorruptError{Segment: c.span.Segment, Offset: headerAfter(c.at), Err: err}
}

func (c *Chain) overlap(first int64) error {
	return &CorruptError{
		Segment: c.span.Segment, Offset: first,
		Err: fmt.Errorf("%w: a record begins here, inside the one that ends at %d", ErrBadSequence, c.at),
	}
}

func (c *Chain) position(offset int64) Position {
	return Position{Segment: c.span.Segment, Offset: offset}
}

// follows reports whether a record that begins at begin is next to one that ended at end: at most the
// trailer of a block lies between.
func follows(end, begin int64) bool { return begin == end || begin == headerAfter(end) }

// headerAfter is where the header after a record that ended at end must be: in the next block, if there is no
// room for one in this.
func headerAfter(end int64) int64 {
	if left := -end & (BlockSize - 1); left < 8 {
		return end + left
	}
	return end
}
