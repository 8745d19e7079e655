package binlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"pikabin/decode"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
)

// Options say how logs are read. The zero value is the default.
type Options struct {
	// Generation is what the user says the Pika version is. GenerationUnknown: found from the bytes.
	Generation decode.Generation

	// Piped says that the one segment came through standard input, so that no folder and no manifest is talked of.
	Piped bool
}

// Log is the log of one DB or slot as it was when Find looked: its segments and what the manifest said. Its methods
// are for one goroutine at a time; the Files it opens are for many. Nothing in it keeps a file open.
type Log struct {
	dir      *folder.Dir
	evidence *evidence.Reader
	view     *evidence.View
	options  Options

	named    []folder.Segment // those that the user named, nil for the whole folder
	segments []folder.Segment // those to be read, by number: of the view, or the named ones
	stale    []folder.Segment // above the manifest's position
	oddities []Oddity
}

// OpenLog looks at the folder of a log.
func OpenLog(path string, names *folder.Names, o Options) (*Log, error) {
	id, err := names.Identify(path)
	if err != nil {
		return nil, err
	}
	return openLog(id, path, nil, o)
}

// openLog looks at a folder. named are the segments that the user named in it, nil for all.
func openLog(id *decode.Log, path string, named []folder.Segment, o Options) (*Log, error) {
	dir := &folder.Dir{ID: id, Path: path}
	reader, err := evidence.NewReader(dir, o.Generation)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, evidence: reader, view: &evidence.View{}, named: named, options: o}
	return l, l.Refresh()
}

// ID is the identity that spans and changes of this log carry.
func (l *Log) ID() *decode.Log { return l.dir.ID }

// Dir is the path of the folder the segments lie in.
func (l *Log) Dir() string { return l.dir.Path }

// StandardInput is where a log is for people that came through it.
const StandardInput = "standard input"

// Where is where the log is, for people: its folder, or standard input.
func (l *Log) Where() string {
	if l.options.Piped {
		return StandardInput
	}
	return l.Dir()
}

// Folder is that folder, with the segment of it that is held open.
func (l *Log) Folder() *folder.Dir { return l.dir }

// Evidence reads single records of the log.
func (l *Log) Evidence() *evidence.Reader { return l.evidence }

// View is the last look at the folder.
func (l *Log) View() *evidence.View { return l.view }

// Adopt takes over another look at the folder of a live log, for plans that are made from now on.
func (l *Log) Adopt(v *evidence.View) { l.view, l.segments = v, v.Segments }

// Segments are those to be read, by number. Stale ones above the manifest are not among them.
func (l *Log) Segments() []folder.Segment { return l.segments }

// Manifest is what the manifest said. The error is folder.ErrNoManifest, or a *folder.ManifestError when it is not
// believed; the log is then read to the ends of its files.
func (l *Log) Manifest() (folder.Manifest, error) { return l.view.Manifest, l.view.ManifestErr }

// Generation is the user's, or was found from the bytes.
func (l *Log) Generation() decode.Generation { return l.view.Generation }

// Oddities are what was found that a person may want to know.
func (l *Log) Oddities() []Oddity { return l.oddities }

// Start is the beginning of the oldest segment, or of what the manifest names when there is none.
func (l *Log) Start() decode.Position {
	if len(l.segments) == 0 {
		return decode.Position{Segment: l.view.Manifest.Position.Segment}
	}
	return l.segments[0].Start()
}

// Committed is the end of what may be read: the manifest's position. Without a manifest, and where the named
// segments end below it, it is the end of the last segment; that of an archive is not known before it is unpacked
// and counts as the largest offset there is.
func (l *Log) Committed() decode.Position {
	last := len(l.segments) - 1
	if last < 0 || l.view.ManifestErr == nil && len(l.segments) == len(l.view.Segments) {
		return l.view.Manifest.Position
	}
	if s := l.segments[last]; l.view.ManifestErr != nil || s.Number != l.view.Manifest.Position.Segment {
		if s.Compression != folder.Plain {
			return decode.Position{Segment: s.Number, Offset: math.MaxInt64}
		}
		return decode.Position{Segment: s.Number, Offset: s.Size}
	}
	return l.view.Manifest.Position
}

// Refresh looks again at the manifest and the folder of a live log: Segments, Manifest, Committed and Oddities are then
// those of now. Plans made before continue as they were.
//
// The manifest is read first, and then the listing: a segment is created before the manifest names it, so that
// the listing holds all that the manifest speaks of.
func (l *Log) Refresh() error {
	data, err := folder.ReadManifest(folder.ManifestPath(l.Dir()))
	if err != nil && !errors.Is(err, folder.ErrNoManifest) {
		return fmt.Errorf("%s: reading the manifest: %w", l.ID(), err)
	}
	list, errList := l.dir.List()
	if errList != nil {
		return errList
	}
	v := &evidence.View{Segments: list.Segments, ManifestErr: folder.ErrNoManifest, Generation: l.view.Generation}
	l.oddities, l.segments, l.stale = nil, list.Segments, nil
	if l.named != nil {
		l.segments = l.named
	}
	l.noteTwins(list)
	l.evidence.Reset()
	if err == nil {
		l.believe(v, data)
	}
	l.view = v
	l.evidence.Reset() // what was read past the manifest's position
	l.noteManifest()
	if l.named != nil && len(l.segments) == 0 {
		return fmt.Errorf("%s: nothing to read: the named segments lie above the manifest's position %v, left from an older history; "+
			"copy them to another folder to read them", l.ID(), v.Manifest.Position)
	}
	v.Generation, v.Before35, err = l.evidence.Generation(v)
	return l.located(err)
}

// believe takes the manifest if one of its layouts makes sense, and drops the stale segments above it.
func (l *Log) believe(v *evidence.View, data []byte) {
	family := l.options.Generation
	var m folder.Manifest
	var err error
	if family != decode.GenerationUnknown {
		m, err = folder.ParseManifest(data, layoutOf(family))
	} else {
		m, err = folder.ChooseManifest(data, v.Segments, l.evidence.Family(v))
	}
	if err == nil && m.Position == (decode.Position{}) && m.LogicID == 0 {
		err = l.evidence.DeniesZeros(v)
	}
	if err != nil {
		v.ManifestErr = &folder.ManifestError{Log: l.ID(), Path: folder.ManifestPath(l.Dir()), Err: err}
		return
	}
	v.Manifest, v.ManifestErr = m, nil
	v.Segments, _ = folder.Split(v.Segments, m.Position.Segment)
	l.segments, l.stale = folder.Split(l.segments, m.Position.Segment)
	if len(l.stale) > 0 {
		if made, err := l.evidence.JustMade(v, l.stale[0]); made && err == nil {
			l.stale = l.stale[1:]
		}
	}
	if n := len(l.stale); n > 0 {
		text := filepath.Base(l.stale[0].Path)
		if n > 1 {
			text = fmt.Sprintf("%d segments, %s to %s,", n, text, filepath.Base(l.stale[n-1].Path))
		}
		l.note(OddityStale, l.stale[0].Path, "%s above the manifest's position %v: left from an older history of the log, not read", text, m.Position)
	}
}

// ReadThrough reads segments through links where the server has purged them.
func (l *Log) ReadThrough(links folder.Links) error {
	l.dir.Links = links
	return l.Refresh()
}

// Stale are the segments above the manifest's position, left from an older history of the log. They are not read.
func (l *Log) Stale() []folder.Segment { return l.stale }

// layoutOf is the manifest's layout that a generation writes.
func layoutOf(g decode.Generation) folder.Layout {
	if g <= decode.G2 {
		return folder.Layout2
	}
	return folder.Layout3
}

// noteTwins says which file was taken of a segment that is there twice.
func (l *Log) noteTwins(list *folder.Listing) {
	if l.named != nil {
		return
	}
	for _, s := range list.Twice {
		i, _ := folder.Find(list.Segments, s.Number)
		l.note(OddityTwice, s.Path, "%s is passed over, %s holds the same segment", filepath.Base(s.Path), filepath.Base(list.Segments[i].Path))
	}
}

// noteManifest compares what the manifest says with what the files say.
func (l *Log) noteManifest() {
	path := folder.ManifestPath(l.Dir())
	var bad *folder.ManifestError
	switch {
	case errors.As(l.view.ManifestErr, &bad):
		l.note(OddityBadManifest, path, "the manifest is not believed (%v): reading to the last whole record", bad.Err)
		return
	case l.options.Piped:
		l.note(OddityNoManifest, StandardInput, "standard input is read to the last whole record")
		return
	case l.view.ManifestErr != nil:
		l.note(OddityNoManifest, l.Dir(), "no manifest in %s: reading to the last whole record", l.Dir())
		return
	}
	at := l.view.Manifest.Position
	i, ok := folder.Find(l.view.Segments, at.Segment)
	switch {
	case !ok:
		l.note(OddityManifestGone, path, "the manifest names %v, but write2file%d is not there (%s)", at, at.Segment, l.haveText())
	case l.view.Segments[i].Compression == folder.Plain && at.Offset > l.view.Segments[i].Size:
		l.note(OddityManifestBeyond, path, "the manifest names %v, but write2file%d has only %d bytes: after a power failure, or in a copy of a live log whose "+
			"manifest was not copied first", at, at.Segment, l.view.Segments[i].Size)
	}
}

func (l *Log) haveText() string {
	switch n := len(l.view.Segments); n {
	case 0:
		return "no segment is"
	case 1:
		return fmt.Sprintf("write2file%d is", l.view.Segments[0].Number)
	default:
		return fmt.Sprintf("write2file%d to write2file%d are", l.view.Segments[0].Number, l.view.Segments[n-1].Number)
	}
}

func (l *Log) note(kind OddityKind, path, format string, args ...any) {
	l.oddities = append(l.oddities, Oddity{Kind: kind, Log: l.ID(), Path: path, Text: fmt.Sprintf(format, args...)})
}

// Open opens a segment as folder.Dir does.
func (l *Log) Open(ctx context.Context, s folder.Segment) (*folder.File, error) {
	f, err := l.dir.Open(ctx, s)
	return f, l.located(err)
}

// opening reads how a segment begins.
func (l *Log) opening(s folder.Segment) (evidence.Opening, error) {
	o, err := l.evidence.Opening(l.view, s)
	return o, l.located(err)
}

// bound finds the true end of a segment.
func (l *Log) bound(f *folder.File) (evidence.Bound, error) {
	b, err := l.evidence.Bound(l.view, f)
	return b, l.located(err)
}

// purged makes the error for a position whose segment is not there.
func (l *Log) purged(want decode.Position) error { return l.located(l.dir.Purged(want)) }

// located completes the error for a segment that is not there: with nothing after it at all the log continues where it ends.
func (l *Log) located(err error) error {
	if purged, ok := errors.AsType[*decode.PurgedError](err); ok && purged.Oldest == (decode.Position{}) {
		purged.Oldest = l.Committed()
	}
	return err
}

// SizeBetween is how many bytes of files lie between two positions; 0 if that is not known, because some
// of them are archives.
func (l *Log) SizeBetween(from, until decode.Position) int64 {
	known := true
	sum := folder.SizeBetween(l.segments, from, until, func(s folder.Segment) int64 {
		known = known && s.Compression == folder.Plain
		return s.Size
	})
	if !known {
		return 0
	}
	return sum
}
