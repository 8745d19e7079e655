package binlog

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"pikabin/decode"
)

// Options say how logs are read. The zero value is the default.
type Options struct {
	// Generation is what the user says the Pika version is. GenerationUnknown: found from the bytes.
	Generation decode.Generation
}

// Log is the log of one DB or slot as it was when Find looked: its segments and what the manifest said. Its methods
// are for one goroutine at a time; the Files it opens are for many. Nothing in it keeps a file open.
type Log struct {
	id      *decode.Log
	dir     string
	options Options

	named    []Segment // what the user named, nil for the whole folder
	segments []Segment // what is to be read, by number
	stale    []Segment // above the manifest's position
	// around holds all the segments of the folder that are not stale: when some were named, their neighbours still
	// tell where those end.
	around []Segment

	manifest    Manifest
	manifestErr error
	generation  decode.Generation
	notes       []Note

	probe    *probe
	openings map[uint32]opening

	// held is the segment that is being followed. As long as its descriptor is open the inode is nobody else's, so that
	// it can be told from a file that takes its place, and it can be read when Pika has unlinked it.
	held *File
}

// ID is the identity that spans and changes of this log carry.
func (l *Log) ID() *decode.Log { return l.id }

// Dir is the folder the segments lie in.
func (l *Log) Dir() string { return l.dir }

// Segments are those to be read, by number. Stale ones above the manifest are not among them.
func (l *Log) Segments() []Segment { return l.segments }

// Manifest is what the manifest said. The error is ErrNoManifest, or a *ManifestError when it is not
// believed; the log is then read to the ends of its files.
func (l *Log) Manifest() (Manifest, error) { return l.manifest, l.manifestErr }

// Generation is the user's, or was found from the bytes.
func (l *Log) Generation() decode.Generation { return l.generation }

// Notes are the oddities found.
func (l *Log) Notes() []Note { return l.notes }

// Start is the beginning of the oldest segment, or of what the manifest names when there is none.
func (l *Log) Start() decode.Position {
	if len(l.segments) == 0 {
		return decode.Position{Segment: l.manifest.Position.Segment}
	}
	return l.segments[0].start()
}

// Committed is the end of what may be read: the manifest's position. Without a manifest, and where the named
// segments end below it, it is the end of the last segment; that of an archive is not known before it is unpacked
// and stands as the largest offset there is.
func (l *Log) Committed() decode.Position {
	last := len(l.segments) - 1
	if last < 0 || l.manifestErr == nil && len(l.segments) == len(l.around) {
		return l.manifest.Position
	}
	if s := l.segments[last]; l.manifestErr != nil || s.Number != l.manifest.Position.Segment {
		if s.Compression != Plain {
			return decode.Position{Segment: s.Number, Offset: math.MaxInt64}
		}
		return decode.Position{Segment: s.Number, Offset: s.Size}
	}
	return l.manifest.Position
}

// Refresh looks again at the manifest and the folder of a live log: Segments, Manifest, Committed and Notes are then
// those of now. Plans made before go on as they were.
//
// The manifest is read first, and then the listing: a segment is created before the manifest names it, so that
// the listing holds all that the manifest speaks of.
func (l *Log) Refresh() error {
	data, err := readManifest(filepath.Join(l.dir, manifestName))
	if err != nil && !errors.Is(err, ErrNoManifest) {
		return fmt.Errorf("%s: reading the manifest: %w", l.id, err)
	}
	f, errList := l.list()
	if errList != nil {
		return errList
	}
	l.around, l.segments = f.segments, f.segments
	if l.named != nil {
		l.segments = l.named
	}
	l.notes, l.openings = nil, nil
	l.noteTwins(f)
	l.manifest, l.manifestErr = Manifest{}, ErrNoManifest
	if err == nil {
		l.believe(data)
	}
	l.openings = map[uint32]opening{}
	l.noteManifest()
	if l.named != nil && len(l.segments) == 0 {
		return fmt.Errorf("%s: nothing to read: the named segments lie above the manifest's position %v, left from an older history; "+
			"copy them to another folder to read them", l.id, l.manifest.Position)
	}
	l.generation, err = l.findGeneration()
	return err
}

// list looks at the folder. The segment that is held can be read though it may not be there any more.
func (l *Log) list() (*folder, error) {
	f, err := readFolder(l.dir)
	if err != nil || l.held == nil {
		return f, err
	}
	if i, ok := findSegment(f.segments, l.held.segment.Number); !ok {
		f.segments = slices.Insert(f.segments, i, l.held.segment)
	}
	return f, nil
}

// believe takes the manifest if one of its layouts makes sense, and drops the stale segments above it.
func (l *Log) believe(data []byte) {
	family := l.options.Generation
	var m Manifest
	var err error
	if family != decode.GenerationUnknown {
		m, err = ParseManifest(data, layoutOf(family))
	} else {
		m, err = chooseManifest(data, l.around, l.family())
	}
	if err != nil {
		l.manifestErr = &ManifestError{Log: l.id, Path: filepath.Join(l.dir, manifestName), Err: err}
		return
	}
	l.manifest, l.manifestErr = m, nil
	l.around, _ = splitStale(l.around, m.Position.Segment)
	l.segments, l.stale = splitStale(l.segments, m.Position.Segment)
	if n := len(l.stale); n > 0 {
		text := filepath.Base(l.stale[0].Path)
		if n > 1 {
			text = fmt.Sprintf("%d segments, %s to %s,", n, text, filepath.Base(l.stale[n-1].Path))
		}
		l.note(NoteStale, l.stale[0].Path, "%s above the manifest's position %v: left from an older history of the log, not read", text, m.Position)
	}
}

// Stale are the segments above the manifest's position, left from an older history of the log. They are not read.
func (l *Log) Stale() []Segment { return l.stale }

// layoutOf is the manifest's layout that a generation writes.
func layoutOf(g decode.Generation) Layout {
	if g <= decode.G2 {
		return Layout2
	}
	return Layout3
}

// splitStale parts the segments the manifest admits from those above it.
func splitStale(segments []Segment, newest uint32) (good, stale []Segment) {
	i, ok := findSegment(segments, newest)
	if ok {
		i++
	}
	return segments[:i:i], segments[i:]
}

// noteTwins says which file was taken of a segment that is there twice.
func (l *Log) noteTwins(f *folder) {
	if l.named != nil {
		return
	}
	for _, s := range f.twice {
		i, _ := findSegment(f.segments, s.Number)
		l.note(NoteTwice, s.Path, "%s is passed over, %s holds the same segment", filepath.Base(s.Path), filepath.Base(f.segments[i].Path))
	}
}

// noteManifest compares what the manifest says with what the files say.
func (l *Log) noteManifest() {
	path := filepath.Join(l.dir, manifestName)
	var bad *ManifestError
	switch {
	case errors.As(l.manifestErr, &bad):
		l.note(NoteBadManifest, path, "the manifest is not believed (%v): reading to the last whole record", bad.Err)
		return
	case l.manifestErr != nil:
		l.note(NoteNoManifest, l.dir, "no manifest in %s: reading to the last whole record", l.dir)
		return
	}
	at := l.manifest.Position
	i, ok := findSegment(l.around, at.Segment)
	switch {
	case !ok:
		l.note(NoteManifestGone, path, "the manifest names %v, but write2file%d is not there (%s)", at, at.Segment, l.haveText())
	case l.around[i].Compression == Plain && at.Offset > l.around[i].Size:
		l.note(NoteManifestBeyond, path, "the manifest names %v, but write2file%d has only %d bytes: after a power failure, or in a copy of a live log whose "+
			"manifest was not copied first", at, at.Segment, l.around[i].Size)
	}
}

func (l *Log) haveText() string {
	switch n := len(l.around); n {
	case 0:
		return "no segment is"
	case 1:
		return fmt.Sprintf("write2file%d is", l.around[0].Number)
	default:
		return fmt.Sprintf("write2file%d to write2file%d are", l.around[0].Number, l.around[n-1].Number)
	}
}

func (l *Log) note(kind NoteKind, path, format string, args ...any) {
	l.notes = append(l.notes, Note{Kind: kind, Log: l.id, Path: path, Text: fmt.Sprintf(format, args...)})
}

// purged makes the error for a position whose segment is not there, with a fresh look at what is. With nothing there
// at all the log goes on where it ends.
func (l *Log) purged(want decode.Position) error {
	f, err := readFolder(l.dir)
	if err != nil {
		return fmt.Errorf("%s: write2file%d is gone: %w", l.id, want.Segment, err)
	}
	e := &PurgedError{Log: l.id, Want: want, Oldest: l.Committed()}
	if i, _ := findSegment(f.segments, want.Segment); i < len(f.segments) {
		e.Oldest = f.segments[i].start()
	}
	return e
}
