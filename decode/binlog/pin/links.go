package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// links are those of one log.
type links struct {
	fs     FS
	id     *decode.Log
	source string // the server's folder
	dir    string // that of the links
	err    error  // of the last scan

	mu    sync.Mutex
	epoch uint32
	from  uint32 // segments below it are not needed any more
	links map[uint32]folder.Segment
	near  bool // the user has been told that the limit is near
}

// ForeignError is a folder for links that holds segments which this program did not put there. Nothing was touched.
type ForeignError struct {
	Log  *decode.Log
	Path string
}

// Error names one of them.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s: pinning: %s is no link that pikabin has made, and would be removed with the links: give --pin a folder of its own", e.Log, e.Path)
}

// A link has a second name, a hidden one, that shows whose it is: a segment that somebody else has put there has none. It is
// made first and removed last, so that a crash never leaves a link without it.
func witness(path string) string {
	return filepath.Join(filepath.Dir(path), witnessPrefix+filepath.Base(path)+witnessSuffix)
}

const witnessPrefix, witnessSuffix = ".", ".pin"

// sweep removes the second names that a crash has left without their links: they would hold the room of what the server has purged.
func (q *links) sweep() error {
	entries, err := os.ReadDir(q.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		hidden, isHidden := strings.CutPrefix(e.Name(), witnessPrefix)
		name, isWitness := strings.CutSuffix(hidden, witnessSuffix)
		if _, _, ok := folder.ParseSegmentName(name); !ok || !isHidden || !isWitness {
			continue
		}
		_, err := os.Lstat(filepath.Join(q.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			err = q.fs.Remove(filepath.Join(q.dir, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adopt takes over the links that are there already.
func (q *links) adopt() error {
	f, err := folder.List(q.dir)
	if err != nil {
		return fmt.Errorf("%s: pinning: %w", q.id, err)
	}
	if f.HasManifest {
		return &ForeignError{Log: q.id, Path: folder.ManifestPath(q.dir)}
	}
	for _, s := range slices.Concat(f.Segments, f.Twice) {
		if ours, err := sameFile(witness(s.Path), s.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: pinning: %w", q.id, err)
		} else if !ours {
			return &ForeignError{Log: q.id, Path: s.Path}
		}
	}
	if err := q.sweep(); err != nil {
		return fmt.Errorf("%s: pinning: %w", q.id, err)
	}
	for _, s := range f.Segments {
		q.links[s.Number] = s
	}
	q.release(q.from)
	return nil
}

// scan links what is new in the server's folder. What is purged between the listing and the link is for the reader to
// find out.
func (q *links) scan(limit int64, warn func(string)) error {
	f, err := folder.List(q.source)
	if err != nil {
		return fmt.Errorf("%s: pinning: %w", q.id, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range f.Segments {
		if s.Number < q.from || s.Compression != folder.Plain {
			continue
		}
		if err := q.link(s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return q.explain(err)
		}
	}
	q.bound(f, limit, warn)
	return nil
}

// link makes the link of a segment, in place of one to another file: the number has come again, with another history.
func (q *links) link(s folder.Segment) error {
	path := filepath.Join(q.dir, filepath.Base(s.Path))
	if held, ok := q.links[s.Number]; ok {
		if same, err := sameFile(held.Path, s.Path); same || err != nil {
			return err
		}
		if err := q.fs.Remove(path); err != nil {
			return err
		}
		delete(q.links, s.Number)
	}
	if err := q.relink(s.Path, witness(path)); err != nil {
		return err
	}
	if err := q.fs.Link(s.Path, path); err != nil {
		return err
	}
	q.links[s.Number] = folder.Segment{Number: s.Number, Path: path, Size: s.Size}
	return nil
}

// relink makes a witness in place of one that a crash has left.
func (q *links) relink(from, to string) error {
	err := q.fs.Link(from, to)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := q.fs.Remove(to); err != nil {
		return err
	}
	return q.fs.Link(from, to)
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y), err
}

func (q *links) explain(err error) error {
	if errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("%s: pinning: %s is not on the file system of %s: a hard link needs the same one", q.id, q.dir, q.source)
	}
	return fmt.Errorf("%s: pinning: %w", q.id, err)
}

// bound lets go of the oldest links while those that hold what the server has purged are over the limit.
func (q *links) bound(f *folder.Listing, limit int64, warn func(string)) {
	if limit <= 0 {
		return
	}
	held := int64(0)
	var numbers []uint32
	for _, n := range slices.Sorted(maps.Keys(q.links)) {
		if _, ok := folder.Find(f.Segments, n); ok {
			continue
		}
		if info, err := os.Stat(q.links[n].Path); err == nil {
			held += info.Size()
			numbers = append(numbers, n)
		}
	}
	for i, n := range numbers {
		if held <= limit {
			break
		}
		info, err := os.Stat(q.links[n].Path)
		if err != nil {
			continue
		}
		held -= info.Size()
		q.remove(n)
		warn(fmt.Sprintf("%s: pinned segments are over the limit of %d bytes: write2file%d is let go although it has not been delivered: "+
			"it will be reported as a gap; %d more are held", q.id, limit, n, len(numbers)-1-i))
	}
	if near := held > limit/5*4; near != q.near {
		q.near = near
		if near {
			warn(fmt.Sprintf("%s: pinned segments that the server has purged hold %d bytes, close to the limit of %d: the output is too slow", q.id, held, limit))
		}
	}
}

func (q *links) isNow(epoch uint32) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.epoch == epoch
}

// release removes the links below a segment. It may be lower than before, when the history of the log was replaced.
func (q *links) release(from uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.from = from
	for _, n := range slices.Sorted(maps.Keys(q.links)) {
		if n < q.from {
			q.remove(n)
		}
	}
}

func (q *links) remove(n uint32) {
	// A link that is left over is taken over by the next run.
	if err := q.fs.Remove(q.links[n].Path); err == nil || errors.Is(err, fs.ErrNotExist) {
		q.fs.Remove(witness(q.links[n].Path)) //nolint:errcheck,gosec // the same
	}
	delete(q.links, n)
}

// Merge adds to a listing of the server's folder what only the links still hold.
func (q *links) Merge(f *folder.Listing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n, s := range q.links {
		if _, ok := folder.Find(f.Segments, n); ok {
			continue
		}
		if info, err := os.Stat(s.Path); err == nil {
			s.Size = info.Size()
			f.Add(s)
		}
	}
}

// Path is that of the link of a segment.
func (q *links) Path(number uint32) (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s, ok := q.links[number]
	return s.Path, ok
}
