package evidence

import (
	"fmt"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Bound is where the records of a segment end, as far as that is known.
type Bound struct {
	Limit int64
	Final bool                  // limit is the end of the last record
	Open  bool                  // nothing tells where the log ends
	Cut   *decode.CutShortError // the file ends before its records do
}

// Bound finds the true end of a segment; the end of its file is not it. A live segment, and one whose server was
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
func (r *Reader) Bound(v *View, f *folder.File) (Bound, error) {
	b, err := r.boundOf(v, f)
	if err == nil && f.Damage() != nil && (b.Limit >= f.Size() || b.Cut != nil) {
		b = r.cutShort(f, b)
	}
	return b, err
}

func (r *Reader) boundOf(v *View, f *folder.File) (Bound, error) {
	n := f.Segment().Number
	if v.ManifestErr == nil && n == v.Manifest.Position.Segment {
		return r.boundByManifest(v, f)
	}
	if i, ok := folder.Find(v.Segments, n+1); ok && n+1 > n {
		b, err := r.boundByNext(v, f, v.Segments[i])
		if err == nil && f.Size() == 0 && b.Cut == nil && f.Segment().Compression == folder.Plain {
			b.Cut = &decode.CutShortError{
				Log: r.dir.ID, From: f.Segment().Start(), To: f.Segment().Start(),
				Cause: fmt.Errorf("no server leaves a segment empty, and write2file%d is there", n+1),
			}
		}
		return b, err
	}
	return Bound{Limit: f.Size(), Open: v.isNewest(n)}, nil
}

// isNewest reports whether a log without a manifest has nothing behind segment n.
func (v *View) isNewest(n uint32) bool {
	return v.ManifestErr != nil && (len(v.Segments) == 0 || n >= v.Segments[len(v.Segments)-1].Number)
}

// boundByManifest ends the newest segment at the manifest's position. A full sync of Pika before 3.0.10 may
// have left filler that is a little shorter than the position it stands for; in such a segment the manifest's
// offsets lag behind, and the position is not called final unless a record ends there.
func (r *Reader) boundByManifest(v *View, f *folder.File) (Bound, error) {
	at := v.Manifest.Position
	if at.Offset > f.Size() {
		return Bound{Limit: f.Size(), Cut: &decode.CutShortError{
			Log: r.dir.ID, From: decode.Position{Segment: at.Segment, Offset: f.Size()}, To: at,
			Cause: fmt.Errorf("the manifest names %v", at),
		}}, nil
	}
	b := Bound{Limit: at.Offset, Final: true}
	if o, err := r.Opening(v, f.Segment()); err != nil || !o.Filler {
		return b, err
	}
	e, err := r.Ending(f, r.Span(v, f), at.Offset)
	b.Final = e.Boundary
	return b, err
}

// boundByNext asks the segment behind. A record that names more than the file holds proves a cut only if the file's own
// last records are where they say they are: on a drifting replica it says nothing.
func (r *Reader) boundByNext(v *View, f *folder.File, next folder.Segment) (Bound, error) {
	b := Bound{Limit: f.Size()}
	o, err := r.Opening(v, next)
	if err != nil || !o.Found || !o.HasAt || o.Offset != 0 || o.At.Segment != f.Segment().Number || o.At.Offset < 0 {
		return b, err
	}
	if o.At.Offset == f.Size() {
		b.Final = true
		return b, nil
	}
	e, err := r.Ending(f, r.Span(v, f), min(o.At.Offset, f.Size()))
	if err == nil && e.Boundary && !e.Found && o.At.Offset < f.Size()+decode.BlockSize {
		// Filler and nothing else stands before it. It is what the first record of any log goes on from. Filler may be a little shorter
		// than the position it stands for.
		b.Limit, b.Final = min(o.At.Offset, f.Size()), true
		return b, nil
	}
	switch {
	case err != nil || !e.Own && f.Size() > 0: // an empty one is cut short wherever its records say that they stand
	case o.At.Offset > f.Size():
		b.Cut = &decode.CutShortError{
			Log: r.dir.ID, From: decode.Position{Segment: f.Segment().Number, Offset: f.Size()}, To: o.At,
			Cause: fmt.Errorf("write2file%d begins with a record that names %v", next.Number, o.At),
		}
	case e.Boundary:
		b.Limit, b.Final = o.At.Offset, true
	}
	return b, err
}

// cutShort ends a segment where its archive could not be unpacked any further.
func (r *Reader) cutShort(f *folder.File, b Bound) Bound {
	cut := &decode.CutShortError{
		Log: r.dir.ID, From: decode.Position{Segment: f.Segment().Number, Offset: f.Size()},
		To: decode.Position{Segment: f.Segment().Number}, Cause: f.Damage(),
	}
	if b.Cut != nil {
		cut.To = b.Cut.To
	}
	return Bound{Limit: f.Size(), Cut: cut}
}

// Span is the whole of a file, to be narrowed.
func (r *Reader) Span(v *View, f *folder.File) decode.Span {
	return decode.Span{
		Log: r.dir.ID, Segment: f.Segment().Number, Limit: f.Size(), End: f.Size(), Generation: r.SegmentGeneration(v, f.Segment()),
	}
}
