package binlog

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pikabin/decode"
)

const (
	segmentPrefix = "write2file"
	manifestName  = "manifest"
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
	Size        int64 // of the file as it lies there, so packed for an archive
}

// start is the position of the segment's first byte.
func (s Segment) start() decode.Position { return decode.Position{Segment: s.Number} }

// parseSegmentName takes the number out of "write2file12", "write2file12.zst" or "write2file12.gz". Pika prints the
// number without padding, so other spellings of it are somebody else's files.
func parseSegmentName(name string) (number uint32, c Compression, ok bool) {
	digits, ok := strings.CutPrefix(name, segmentPrefix)
	if !ok {
		return 0, Plain, false
	}
	if rest, ok := strings.CutSuffix(digits, ".zst"); ok {
		digits, c = rest, Zstd
	} else if rest, ok := strings.CutSuffix(digits, ".gz"); ok {
		digits, c = rest, Gzip
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, Plain, false
	}
	return uint32(n), c, true
}

// folder is what one folder holds that matters here.
type folder struct {
	path     string
	segments []Segment // by number, each once
	twice    []Segment // those passed over because another file holds the same segment
	manifest bool
	below    []string // names of the DB and slot folders in it, links to such included
}

// isLog reports whether the folder is that of one DB or slot.
func (f *folder) isLog() bool { return f.manifest || len(f.segments) > 0 }

// readFolder lists a folder. Names that mean nothing here (text logs, context, ...) are passed over, and so is a
// file that vanishes between the listing and the look at it: that is a purge.
func readFolder(path string) (*folder, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path}
	for _, entry := range entries {
		if err := f.add(entry); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	f.dropTwins()
	return f, nil
}

// add looks at one entry. Names that cannot matter are not looked at: the links of the text logs often lead nowhere.
// What does matter is looked at through links, since operators put DBs on other disks that way.
func (f *folder) add(entry fs.DirEntry) error {
	name := entry.Name()
	number, compression, isSegment := parseSegmentName(name)
	_, isSlot := slotNumber(name)
	if !isSegment && !isSlot && name != manifestName && !isDBFolder(name) {
		return nil
	}
	path := filepath.Join(f.path, name)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		f.below = append(f.below, name)
	case !info.Mode().IsRegular():
	case name == manifestName:
		f.manifest = true
	case isSegment:
		f.segments = append(f.segments, Segment{Number: number, Path: path, Compression: compression, Size: info.Size()})
	}
	return nil
}

// dropTwins sorts the segments and keeps the first of those with the same number.
func (f *folder) dropTwins() {
	f.sort()
	kept := f.segments[:0]
	for _, s := range f.segments {
		if len(kept) > 0 && kept[len(kept)-1].Number == s.Number {
			f.twice = append(f.twice, s)
			continue
		}
		kept = append(kept, s)
	}
	f.segments = kept
}

// sort puts the segments in the order of their numbers.
func (f *folder) sort() {
	slices.SortFunc(f.segments, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Compression, b.Compression))
	})
}

// findSegment looks a number up in a sorted list. The index is that of the first segment not below it.
func findSegment(segments []Segment, number uint32) (int, bool) {
	return slices.BinarySearchFunc(segments, number, func(s Segment, n uint32) int { return cmp.Compare(s.Number, n) })
}
