package damaged

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"pikabin/decode"
)

// Log is a log that was written whole and damaged afterwards.
type Log struct {
	Generation decode.Generation
	Newest     uint32   // the segment that the manifest names
	Records    []Record // all that is committed, in order
	History    []string // what was done to it, for the message of a test that fails

	files    map[uint32][]byte
	manifest []byte
	bad      map[uint32]ranges // the bytes that are not as they were written
	gone     map[uint32]bool   // segments that hold nothing of their own any more
	stale    map[uint32]bool   // segments with whole records past their end
	veiled   map[uint32]bool   // segments whose end nobody names any more
	unnamed  map[uint32]bool   // those of which only a logic id tells the end
	filler   map[uint32]int64  // the ends of what full syncs have left
	copied   bool              // the records name the positions of another log
	archives map[uint32]string // how segments are compressed, by the extension of their names

	plausible map[uint32]ranges // what has been put there, or moved, may be whole
}

// Record is a committed record.
type Record struct {
	Segment     uint32
	Offset, End int64
	Key, Value  string
	Damaged     bool // some of its bytes are not as they were written
	Near        bool // it has bytes in a block of which some are damaged, so that it may be lost
	Elsewhere   bool // what is in its place may be whole, or it may have come out at another place

	prev decode.Position // what the manifest named before it
	puts uint64          // what the manifest counted after it
}

// Change is what a reader has found.
type Change struct {
	Segment     uint32
	Offset, End int64
	Key, Value  string
}

// New makes the log of a seed.
func New(seed uint64) *Log {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // damage that can be had again
	w := newWriting(r)
	w.run()
	l := &Log{
		Generation: w.generation, History: w.history, manifest: w.out.Manifest(), Newest: w.out.Position().Segment,
		files: map[uint32][]byte{}, bad: map[uint32]ranges{}, gone: map[uint32]bool{}, stale: w.stale, veiled: map[uint32]bool{},
		unnamed: w.unnamed, plausible: map[uint32]ranges{}, copied: w.master != nil, archives: map[uint32]string{},
	}
	for _, s := range w.out.Segments() {
		l.files[s.Number] = slices.Clone(s.Bytes)
	}
	l.Records, l.filler = w.records()
	if l.end(l.Newest) == 0 && l.Newest > 0 {
		l.veiled[l.Newest-1] = true
	}
	l.damage(r)
	for number := range l.files {
		if len(l.bad[number]) > 0 && l.bad[number+1].touch(0, l.firstEnd(number+1)) {
			l.veiled[number] = true // two kinds of evidence are damaged
		}
	}
	l.mark()
	return l
}

// Write writes the log to a folder, which it makes.
func (l *Log) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the log folder: %w", err)
	}
	for number, data := range l.files {
		if err := l.writeSegment(dir, number, data); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "manifest"), l.manifest, 0o600)
}

// Untold reports whether nothing but the records of a segment itself tell where they end: before 2.3, and where the first record of the next segment
// is damaged, too. Then nobody can know what is missing at its end, and a record that was not committed may pass for one that was.
func (l *Log) Untold(segment uint32) bool {
	return segment != l.Newest && (l.Generation < decode.G2 || l.copied || l.veiled[segment])
}

// Whole reports whether nothing that was committed is damaged, and what else there is can be told from it.
func (l *Log) Whole() bool {
	for number, end := range l.filler {
		if l.bad[number].touch(0, end) {
			return false
		}
	}
	told := l.Generation >= decode.G2 && !l.copied || len(l.stale) == 0
	for number := range l.stale {
		told = told && !l.veiled[number]
	}
	return told && len(l.gone) == 0 && !slices.ContainsFunc(l.Records, func(r Record) bool { return r.Damaged })
}

// Check compares what a reader has found with what there is. It returns what is wrong, "" if nothing is.
func (l *Log) Check(found []Change) string {
	at := map[decode.Position]Change{}
	for i, c := range found {
		p := decode.Position{Segment: c.Segment, Offset: c.Offset}
		if _, twice := at[p]; twice {
			return fmt.Sprintf("%v comes twice", p)
		}
		if i > 0 && p.Before(decode.Position{Segment: found[i-1].Segment, Offset: found[i-1].Offset}) {
			return fmt.Sprintf("%v comes after %d:%d", p, found[i-1].Segment, found[i-1].Offset)
		}
		at[p] = c
	}
	for _, r := range l.Records {
		p := decode.Position{Segment: r.Segment, Offset: r.Offset}
		c, ok := at[p]
		delete(at, p)
		switch {
		case !ok && !r.Near:
			return fmt.Sprintf("%v is lost, and nothing in its blocks is damaged", p)
		case ok && !r.Damaged && c != Change{r.Segment, r.Offset, r.End, r.Key, r.Value}:
			return fmt.Sprintf("%v is not as it was written: key %q, end %d instead of %q, %d", p, c.Key, c.End, r.Key, r.End)
		}
	}
	return l.invented(at)
}

// invented says what was found that no server has committed.
func (l *Log) invented(found map[decode.Position]Change) string {
	for p, c := range found {
		if l.bad[c.Segment].touch(c.Offset, c.End) || l.Untold(c.Segment) {
			continue
		}
		return fmt.Sprintf("%v was never committed: key %q, end %d", p, c.Key, c.End)
	}
	return ""
}

// Lost are the committed records that a reader has not found.
func (l *Log) Lost(found []Change) []Record {
	at := map[decode.Position]bool{}
	for _, c := range found {
		at[decode.Position{Segment: c.Segment, Offset: c.Offset}] = true
	}
	var lost []Record
	for _, r := range l.Records {
		if !at[decode.Position{Segment: r.Segment, Offset: r.Offset}] {
			lost = append(lost, r)
		}
	}
	return lost
}

// mark notes which records the damage touches.
func (l *Log) mark() {
	for i := range l.Records {
		r := &l.Records[i]
		gone := l.gone[r.Segment]
		block := r.Offset &^ (decode.BlockSize - 1)
		r.Damaged = gone || l.bad[r.Segment].touch(r.Offset, r.End)
		r.Elsewhere = l.plausible[r.Segment].touch(r.Offset, r.End)
		r.Near = gone || l.bad[r.Segment].touch(block, (r.End+decode.BlockSize-1)&^(decode.BlockSize-1))
	}
}

// numbers are those of the segments, in order.
func (l *Log) numbers() []uint32 { return slices.Sorted(maps.Keys(l.files)) }

// ranges are pieces of a file.
type ranges [][2]int64

func (list ranges) touch(from, to int64) bool {
	return slices.ContainsFunc(list, func(r [2]int64) bool { return r[0] < to && from < r[1] })
}
