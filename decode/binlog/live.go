package binlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"pikabin/decode"
)

// liveManifest is a manifest that is read over and over: it stays open, so that a look at it is two reads.
type liveManifest struct {
	path string
	file *os.File
	stat os.FileInfo // of the file, as it was opened
	bufs [2][manifestSize]byte
}

// read is the manifest's fields as they stood between two reads, valid until the next call. While there is no manifest,
// or while it is being created, it is ErrNoManifest.
func (m *liveManifest) read() ([]byte, error) {
	if m.file == nil {
		if err := m.open(); err != nil {
			return nil, err
		}
	}
	data, err := readStable(m.file, &m.bufs)
	if err == nil && len(data) < manifestSize {
		return nil, ErrNoManifest
	}
	return data, err
}

func (m *liveManifest) open() error {
	file, err := os.Open(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoManifest
	}
	if err != nil {
		return err
	}
	if m.stat, err = file.Stat(); err != nil {
		return errors.Join(err, file.Close())
	}
	m.file = file
	return nil
}

// renew looks whether the path still leads to the file that is open. A server that starts without a manifest creates
// another one; an unlinked one that is open is the only place to learn from where a running server stands.
func (m *liveManifest) renew() (replaced bool, err error) {
	now, err := os.Stat(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, ErrNoManifest
	case err != nil || m.file == nil:
		return m.file == nil, err
	}
	if os.SameFile(now, m.stat) {
		return false, nil
	}
	return true, m.close()
}

func (m *liveManifest) close() error {
	if m.file == nil {
		return nil
	}
	file := m.file
	m.file = nil
	return file.Close()
}

// relist looks at the folder again, for a manifest that is believed. Unlike Refresh it does not ask again what version
// wrote the log: the logic id in the manifest of a live server may be that of another record than its position.
func (l *Log) relist(m Manifest) error {
	f, err := l.list()
	if err != nil {
		return err
	}
	l.manifest, l.manifestErr = m, nil
	l.around, l.stale = splitStale(f.segments, m.Position.Segment)
	l.segments = l.around
	l.openings = map[uint32]opening{}
	return nil
}

// grow takes over a manifest that has moved within the segment that is held.
func (l *Log) grow(m Manifest) error {
	now, err := l.held.again()
	if err != nil {
		return err
	}
	defer now.Close()
	i, ok := findSegment(l.segments, now.segment.Number)
	if !ok || m.Position.Segment != l.manifest.Position.Segment {
		return l.relist(m)
	}
	l.manifest = m
	l.segments[i].Size = now.size
	return nil
}

// hold keeps a plain segment open in place of the one before.
func (l *Log) hold(f *File) error {
	if f.segment.Compression != Plain {
		return l.letGo()
	}
	f.Retain()
	err := l.letGo()
	l.held = f
	return err
}

func (l *Log) letGo() error {
	if l.held == nil {
		return nil
	}
	f := l.held
	l.held = nil
	return f.Release()
}

// believable reports whether a manifest fits the files: of the newest segment there is as much as it says. In the mixture of a
// rotation, the new number with the old offset, it does not: a new segment is empty until its first record.
func (l *Log) believable(m Manifest) bool { return m.fits(l.around) }

// unwritten reports whether a manifest names bytes of a segment that has none.
func (l *Log) unwritten(m Manifest) bool {
	i, ok := findSegment(l.around, m.Position.Segment)
	return ok && l.around[i].Size == 0 && m.Position.Offset > 0
}

// begins reports whether a history begins with a segment: with what a full sync leaves, or with a record that names the
// very beginning of its segment as the end of the log before it. So does also the first record of a server that was killed
// after a rotation and before the put that had asked for it; but that one is the next in number.
func (l *Log) begins(s Segment) (bool, error) {
	o, err := l.opening(s)
	if err != nil || o.filler {
		return o.filler, err
	}
	if !o.found || !o.hasAt || o.offset != 0 || o.at != s.start() {
		return false, nil
	}
	if l.countsFrom(&o) && s.Number > 0 {
		if _, ok := findSegment(l.around, s.Number-1); !ok {
			return o.logicID <= 1, nil // what is missing before it is a gap
		}
	}
	follows, err := l.follows(s, &o)
	return !follows, err
}

// countsFrom reports whether a record is one of a server that begins to count again behind a full sync: 3.3 and later. Before that a
// server id is in the place of the term, which is never 0.
func (l *Log) countsFrom(o *opening) bool {
	return l.generation >= decode.G4 && o.has&decode.HasLogicID != 0 && (l.options.Generation != decode.GenerationUnknown || o.third == 0)
}

// follows reports whether the first record of a segment has the number behind that of the last record of the segment before it. Up
// to 3.2 a full sync lets the numbers go on, so that they say nothing.
func (l *Log) follows(s Segment, o *opening) (bool, error) {
	if !l.countsFrom(o) {
		return false, nil
	}
	return l.comesBehind(s, o, 1)
}

// comesBehind reports whether the number of the first record of a segment is so much higher than that of the last record before it.
func (l *Log) comesBehind(s Segment, o *opening, by uint64) (bool, error) {
	i, ok := findSegment(l.around, s.Number-1)
	if !ok || s.Number == 0 || l.around[i].Compression != Plain || o.has&decode.HasLogicID == 0 {
		return false, nil
	}
	file, err := l.openPlain(l.around[i])
	if err != nil {
		return false, notThere(err)
	}
	defer file.Close()
	e, err := l.probe.readEnding(file, l.span(file), file.size)
	return e.boundary && e.found && e.last.logicID+by == o.logicID, err
}

// historyStart is where the history begins that the manifest is the end of: the nearest segment below it that begins one, or
// that does not go on where the one before it ends, or has none before it. ok is false while the manifest's segment does
// not tell yet.
func (l *Log) historyStart() (start decode.Position, ok bool, err error) {
	i, ok := findSegment(l.around, l.manifest.Position.Segment)
	if !ok {
		return start, false, nil
	}
	for ; ; i-- {
		s := l.around[i]
		if i == 0 || l.around[i-1].Number != s.Number-1 {
			return s.start(), true, nil
		}
		if s.start() == l.manifest.Position {
			return start, false, nil // its first record will say whether it goes on from the one before
		}
		begins, err := l.begins(s)
		if begins || err != nil {
			return s.start(), true, err
		}
		o, err := l.opening(s)
		if before := l.around[i-1]; err != nil || o.hasAt && o.at.Segment == before.Number && before.Compression == Plain && o.at.Offset > before.Size {
			return s.start(), true, err
		}
	}
}

func manifestPath(dir string) string { return filepath.Join(dir, manifestName) }
