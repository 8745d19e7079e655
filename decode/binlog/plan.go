package binlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"pikabin/decode"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
)

const (
	defaultChunkSize = 1 << 19
	defaultAhead     = 2
)

// PlanOptions tune a Plan. The zero value is the default.
type PlanOptions struct {
	ChunkSize int64 // of the spans, rounded up to whole blocks; 0: 512 KiB
	Ahead     int   // how many archives are unpacked ahead of the one being read; 0: 2, negative: none

	// Before is what is missing before the plan, which comes out of Next first; nil if nothing is.
	Before decode.Hole

	// Stop, if set, ends the plan when it is closed.
	Stop <-chan struct{}

	// Inside says that a record may begin before the start position and end after it.
	Inside bool

	// Entered, if set, is called with each segment that was opened. Its error is that of Next, and the plan stays where it is.
	Entered func(*folder.File) error
}

// Plan gives the chunks of a log in log order. It belongs to one goroutine; the chunks may be worked on anywhere, and
// each keeps its segment open until its Release, also when the plan is closed before.
type Plan struct {
	log        *Log
	options    PlanOptions
	pos, until decode.Position
	last       decode.Position // the end of what was given, where a gap begins
	passed     decode.Position // the end of a copy that was passed over after that
	missing    decode.Hole     // comes before anything else; nil: nothing is missing
	err        error           // of the start position
	ahead      prefetcher
	current    *reading
}

// reading is the segment that chunks are being cut from.
type reading struct {
	file  *folder.File
	bound evidence.Bound
	end   int64 // of the records wanted
	begin int64
}

// Chunks plans the records that begin at from or later and before until. from is Log.Start, or the end of a record; an
// until after what is committed means that. Chunks are cut at multiples of the chunk size from the start of each
// segment, so that they do not depend on who works on them.
func (l *Log) Chunks(from, until decode.Position, options PlanOptions) *Plan {
	options.ChunkSize = (cmp.Or(options.ChunkSize, defaultChunkSize) + decode.BlockSize - 1) &^ (decode.BlockSize - 1)
	options.Ahead = cmp.Or(options.Ahead, defaultAhead)
	p := &Plan{log: l, options: options, pos: from, until: until, last: from, missing: options.Before}
	if committed := l.Committed(); committed.Before(until) {
		p.until = committed
	}
	if committed := l.Committed(); committed.Before(from) {
		p.err = &decode.BeyondError{Log: l.ID(), Want: from, End: committed}
	}
	p.ahead = prefetcher{log: l, stop: options.Stop, pending: map[uint32]*unpacking{}}
	return p
}

// Next gives the next chunk, or io.EOF after the last one. What is missing comes in its place: missing segments as
// *decode.GapError, a segment that was or is purged as *decode.PurgedError, one whose file or archive ends too early as
// *decode.CutShortError after its chunks, and one at which another history begins as *decode.RewrittenError. A
// *decode.BeyondError comes again at each call, since there is nothing to continue with. After another error the plan continues
// where it was.
func (p *Plan) Next(ctx context.Context) (decode.Chunk, error) {
	for p.missing == nil {
		switch {
		case p.err != nil:
			return decode.Chunk{}, p.err
		case p.stopped(), p.current == nil && !p.pos.Before(p.until):
			return decode.Chunk{}, io.EOF
		}
		if chunk, ok := p.cut(); ok {
			return chunk, nil
		}
		if err := p.move(ctx); err != nil {
			return decode.Chunk{}, err
		}
	}
	hole := p.missing
	p.missing = nil
	return decode.Missing(hole), nil
}

// move comes to the beginning of a segment, or to its end. What is missing there comes out of Next first.
func (p *Plan) move(ctx context.Context) error {
	if p.current == nil {
		return p.enter(ctx)
	}
	return p.leave()
}

func (p *Plan) stopped() bool {
	select {
	case <-p.options.Stop:
		return true
	default:
		return false
	}
}

// Until is where the plan ends.
func (p *Plan) Until() decode.Position { return p.until }

// Within is the segment that chunks are being cut from, nil between two. end is that of the records wanted in it; cut: its file
// ends before them.
func (p *Plan) Within() (f *folder.File, end int64, cut bool) {
	if p.current == nil {
		return nil, 0, false
	}
	return p.current.file, p.current.end, p.current.bound.Cut != nil
}

// Close lets go of the plan's files and waits for archives that are being unpacked.
func (p *Plan) Close() error {
	err := p.ahead.close()
	if p.current != nil {
		err = errors.Join(err, p.current.file.Release())
		p.current = nil
	}
	p.pos = p.until
	return err
}

// enter opens the segment that pos is in, and has the archives after it unpacked meanwhile.
func (p *Plan) enter(ctx context.Context) error {
	i, ok := folder.Find(p.log.segments, p.pos.Segment)
	if !ok {
		p.missing = p.gap(i)
		return nil
	}
	segment := p.log.segments[i]
	// This one is among those that are started, so that the next ones do not wait for it.
	for j := i; j < len(p.log.segments) && j <= i+p.options.Ahead; j++ {
		if p.log.segments[j].Start().Before(p.until) {
			p.ahead.start(ctx, p.log.segments[j])
		}
	}
	file, err := p.ahead.take(ctx, segment)
	if err != nil {
		return p.vanished(err)
	}
	if err := p.begin(file); err != nil || p.current == nil {
		return errors.Join(err, file.Release())
	}
	return nil
}

// begin makes an opened segment the current one, unless something is missing before its first record. The one before it, if that is held, can still
// be asked meanwhile: it may have lost its name.
func (p *Plan) begin(file *folder.File) error {
	before := p.log.dir.Held()
	if before == nil || before.Segment().Number == file.Segment().Number {
		return p.judge(file)
	}
	before.Retain()
	err := p.log.dir.With(before, func() error { return p.judge(file) })
	return errors.Join(err, before.Release())
}

// judge finds out what the segment is, and how far it goes.
func (p *Plan) judge(file *folder.File) error {
	if p.options.Entered != nil {
		if err := p.options.Entered(file); err != nil {
			return err
		}
	}
	o, err := p.log.opening(file.Segment())
	if err != nil {
		return p.vanished(err)
	}
	if p.missing, err = p.before(file, &o); err != nil || p.missing != nil {
		return err
	}
	b, err := p.log.bound(file)
	if err != nil {
		return p.vanished(err)
	}
	if p.pos.Offset > b.Limit && b.Cut == nil {
		end := decode.Position{Segment: p.pos.Segment, Offset: b.Limit}
		p.err = &decode.BeyondError{Log: p.log.ID(), Want: p.pos, End: end}
		return p.err
	}
	p.current = p.reading(file, b)
	return nil
}

// before is what is missing where the segment begins: it is a copy of another one, or of another history than the one before it.
func (p *Plan) before(file *folder.File, o *evidence.Opening) (decode.Hole, error) {
	holds, misplaced, err := p.log.evidence.Misplaced(p.log.view, file)
	switch {
	case err != nil:
		return nil, err
	case misplaced:
		return p.passOver(holds), nil
	case p.pos.Segment <= p.last.Segment:
		return nil, nil
	}
	begins, err := p.begins(file.Segment(), o)
	if err != nil || !begins {
		return nil, err
	}
	return p.broken(o), nil
}

// reading is the current segment from pos on.
func (p *Plan) reading(file *folder.File, b evidence.Bound) *reading {
	r := &reading{file: file, bound: b, end: b.Limit, begin: p.pos.Offset}
	if p.options.Inside {
		r.begin, p.options.Inside = -1, false // no chunk of it is Exact
	}
	if p.until.Segment == p.pos.Segment {
		r.end = min(b.Limit, p.until.Offset)
	}
	return r
}

// cut gives the next chunk of the current segment. Only its first one is Exact: the others begin at a block that the
// rest of a record may be in, which the worker of the chunk before reads on to.
func (p *Plan) cut() (decode.Chunk, bool) {
	c := p.current
	if c == nil || p.pos.Offset >= c.end {
		return decode.Chunk{}, false
	}
	begin := p.pos.Offset
	end := min(c.end, begin-begin%p.options.ChunkSize+p.options.ChunkSize)
	p.pos.Offset = end
	file := c.file.Retain()
	return decode.Chunk{Blocks: file, Release: func() { _ = file.Close() }, Span: decode.Span{
		Log: p.log.ID(), Segment: p.pos.Segment, Begin: begin, End: end,
		Limit: c.bound.Limit, Final: c.bound.Final, Open: c.bound.Open, Exact: begin == c.begin,
		Generation: p.log.evidence.SegmentGeneration(p.log.view, c.file.Segment()), Before35: p.log.view.Before35, Fixed: p.log.options.Generation != decode.GenerationUnknown,
	}}, true
}

// leave ends the current segment, and says what is missing of it.
func (p *Plan) leave() error {
	c := p.current
	p.current = nil
	n := p.pos.Segment
	end, err := p.endOf(c)
	if err != nil {
		return errors.Join(err, c.file.Release())
	}
	p.last = decode.Position{Segment: n, Offset: end}
	p.pos = decode.Position{Segment: n + 1}
	// The highest number has no next one; and where the plan ends in this segment it must not look at the next.
	if n+1 < n || n == p.until.Segment {
		p.pos = p.until
	}
	if cut := c.bound.Cut; cut != nil && cut.From.Before(p.until) {
		cut.Next = p.pos
		if p.pos.Offset == math.MaxInt64 {
			cut.Next = cut.From // how far the log goes is not known
		}
		p.missing = cut
	}
	return c.file.Release()
}

// endOf is where the records of a segment end. If nothing tells it what is missing after them begins there, and not at the end of a
// file that has zeros past them, nor where the plan began among these.
func (p *Plan) endOf(c *reading) (int64, error) {
	if c.bound.Final || c.bound.Cut != nil || c.end < c.bound.Limit {
		return c.end, nil //nolint:nilerr // a cut is told with the segment
	}
	return p.log.evidence.DataEnd(c.file, p.log.evidence.Span(p.log.view, c.file))
}

// gap goes over the missing segments from pos to the one at index i, or to the end. At the very start it is the
// position itself that is gone.
func (p *Plan) gap(i int) decode.Hole {
	segments := p.log.segments
	to := p.until
	if i < len(segments) && segments[i].Start().Before(to) {
		to = segments[i].Start()
	}
	from, first := p.last, p.pos.Segment
	if from.Before(p.passed) {
		from = p.passed
	}
	p.pos, p.last = to, to
	if from.Segment == first && from != p.log.Start() {
		return &decode.PurgedError{Log: p.log.ID(), Want: from, Oldest: to}
	}
	last := to.Segment
	if _, ok := folder.Find(segments, last); (ok || to.Offset == 0) && last > first {
		last--
	}
	return &decode.GapError{Log: p.log.ID(), From: from, To: to, First: first, Last: last}
}

// begins reports whether another history begins with a segment. What a client's PADDING has left takes a number of its own; what a
// full sync leaves takes none.
func (p *Plan) begins(s folder.Segment, o *evidence.Opening) (bool, error) {
	if !o.Filler || o.Fresh {
		return p.log.evidence.Begins(p.log.view, s)
	}
	padded, err := p.log.evidence.Padded(p.log.view, s, o)
	return !padded, err
}

// broken is the start of a segment at which a full sync has replaced the history: the segments before it are older ones of
// the replica's own, and what lies between is in none of them.
func (p *Plan) broken(o *evidence.Opening) decode.Hole {
	reason := fmt.Sprintf("write2file%d begins with a record that continues from %v", p.pos.Segment, p.pos)
	if o.Filler {
		reason = fmt.Sprintf("write2file%d begins with the filler that a full sync leaves", p.pos.Segment)
	}
	e := &decode.RewrittenError{Log: p.log.ID(), From: p.last, To: p.pos, Reason: reason}
	p.last = p.pos
	return e
}

// passOver leaves out a segment that is a copy of another one. What belongs there is missing.
func (p *Plan) passOver(holds uint32) decode.Hole {
	e := &decode.MisplacedError{Log: p.log.ID(), From: p.pos, To: p.until, Holds: holds}
	if n := p.pos.Segment; n != p.until.Segment {
		e.To = decode.Position{Segment: n + 1}
	}
	p.pos, p.passed = e.To, e.To
	return e
}

// vanished goes over segments that were purged since the log was listed. Any other error stays one.
func (p *Plan) vanished(err error) error {
	var purged *decode.PurgedError
	if !errors.As(err, &purged) {
		return err
	}
	e := &decode.PurgedError{Log: p.log.ID(), Want: p.pos, Oldest: purged.Oldest}
	if !e.Oldest.Before(p.until) || !p.pos.Before(e.Oldest) {
		e.Oldest = p.until
	}
	p.pos, p.last, p.missing = e.Oldest, e.Oldest, e
	return nil
}
