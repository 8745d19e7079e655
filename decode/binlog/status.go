package binlog

import (
	"fmt"
	"slices"
	"time"

	"pikabin/decode"
)

// LogStatus says how far a log has been read and how far it goes, as it is when it is asked for.
type LogStatus struct {
	ID        *decode.Log
	Dir       string
	Read      decode.Position // up to here it was handed out
	Committed decode.Position // up to here it goes
	Moved     time.Time       // when Committed was seen to move, or when the reading began
	Oldest    uint32          // of the segments that the server has not purged, 0 if there is none
	Segments  []Segment       // up to that of Committed, by number, those too that only a link holds any more
}

// Behind is how many bytes of files lie between a position and the end, and how many segments later than the one of the
// position there are. Archives count with the size that they have.
func (s *LogStatus) Behind(pos decode.Position) (bytes int64, segments int) {
	bytes = sizeBetween(s.Segments, pos, s.Committed, func(s Segment) int64 { return s.Size })
	i, ok := findSegment(s.Segments, pos.Segment)
	if ok {
		i++
	}
	return bytes, len(s.Segments) - i
}

// sizeBetween adds up what of the segments lies between two positions.
func sizeBetween(segments []Segment, from, until decode.Position, size func(Segment) int64) int64 {
	var sum int64
	for _, s := range segments {
		if s.Number < from.Segment || !s.start().Before(until) {
			continue
		}
		end := size(s)
		if s.Number == until.Segment {
			end = min(end, until.Offset)
		}
		if s.Number == from.Segment {
			end -= min(from.Offset, end)
		}
		sum += end
	}
	return sum
}

// SizeBetween is how many bytes of files lie between two positions; 0 if that is not known, because some
// of them are archives.
func (l *Log) SizeBetween(from, until decode.Position) int64 {
	known := true
	sum := sizeBetween(l.segments, from, until, func(s Segment) int64 {
		known = known && s.Compression == Plain
		return s.Size
	})
	if !known {
		return 0
	}
	return sum
}

// publish tells where the log ends.
func (f *follower) publish(m Manifest) {
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
	data, errManifest := readManifest(f.manifest.path)
	folder, err := readFolder(f.dir)
	var oldest uint32
	if err == nil && len(folder.segments) > 0 {
		oldest = folder.segments[0].Number
	}
	if err == nil && f.log.pinned != nil {
		f.log.pinned.merge(folder)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if notThere(err) != nil {
		return f.public, fmt.Errorf("%s: %w", f.public.ID, err)
	}
	if err == nil {
		m, err := ParseManifest(data, f.layout)
		if errManifest == nil && err == nil && m.fits(folder.segments) {
			f.public.moveTo(m.Position, f.now())
		}
		f.public.Oldest = oldest
		f.public.Segments, _ = splitStale(folder.segments, f.public.Committed.Segment)
	}
	s := f.public
	s.Segments = slices.Clone(s.Segments)
	return s, nil
}
