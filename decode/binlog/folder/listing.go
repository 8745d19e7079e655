package folder

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"pikabin/decode"
)

// Compression says how a segment's file is packed. The smaller one is preferred when a folder holds
// a segment twice.
type Compression uint8

// The compressions, told apart by the end of the file's name.
const (
	Plain Compression = iota
	Zstd              // write2file12.zst
	Gzip              // write2file12.gz
)

// Segment is one file of a log.
type Segment struct {
	Number      uint32
	Path        string
	Compression Compression
	Size        int64 // of the file itself, so packed for an archive
}

// Start is the position of the segment's first byte.
func (s Segment) Start() decode.Position { return decode.Position{Segment: s.Number} }

// Listing is what one folder holds that matters here.
type Listing struct {
	Path        string
	Segments    []Segment // by number, each once
	Twice       []Segment // those passed over because another file holds the same segment
	HasManifest bool
	Below       []string // names of the DB and slot folders in it, links to such included
}

// IsLog reports whether the folder is that of one DB or slot.
func (l *Listing) IsLog() bool { return l.HasManifest || len(l.Segments) > 0 }

// List lists a folder. Names that mean nothing here (text logs, context, ...) are passed over, and so is a
// file that vanishes between the listing and the look at it: that is a purge.
func List(path string) (*Listing, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	l := &Listing{Path: path}
	for _, entry := range entries {
		if err := l.add(entry); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	l.Segments, l.Twice = Distinct(l.Segments)
	return l, nil
}

// add looks at one entry. Names that cannot matter are not looked at: the links of the text logs often lead nowhere.
// Those that matter are looked at through links, since operators put DBs on other disks that way.
func (l *Listing) add(entry fs.DirEntry) error {
	name := entry.Name()
	if !Matters(name) {
		return nil
	}
	if entry.IsDir() {
		l.Below = append(l.Below, name)
		return nil
	}
	number, compression, isSegment := ParseSegmentName(name)
	path := filepath.Join(l.Path, name)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		l.Below = append(l.Below, name)
	case !info.Mode().IsRegular():
	case name == decode.ManifestName:
		l.HasManifest = true
	case isSegment:
		l.Segments = append(l.Segments, Segment{Number: number, Path: path, Compression: compression, Size: info.Size()})
	}
	return nil
}

// Distinct sorts segments and parts them into the first of each number and the others.
func Distinct(segments []Segment) (kept, twice []Segment) {
	sortSegments(segments)
	kept = segments[:0]
	for _, s := range segments {
		if len(kept) > 0 && kept[len(kept)-1].Number == s.Number {
			twice = append(twice, s)
			continue
		}
		kept = append(kept, s)
	}
	return kept, twice
}

// Add puts a segment into its place, unless one of its number is there.
func (l *Listing) Add(s Segment) {
	if i, ok := Find(l.Segments, s.Number); !ok {
		l.Segments = slices.Insert(l.Segments, i, s)
	}
}

// sortSegments puts segments in the order of their numbers.
func sortSegments(segments []Segment) {
	slices.SortFunc(segments, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Compression, b.Compression))
	})
}

// Find looks a number up in a sorted list. The index is that of the first segment not below it.
func Find(segments []Segment, number uint32) (int, bool) {
	return slices.BinarySearchFunc(segments, number, func(s Segment, n uint32) int { return cmp.Compare(s.Number, n) })
}

// Split parts the segments that a manifest admits from those above it.
func Split(segments []Segment, newest uint32) (good, above []Segment) {
	i, ok := Find(segments, newest)
	if ok {
		i++
	}
	return segments[:i:i], segments[i:]
}

// SizeBetween adds up what of the segments lies between two positions. How long the last one is its position says, whatever its file
// is like: it may be gone, or not as long.
func SizeBetween(segments []Segment, from, until decode.Position, size func(Segment) int64) int64 {
	var sum int64
	segments, _ = Split(segments, until.Segment)
	if n := len(segments); until.Offset > 0 && (n == 0 || segments[n-1].Number != until.Segment) {
		segments = append(segments, Segment{Number: until.Segment, Size: until.Offset})
	}
	for _, s := range segments {
		if s.Number < from.Segment || !s.Start().Before(until) {
			continue
		}
		end := size(s)
		if s.Number == until.Segment && s.Compression == Plain {
			end = until.Offset
		}
		if s.Number == from.Segment {
			end -= min(from.Offset, end)
		}
		sum += end
	}
	return sum
}
