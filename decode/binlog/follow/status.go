package follow

import (
	"fmt"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// LogStatus says how far a log has been read and how far it goes, as it is when it is asked for.
type LogStatus struct {
	ID        *decode.Log
	Dir       string
	Read      decode.Position  // up to here it was handed out
	Committed decode.Position  // up to here it goes
	Moved     time.Time        // when Committed was seen to move, or when the reading began
	Oldest    uint32           // of the segments that the server has not purged, 0 if there is none
	Segments  []folder.Segment // up to that of Committed, by number, those too that only a link holds any more
}

// Behind is how many bytes of files lie between a position and the end, and how many segments later than the one of the
// position there are. Archives count with the size that they have.
func (s *LogStatus) Behind(pos decode.Position) (bytes int64, segments int) {
	bytes = folder.SizeBetween(s.Segments, pos, s.Committed, func(s folder.Segment) int64 { return s.Size })
	i, ok := folder.Find(s.Segments, pos.Segment)
	if ok {
		i++
	}
	return bytes, len(s.Segments) - i
}

// publish tells where the log ends.
func (f *follower) publish(m folder.Manifest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.layout = m.Layout
	f.public.moveTo(m.Position, f.now())
}

func (s *LogStatus) moveTo(committed decode.Position, now time.Time) {
	if s.Committed != committed {
		s.Committed, s.Moved = committed, now
	}
}

// status looks at the manifest and the folder with eyes of its own: who reads the log may be waiting for somebody to take what
// he has read. A manifest that the files do not bear out says nothing.
func (f *follower) status() (LogStatus, error) {
	data, errManifest := folder.ReadManifest(f.manifest.path)
	list, err := folder.List(f.dir.Path)
	var oldest uint32
	if err == nil && len(list.Segments) > 0 {
		oldest = list.Segments[0].Number
	}
	if err == nil && f.dir.Links != nil {
		f.dir.Links.Merge(list)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if notThere(err) != nil {
		return f.public, fmt.Errorf("%s: %w", f.public.ID, err)
	}
	if err == nil {
		m, err := folder.ParseManifest(data, f.layout)
		if errManifest == nil && err == nil && m.Fits(list.Segments) {
			f.public.moveTo(m.Position, f.now())
		}
		f.public.Oldest = oldest
		f.public.Segments, _ = folder.Split(list.Segments, f.public.Committed.Segment)
	}
	s := f.public
	s.Segments = slices.Clone(s.Segments)
	return s, nil
}
