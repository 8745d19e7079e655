package binlog

import (
	"fmt"

	"pikabin/decode"
)

// bound is where the records of a segment end, as far as that is known.
type bound struct {
	limit int64
	final bool           // limit is the end of the last record
	open  bool           // nothing tells where the log ends
	cut   *CutShortError // the file ends before its records do
}

// bound finds the true end of a segment; the end of its file is not it. A live segment, and one whose server was
// killed, ends in preallocated zeros or in stale bytes that can look like anything, whole records included, and
// either may survive in a finished segment too. Who knows better is,
//
//   - for the newest segment, the manifest;
//   - for a finished one, the first record of the segment behind it: on a master, and on any server since
//     3.5.2, its item names the end of the log as it was just before, so this segment and its end. Before that a
//     replica copied its master's positions, which can drift away from its own. So the end is believed only when a
//     record ends exactly there and the records before it stand where their own items say they do.
//
// Where nobody knows, the limit is the size of the file and the records end there or in zeros.
func (l *Log) bound(f *File) (bound, error) {
	b, err := l.boundOf(f)
	if err == nil && f.damage != nil && (b.limit >= f.size || b.cut != nil) {
		b = l.cutShort(f, b)
	}
	return b, err
}

func (l *Log) boundOf(f *File) (bound, error) {
	n := f.segment.Number
	if l.manifestErr == nil && n == l.manifest.Position.Segment {
		return l.boundByManifest(f)
	}
	if i, ok := findSegment(l.around, n+1); ok && n+1 > n {
		b, err := l.boundByNext(f, l.around[i])
		if err == nil && f.size == 0 && b.cut == nil && f.segment.Compression == Plain {
			b.cut = &CutShortError{
				Log: l.id, From: f.segment.start(), To: f.segment.start(),
				Cause: fmt.Errorf("no server leaves a segment empty, and write2file%d is there", n+1),
			}
		}
		return b, err
	}
	return bound{limit: f.size, open: l.isNewest(n)}, nil
}

// isNewest reports whether a log without a manifest has nothing behind segment n.
func (l *Log) isNewest(n uint32) bool {
	return l.manifestErr != nil && (len(l.around) == 0 || n >= l.around[len(l.around)-1].Number)
}

// boundByManifest ends the newest segment at the manifest's position. A full sync of Pika before 3.0.10 may
// have left filler that is a little shorter than the position it stands for; in such a segment the manifest's
// offsets lag behind, and the position is not called final unless a record ends there.
func (l *Log) boundByManifest(f *File) (bound, error) {
	at := l.manifest.Position
	if at.Offset > f.size {
		return bound{limit: f.size, cut: &CutShortError{
			Log: l.id, From: decode.Position{Segment: at.Segment, Offset: f.size}, To: at,
			Cause: fmt.Errorf("the manifest names %v", at),
		}}, nil
	}
	b := bound{limit: at.Offset, final: true}
	if o, err := l.opening(f.segment); err != nil || !o.filler {
		return b, err
	}
	e, err := l.probe.readEnding(f, l.span(f), at.Offset)
	b.final = e.boundary
	return b, err
}

// boundByNext asks the segment behind. A record that names more than the file holds proves a cut only if the file's own
// last records are where they say they are: on a drifting replica it says nothing.
func (l *Log) boundByNext(f *File, next Segment) (bound, error) {
	b := bound{limit: f.size}
	o, err := l.opening(next)
	if err != nil || !o.found || !o.hasAt || o.offset != 0 || o.at.Segment != f.segment.Number || o.at.Offset < 0 {
		return b, err
	}
	if o.at.Offset == f.size {
		b.final = true
		return b, nil
	}
	e, err := l.probe.readEnding(f, l.span(f), min(o.at.Offset, f.size))
	if err == nil && e.boundary && !e.found && o.at.Offset < f.size+decode.BlockSize {
		// Filler and nothing else stands before it. It is what the first record of any log goes on from. Filler may be a little shorter
		// than the position it stands for.
		b.limit, b.final = min(o.at.Offset, f.size), true
		return b, nil
	}
	switch {
	case err != nil || !e.own && f.size > 0: // an empty one is cut short wherever its records say that they stand
	case o.at.Offset > f.size:
		b.cut = &CutShortError{
			Log: l.id, From: decode.Position{Segment: f.segment.Number, Offset: f.size}, To: o.at,
			Cause: fmt.Errorf("write2file%d begins with a record that names %v", next.Number, o.at),
		}
	case e.boundary:
		b.limit, b.final = o.at.Offset, true
	}
	return b, err
}

// cutShort ends a segment where its archive could not be unpacked any further.
func (l *Log) cutShort(f *File, b bound) bound {
	cut := &CutShortError{
		Log: l.id, From: decode.Position{Segment: f.segment.Number, Offset: f.size},
		To: decode.Position{Segment: f.segment.Number}, Cause: f.damage,
	}
	if b.cut != nil {
		cut.To = b.cut.To
	}
	return bound{limit: f.size, cut: cut}
}

// span is the whole of a file, to be narrowed.
func (l *Log) span(f *File) decode.Span {
	return decode.Span{
		Log: l.id, Segment: f.segment.Number, Limit: f.size, End: f.size, Generation: l.segmentGeneration(f.segment),
	}
}
