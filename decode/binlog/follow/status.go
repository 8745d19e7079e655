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
	Unpurged  []uint32         // the numbers of the segments that the server has not purged
	Segments  []folder.Segment // up to that of Committed, by number, those too that only a link holds any more

	// Trouble is what keeps the log from being read now, nil if nothing does. It is tried again.
	Trouble      error
	TroubleSince time.Time
}

// Older is how many segments before that of a position the server has not purged; below 0 the position's own segment has gone.
func (s *LogStatus) Older(pos decode.Position) int64 {
	if len(s.Unpurged) > 0 && pos.Segment < s.Unpurged[0] {
		return int64(pos.Segment) - int64(s.Unpurged[0])
	}
	i, _ := slices.BinarySearch(s.Unpurged, pos.Segment)
	return int64(i)
}

func numbers(segments []folder.Segment) []uint32 {
	list := make([]uint32, len(segments))
	for i, s := range segments {
		list[i] = s.Number
	}
	return list
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
// he has read. A manifest that the files do not bear out says nothing, unless it stays so.
func (f *follower) status() (LogStatus, error) {
	data, errManifest := folder.ReadManifest(f.manifest.Path)
	list, err := folder.List(f.dir.Path)
	var unpurged []uint32
	if err == nil {
		unpurged = numbers(list.Segments)
	}
	if err == nil && f.dir.Links != nil {
		f.dir.Links.Merge(list)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.public.Trouble, f.public.TroubleSince = f.trouble.State()
	if notThere(err) != nil {
		return f.public, fmt.Errorf("%s: %w", f.public.ID, err)
	}
	if err == nil {
		m, err := folder.ParseManifest(data, f.layout)
		if errManifest == nil && err == nil && (m.Fits(list.Segments) || f.grows(m, list) || f.statusRest.reached([folder.ManifestSize]byte(data), list.Segments, f.now())) {
			f.public.moveTo(m.Position, f.now())
		}
		f.public.Unpurged = unpurged
		f.public.Segments, _ = folder.Split(list.Segments, f.public.Committed.Segment)
	}
	s := f.public
	s.Segments = slices.Clone(s.Segments)
	return s, nil
}

// grows reports whether a manifest names a later place in the segment that it has named before, and whose file has lost its name.
func (f *follower) grows(m folder.Manifest, list *folder.Listing) bool {
	_, there := folder.Find(list.Segments, m.Position.Segment)
	return !there && m.Position.Segment == f.public.Committed.Segment && f.public.Committed.Before(m.Position)
}
