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

	"pikabin/decode/binlog/folder"
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
	f := finder{options: options, named: map[string][]folder.Segment{}}
	for _, path := range paths {
		if err := f.add(path); err != nil {
			return nil, err
		}
	}
	for _, dir := range f.namedDirs {
		named, _ := folder.Distinct(f.named[dir])
		if err := f.addLog(dir, named); err != nil {
			return nil, err
		}
	}
	return f.finish()
}

type finder struct {
	options   Options
	names     folder.Names
	logs      []*Log
	named     map[string][]folder.Segment // by folder
	namedDirs []string                    // its keys, in the order they came
}

func (f *finder) add(path string) error {
	info, err := Stat(path)
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
	number, compression, ok := folder.ParseSegmentName(filepath.Base(path))
	if !ok || !info.Mode().IsRegular() {
		return noSegment(path)
	}
	dir := filepath.Dir(path)
	if _, ok := f.named[dir]; !ok {
		f.namedDirs = append(f.namedDirs, dir)
	}
	f.named[dir] = append(f.named[dir], folder.Segment{Number: number, Path: path, Compression: compression, Size: info.Size()})
	return nil
}

// addFolder adds the logs in a folder.
func (f *finder) addFolder(path string) error {
	dirs, top, err := LogDirs(path, func(string) bool { return false })
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return NoFolder(path)
	}
	first := len(f.logs)
	for _, dir := range dirs {
		if err := f.addLog(dir, nil); err != nil {
			return err
		}
	}
	if top.IsLog() && dirs[0] != path {
		f.logs[first].note(OddityOldFlat, path, "the segments directly in %s are left from a Pika before 3.1 and not read; name them to read them", path)
	}
	return nil
}

// LogDirs are the folders of logs in Pika's log folder, in the order of their names: its DBs or their slots, or itself. The
// folders to be skipped are not among them, though they count as found.
func LogDirs(root string, skip func(dir string) bool) (dirs []string, top *folder.Listing, err error) {
	top, err = folder.List(root)
	if err != nil {
		return nil, nil, err
	}
	dirs, found, err := logsBelow(top, folder.IsDB, skip)
	if err != nil || found {
		return dirs, top, err
	}
	dirs, _, err = logsOf(top, skip)
	return dirs, top, err
}

// logsBelow are the logs in the folders with certain names that lie in a folder.
func logsBelow(top *folder.Listing, named func(string) bool, skip func(dir string) bool) (dirs []string, found bool, err error) {
	for _, name := range top.Below {
		if !named(name) {
			continue
		}
		path := filepath.Join(top.Path, name)
		if skip(path) {
			found = true
			continue
		}
		below, err := folder.List(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil { // it is told when the log is opened, and may be over by then
			dirs, found = append(dirs, path), true
			continue
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
func logsOf(db *folder.Listing, skip func(dir string) bool) (dirs []string, found bool, err error) {
	switch {
	case !db.IsLog() && folder.IsSlot(filepath.Base(db.Path)):
		return nil, false, nil // nothing is looked for below a slot
	case !db.IsLog():
		return logsBelow(db, folder.IsSlot, skip)
	case skip(db.Path):
		return nil, true, nil
	}
	return []string{db.Path}, true, nil
}

func (f *finder) addLog(dir string, named []folder.Segment) error {
	id, err := f.names.Identify(dir)
	if err != nil {
		return err
	}
	l, err := openLog(id, dir, named, f.options)
	if err != nil {
		return err
	}
	f.logs = append(f.logs, l)
	return nil
}

// finish orders the logs and refuses two with the same identity.
func (f *finder) finish() ([]*Log, error) {
	if len(f.logs) == 0 {
		return nil, errors.New("no log given: expected Pika's log folder, the folder of one DB, or segment files")
	}
	slices.SortStableFunc(f.logs, compareLogs)
	for i, l := range f.logs[1:] {
		if err := Clash(f.logs[i], l); err != nil {
			return nil, err
		}
	}
	return f.logs, nil
}

// TwinError is two sources that claim to be the same log.
type TwinError struct{ a, b *Log }

// Error names both.
func (e *TwinError) Error() string {
	return fmt.Sprintf("%s and %s are both the log of %s: their positions could not be told apart, read them one by one", e.a.Dir(), e.b.Dir(), e.a.ID())
}

// Clash is an error if two folders claim to be the same log.
func Clash(a, b *Log) error {
	if compareLogs(a, b) != 0 {
		return nil
	}
	return &TwinError{a, b}
}

func compareLogs(a, b *Log) int {
	nameA, numberA := splitNumber(a.ID().DB)
	nameB, numberB := splitNumber(b.ID().DB)
	return cmp.Or(cmp.Compare(nameA, nameB), cmp.Compare(numberA, numberB), cmp.Compare(a.ID().DB, b.ID().DB), cmp.Compare(a.ID().Slot, b.ID().Slot))
}

// splitNumber cuts the decimal number off the end of a name, so that db10 comes after db2.
func splitNumber(name string) (string, uint64) {
	stem := strings.TrimRight(name, "0123456789")
	n, _ := strconv.ParseUint(name[len(stem):], 10, 64)
	return stem, n
}
