package binlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pikabin/decode"
)

const (
	dbPrefix       = "log_"
	deletingSuffix = "_deleting" // Pika 3.3 and later give a folder this name while they remove it
	flatDB         = "db0"       // the one DB of Pika up to 3.0, and of files that stand alone
)

// Find makes a Log of every binlog folder that the paths name or hold. A path is
//
//   - Pika's log folder: all its DBs. Where both log_dbN folders and segments lie in it, the segments are
//     leftovers of a Pika before 3.1 and only noted;
//   - the folder of one DB or slot;
//   - a segment file, plain or compressed. Several files of one folder make one Log of just these. The manifest and
//     the other segments beside them still say where they end, so that nothing uncommitted is read.
//
// The logs come in order of DB (db2 before db10) and slot. A path that is none of these is an error that says
// what was expected, and so are two folders that claim the same DB: positions could not tell them apart.
func Find(paths []string, options Options) ([]*Log, error) {
	f := finder{options: options, named: map[string][]Segment{}}
	for _, path := range paths {
		if err := f.add(path); err != nil {
			return nil, err
		}
	}
	for _, dir := range f.namedDirs {
		named := folder{segments: f.named[dir]}
		named.dropTwins()
		if err := f.addLog(dir, named.segments); err != nil {
			return nil, err
		}
	}
	return f.finish()
}

type finder struct {
	options   Options
	logs      []*Log
	named     map[string][]Segment // by folder
	namedDirs []string             // its keys, in the order they came
}

func (f *finder) add(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return f.addFolder(abs)
	}
	return f.addFile(abs, info)
}

// addFile keeps a named segment until all the paths are known, since those of one folder make one log.
func (f *finder) addFile(path string, info os.FileInfo) error {
	number, compression, ok := parseSegmentName(filepath.Base(path))
	if !ok || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a Pika segment: expected a file named write2file12, write2file12.zst or write2file12.gz, or a log folder", path)
	}
	dir := filepath.Dir(path)
	if _, ok := f.named[dir]; !ok {
		f.namedDirs = append(f.namedDirs, dir)
	}
	f.named[dir] = append(f.named[dir], Segment{Number: number, Path: path, Compression: compression, Size: info.Size()})
	return nil
}

// addFolder adds the logs in a folder.
func (f *finder) addFolder(path string) error {
	dirs, top, err := logDirs(path, func(string) bool { return false })
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return noLogFolder(path)
	}
	first := len(f.logs)
	for _, dir := range dirs {
		if err := f.addLog(dir, nil); err != nil {
			return err
		}
	}
	if top.isLog() && dirs[0] != path {
		f.logs[first].note(NoteOldFlat, path, "the segments directly in %s are left from a Pika before 3.1 and not read; name them to read them", path)
	}
	return nil
}

// FindLive finds the logs that OpenTail would follow, and refuses the folders that it refuses. There may be none yet.
func FindLive(paths []string, options Options) ([]*Log, error) {
	f := finder{options: options}
	for _, path := range paths {
		root, err := tailRoot(path)
		if err != nil {
			return nil, err
		}
		dirs, _, err := logDirs(root, func(string) bool { return false })
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			if err := f.addLog(dir, nil); err != nil {
				return nil, err
			}
		}
	}
	return f.logs, nil
}

func noLogFolder(path string) error {
	return fmt.Errorf("%s is not a Pika log folder: no write2file segments or manifest in it or in log_db*/ below it", path)
}

// isDBFolder recognises log_<db>. In sharding mode tables may have other names than db0.
func isDBFolder(name string) bool {
	return strings.HasPrefix(name, dbPrefix) && len(name) > len(dbPrefix) && !strings.HasSuffix(name, deletingSuffix)
}

// logDirs are the folders of logs in Pika's log folder, in the order of their names: its DBs or their slots, or itself. The
// folders to be skipped are not among them, though they count as found.
func logDirs(root string, skip func(dir string) bool) (dirs []string, top *folder, err error) {
	top, err = readFolder(root)
	if err != nil {
		return nil, nil, err
	}
	dirs, found, err := logsBelow(top, isDBFolder, skip)
	if err != nil || found {
		return dirs, top, err
	}
	dirs, _, err = logsOf(top, skip)
	return dirs, top, err
}

// logsBelow are the logs in the folders with certain names that lie in a folder.
func logsBelow(top *folder, named func(string) bool, skip func(dir string) bool) (dirs []string, found bool, err error) {
	for _, name := range top.below {
		if !named(name) {
			continue
		}
		path := filepath.Join(top.path, name)
		if skip(path) {
			found = true
			continue
		}
		below, err := readFolder(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		more, ok, err := logsOf(below, skip)
		if err != nil {
			return nil, false, err
		}
		dirs, found = append(dirs, more...), found || ok
	}
	return dirs, found, nil
}

// logsOf is the log that a folder is, or those of the slots in it.
func logsOf(db *folder, skip func(dir string) bool) (dirs []string, found bool, err error) {
	switch {
	case !db.isLog() && isSlotFolder(filepath.Base(db.path)):
		return nil, false, nil // nothing is looked for below a slot
	case !db.isLog():
		return logsBelow(db, isSlotFolder, skip)
	case skip(db.path):
		return nil, true, nil
	}
	return []string{db.path}, true, nil
}

func isSlotFolder(name string) bool {
	_, ok := slotNumber(name)
	return ok
}

func (f *finder) addLog(dir string, named []Segment) error {
	id, err := identify(dir)
	if err != nil {
		return err
	}
	probe, err := newProbe(f.options)
	if err != nil {
		return err
	}
	l := &Log{id: id, dir: dir, named: named, options: f.options, probe: probe}
	if err := l.Refresh(); err != nil {
		return err
	}
	f.logs = append(f.logs, l)
	return nil
}

// slotNumber reads the name of a slot's folder: decimal, without padding.
func slotNumber(name string) (int, bool) {
	n, err := strconv.ParseUint(name, 10, 31)
	return int(n), err == nil && strconv.FormatUint(n, 10) == name
}

// identify tells DB and slot from a folder's path: log_db1, log_db0/3. Where a link of another name leads to such a
// folder, its target tells.
func identify(dir string) (*decode.Log, error) {
	if id, err := identifyName(dir); id != nil || err != nil {
		return id, err
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil && target != dir {
		if id, err := identifyName(target); id != nil || err != nil {
			return id, err
		}
	}
	return &decode.Log{DB: flatDB, Slot: -1}, nil
}

// identifyName gives nil for a folder whose name says nothing.
func identifyName(dir string) (*decode.Log, error) {
	parent, name := filepath.Split(dir)
	if isDBFolder(name) {
		return &decode.Log{DB: name[len(dbPrefix):], Slot: -1}, nil
	}
	slot, isSlot := slotNumber(name)
	if db := filepath.Base(parent); isSlot && isDBFolder(db) {
		slots, err := countSlots(parent)
		return &decode.Log{DB: db[len(dbPrefix):], Slot: slot, Slots: slots}, err
	}
	return nil, nil
}

// countSlots is the number of slots of a DB when their folders are numbered 0 to n-1, else 0: some of them may be
// on another server, and which keys are whose cannot be told.
func countSlots(dir string) (int, error) {
	db, err := readFolder(dir)
	if err != nil {
		return 0, err
	}
	count, highest := 0, -1
	for _, name := range db.below {
		if n, ok := slotNumber(name); ok {
			count++
			highest = max(highest, n)
		}
	}
	if highest != count-1 {
		return 0, nil
	}
	return count, nil
}

// finish orders the logs and refuses two with the same identity.
func (f *finder) finish() ([]*Log, error) {
	if len(f.logs) == 0 {
		return nil, errors.New("no log given: expected Pika's log folder, the folder of one DB, or segment files")
	}
	slices.SortStableFunc(f.logs, compareLogs)
	for i, l := range f.logs[1:] {
		if before := f.logs[i]; compareLogs(before, l) == 0 {
			return nil, sameLog(before, l)
		}
	}
	return f.logs, nil
}

func sameLog(a, b *Log) error {
	return fmt.Errorf("%s and %s are both the log of %s: their positions could not be told apart, read them one by one", a.dir, b.dir, a.id)
}

func compareLogs(a, b *Log) int {
	nameA, numberA := splitNumber(a.id.DB)
	nameB, numberB := splitNumber(b.id.DB)
	return cmp.Or(cmp.Compare(nameA, nameB), cmp.Compare(numberA, numberB), cmp.Compare(a.id.DB, b.id.DB), cmp.Compare(a.id.Slot, b.id.Slot))
}

// splitNumber cuts the decimal number off the end of a name, so that db10 comes after db2.
func splitNumber(name string) (string, uint64) {
	stem := strings.TrimRight(name, "0123456789")
	n, _ := strconv.ParseUint(name[len(stem):], 10, 64)
	return stem, n
}
