package follow

import (
	"fmt"
	"slices"

	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
)

// relist looks at the folder again, for a manifest that is believed. Unlike Log.Refresh it does not ask again what version
// wrote the log: the logic id in the manifest of a live server may be that of another record than its position.
func (f *follower) relist(m folder.Manifest) error {
	list, err := f.dir.List()
	if err != nil {
		return err
	}
	segments, _ := folder.Split(list.Segments, m.Position.Segment)
	f.log.Adopt(&evidence.View{Segments: segments, Manifest: m, Generation: f.log.Generation(), Before35: f.log.View().Before35})
	f.evidence.Reset()
	return nil
}

// grow takes over a manifest that has moved within the segment that is held.
func (f *follower) grow(m folder.Manifest) error {
	now, err := f.dir.Held().Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", f.log.ID(), err)
	}
	was := f.log.View()
	i, ok := folder.Find(was.Segments, f.dir.Held().Segment().Number)
	if !ok || m.Position.Segment != was.Manifest.Position.Segment {
		return f.relist(m)
	}
	v := *was
	v.Manifest, v.Segments = m, slices.Clone(was.Segments)
	v.Segments[i].Size = now.Size()
	f.log.Adopt(&v)
	return nil
}

// unwritten reports whether a manifest names bytes of a segment that has none.
func (f *follower) unwritten(m folder.Manifest) bool {
	segments := f.log.View().Segments
	i, ok := folder.Find(segments, m.Position.Segment)
	return ok && segments[i].Size == 0 && m.Position.Offset > 0
}
