package follow

import (
	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// doubt is a segment that seemed not to be written yet.
type doubt struct {
	pending  bool
	segment  uint32
	manifest [folder.ManifestSize]byte // the last one since then
	changes  int                       // how often it has changed
}

// mixed reports whether no record ends at a manifest's position: a full sync or a truncation has stored one of its fields. When
// the manifest has changed and still none does, it is damage.
func (f *follower) mixed(at decode.Position) (bool, error) {
	i, ok := folder.Find(f.log.View().Segments, at.Segment)
	if !ok || !f.begun {
		return false, nil
	}
	if ends, err := f.endsRecord(f.log.View().Segments[i], at.Offset); err != nil || ends {
		return false, err
	}
	return f.mayChange(at.Segment)
}

// written reports whether a segment that is entered has a beginning, or whether the server may be about to write it: then it
// is half a piece of filler or nothing yet, of a full sync whose position the manifest does not have or has in part.
func (f *follower) written(number uint32) (bool, error) {
	i, ok := folder.Find(f.log.View().Segments, number)
	if !ok || !f.begun {
		return true, nil
	}
	o, err := f.evidence.Opening(f.log.View(), f.log.View().Segments[i])
	if err != nil || o.Found && !o.Filler {
		return true, err
	}
	if o.Filler {
		if filled, err := f.filled(f.log.View().Segments[i]); err != nil || filled {
			return true, err
		}
	}
	if at := f.log.View().Manifest.Position; at.Segment == number {
		if ends, err := f.endsRecord(f.log.View().Segments[i], at.Offset); err != nil || ends {
			return true, err
		}
	}
	wait, err := f.mayChange(number)
	return !wait, err
}

// filled reports whether the filler that a segment begins with may reach to the end that the next one names: a full sync writes it bit
// by bit, in place of a segment whose successors are still there.
func (f *follower) filled(s folder.Segment) (bool, error) {
	if s.Number == f.log.View().Manifest.Position.Segment {
		return true, nil
	}
	file, err := f.dir.OpenPlain(s)
	if err != nil {
		return true, err
	}
	defer file.Close()
	b, err := f.evidence.Bound(f.log.View(), file)
	if err != nil || b.Cut != nil || !b.Final {
		return true, err
	}
	e, err := f.evidence.Ending(file, f.evidence.Span(f.log.View(), file), b.Limit)
	return e.Boundary, err
}

// manifestStores is in how many stores a server changes the manifest: segment, offset, logic id and term.
const manifestStores = 4

// mayChange reports whether to wait for the manifest to change. When it has changed more often than a server changes it for one full sync, and the
// segment is as it was, then the server has other things to do than to write its beginning: it is damage.
func (f *follower) mayChange(number uint32) (bool, error) {
	data, err := f.manifest.Read()
	if err != nil {
		return true, f.unread(err)
	}
	now := [folder.ManifestSize]byte(data)
	if !f.doubt.pending || f.doubt.segment != number {
		f.doubt = doubt{pending: true, segment: number, manifest: now}
		return true, nil
	}
	if f.doubt.manifest != now {
		f.doubt.manifest = now
		f.doubt.changes++
	}
	return f.doubt.changes <= manifestStores, nil
}
