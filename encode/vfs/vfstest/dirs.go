package vfstest

import (
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"syscall"
)

// Mkdir makes a folder.
func (m *Mem) Mkdir(name string, _ fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("mkdir", name); err != nil {
		return err
	}
	if m.dirs[name] {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	m.dirs[name] = true
	return nil
}

// renameDir moves a folder to a name that is free. The names below it come to the disk with that of the folder.
func (m *Mem) renameDir(from, to string) error {
	if m.dirs[to] || m.names[to] != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	m.move(func(path string) string { return below(path, from, to) }, from, to)
	return nil
}

// Exchange gives each of two folders the name of the other.
func (m *Mem) Exchange(a, b string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("exchange", a, b); err != nil {
		return err
	}
	if !m.dirs[a] || !m.dirs[b] {
		return &fs.PathError{Op: "exchange", Path: a, Err: fs.ErrNotExist}
	}
	m.move(func(path string) string {
		if isIn(path, a) {
			return below(path, a, b)
		}
		return below(path, b, a)
	}, a, b)
	return nil
}

// removeDir takes away a folder that is empty.
func (m *Mem) removeDir(name string) error {
	for path := range m.names {
		if isIn(path, name) {
			return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
		}
	}
	for path := range m.dirs {
		if path != name && isIn(path, name) {
			return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
		}
	}
	delete(m.dirs, name)
	return nil
}

// move gives files other names, at once for processes. Folders have theirs at once on the disk, too; those of files that did not get there are
// found again, see after.
func (m *Mem) move(renamed func(path string) string, a, b string) {
	m.change(func(names map[string]*node) {
		moved := map[string]*node{}
		for path, n := range names {
			moved[renamed(path)] = n
		}
		clear(names)
		maps.Copy(names, moved)
	}, filepath.Dir(a), filepath.Dir(b))
	dirs := map[string]bool{}
	for path := range m.dirs {
		dirs[renamed(path)] = true
	}
	m.dirs = dirs
}

// isIn reports whether a path is a folder or in it.
func isIn(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// below is a path once its folder has another name.
func below(path, from, to string) string {
	if !isIn(path, from) {
		return path
	}
	return to + path[len(from):]
}

// addDirs makes the folders that files are in, which a rename that did not come to the disk has left under their old names.
func (m *Mem) addDirs() {
	for path := range m.names {
		for dir := filepath.Dir(path); !m.dirs[dir]; dir = filepath.Dir(dir) {
			m.dirs[dir] = true
		}
	}
}
