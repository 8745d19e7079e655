package replica

import (
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/image"
)

// part is what was received of a segment and not handed out yet, or what is missing.
type part struct {
	im       *image.Image
	segment  uint32
	from, to int64
	marks    []int64 // ends of records at which to cut
	hole     decode.Hole
}

// show hands out what was received.
func (f *follower) show() {
	if f.im == nil || f.shown < 0 || f.imSegment != f.place.Segment || f.shown == f.place.Offset {
		return
	}
	_ = f.ends.Read(f.im, f.record, f.place.Offset) // if that fails the place is known by its position alone
	f.ended = true
	at := f.place.Position
	f.reached.Store(&at)
	f.moved.Store(time.Now().UnixNano())
	f.mu.Lock()
	p := f.parts[len(f.parts)-1]
	if p.to = f.place.Offset; p.to-markOf(p) >= chunkSize {
		p.marks = append(p.marks, p.to)
	}
	f.im.Show()
	f.mu.Unlock()
	f.shown = f.place.Offset
	f.notify()
}

// markOf is up to where a part has marks.
func markOf(p *part) int64 {
	if n := len(p.marks); n > 0 {
		return p.marks[n-1]
	}
	return p.from
}

// next gives the next chunk; ok is false where there is none now, and then done says that none comes any more, with the error that
// ended the log. All of it is seen at one moment: between two looks the last records may come, and the end after them.
func (f *follower) next() (chunk decode.Chunk, ok, done bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if chunk, ok = f.cut(); ok {
		return chunk, true, false, nil
	}
	return chunk, false, f.done, f.err
}

// cut takes the next chunk of what was received, under mu.
func (f *follower) cut() (chunk decode.Chunk, ok bool) {
	for len(f.parts) > 0 {
		p := f.parts[0]
		switch {
		case p.hole != nil:
			f.parts = f.parts[1:]
			return decode.Missing(p.hole), true
		case p.from < p.to:
			return f.chunk(p), true
		case len(f.parts) == 1:
			return chunk, false
		}
		p.im.Close()
		f.parts = f.parts[1:]
	}
	return chunk, false
}

// chunk is the next one of a part.
func (f *follower) chunk(p *part) decode.Chunk {
	from, to := p.from, p.to
	if len(p.marks) > 0 {
		to, p.marks = p.marks[0], p.marks[1:]
	}
	p.from = to
	blocks, release := p.im.View(from, to, to == p.to)
	v := f.server.Version()
	return decode.Chunk{Blocks: blocks, Release: release, Span: decode.Span{
		Log: f.log.id, Segment: p.segment, Begin: from, End: to, Limit: to, Final: true, Exact: true, Rebuilt: true,
		Generation: v.Generation, Before35: v.Before35, Fixed: f.server.Options.Generation != decode.GenerationUnknown,
	}}
}

// close lets go of what was not handed out.
func (f *follower) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.parts {
		if p.im != nil {
			p.im.Close()
		}
	}
	f.parts = nil
}
