// Package vfstest is a file system in memory that fails, crashes and loses power where a test says.
package vfstest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"pikabin/encode/vfs"
)

// ErrCrashed is what every call gives after the crash.
var ErrCrashed = errors.New("crashed")

// Fault is what happens at one call.
type Fault struct {
	At      int   // the number of the call, from 1; 0: never
	Err     error // of the call, which does nothing but, if it is a write and Short, write half of its bytes
	Short   bool
	Lasting bool // all calls after it fail alike, until the next Inject
	Crash   bool // no call has any effect from this one on
}

// Mem is a file system in memory. A file may lie in any folder; only those that Mkdir has made can be seen. It keeps apart what processes see and what is on the disk.
// It is safe for concurrent use.
type Mem struct {
	mu      sync.Mutex
	names   map[string]*node // what processes see
	disk    map[string]*node // the names that are on the disk for sure
	pending []change         // of names, that have not been synced
	dirs    map[string]bool  // which are on the disk as soon as they are made
	locks   map[string]bool

	fault   Fault
	calls   []string
	crashed bool
}

// node is the content of a file.
type node struct {
	data   []byte
	synced []byte
	dirty  bool // data is more than synced
	mode   fs.FileMode
}

// IsNode says that a node is the same file as another one exactly when it is the same node.
func (*node) IsNode() {}

// change is one of the names of a folder.
type change struct {
	dirs  []string
	apply func(names map[string]*node)
}

// New is an empty file system.
func New() *Mem {
	return &Mem{names: map[string]*node{}, disk: map[string]*node{}, locks: map[string]bool{}, dirs: map[string]bool{".": true, "/": true}}
}

// Inject lets a fault happen. Calls are counted from here on.
func (m *Mem) Inject(f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault, m.calls = f, nil
}

// Calls are those since Inject, such as "rename state.tmp state".
func (m *Mem) Calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// Crashed reports whether the crash has come.
func (m *Mem) Crashed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.crashed
}

// Files are the names that processes see, with what is in them.
func (m *Mem) Files() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := map[string]string{}
	for name, n := range m.names {
		files[name] = string(n.data)
	}
	return files
}

// WriteFile puts a file on the disk, without a call that could fail.
func (m *Mem) WriteFile(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &node{data: slices.Clone(data), synced: slices.Clone(data), mode: 0o600}
	m.names[name], m.disk[name] = n, n
}

// call counts a call, and says whether it fails or has no effect.
func (m *Mem) call(op string, names ...string) error {
	words := []string{op}
	for _, name := range names {
		words = append(words, filepath.Base(name))
	}
	m.calls = append(m.calls, strings.Join(words, " "))
	now := len(m.calls) == m.fault.At
	m.crashed = m.crashed || now && m.fault.Crash
	switch {
	case m.fault.Err != nil && (now || m.fault.Lasting && m.fault.At > 0 && len(m.calls) > m.fault.At):
		return &fs.PathError{Op: op, Path: names[0], Err: m.fault.Err}
	case m.crashed:
		return ErrCrashed
	}
	return nil
}

// change changes names, at once for processes.
func (m *Mem) change(apply func(names map[string]*node), dirs ...string) {
	apply(m.names)
	m.pending = append(m.pending, change{dirs: dirs, apply: apply})
}

// OpenFile knows O_CREATE, O_EXCL and O_TRUNC.
func (m *Mem) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("open", name); err != nil {
		return nil, err
	}
	n := m.names[name]
	switch {
	case m.dirs[name]:
		return &file{mem: m, name: name, node: &node{mode: fs.ModeDir | 0o700}}, nil
	case n == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case n == nil:
		n = &node{mode: perm}
		m.change(func(names map[string]*node) { names[name] = n }, filepath.Dir(name))
	case flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case flag&os.O_TRUNC != 0:
		n.data, n.dirty = nil, true
	}
	f := &file{mem: m, name: name, node: n}
	if flag&os.O_APPEND != 0 {
		f.at = len(n.data)
		f.appends = true
	}
	return f, nil
}

// Stat looks at a file.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("stat", name); err != nil {
		return nil, err
	}
	n := m.names[name]
	if m.dirs[name] {
		return info{name: filepath.Base(name), node: &node{mode: fs.ModeDir | 0o700}}, nil
	}
	if n == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info{name: filepath.Base(name), node: n}, nil
}

// Rename replaces what was there. Of two names of one file both stay, as POSIX has it.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("rename", from, to); err != nil {
		return err
	}
	n := m.names[from]
	switch {
	case m.dirs[from]:
		return m.renameDir(from, to)
	case n == nil:
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	case m.names[to] == n:
		return nil
	}
	m.change(func(names map[string]*node) {
		names[to] = n
		if names[from] == n {
			delete(names, from)
		}
	}, filepath.Dir(from), filepath.Dir(to))
	return nil
}

// Link gives a file another name.
func (m *Mem) Link(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("link", from, to); err != nil {
		return err
	}
	n := m.names[from]
	switch {
	case n == nil:
		return &fs.PathError{Op: "link", Path: from, Err: fs.ErrNotExist}
	case m.names[to] != nil:
		return &fs.PathError{Op: "link", Path: to, Err: fs.ErrExist}
	}
	m.change(func(names map[string]*node) { names[to] = n }, filepath.Dir(to))
	return nil
}

// Remove takes a name away.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("remove", name); err != nil {
		return err
	}
	if m.dirs[name] {
		return m.removeDir(name)
	}
	if m.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.change(func(names map[string]*node) { delete(names, name) }, filepath.Dir(name))
	return nil
}

// ReadDir lists the files and folders in a folder, by name.
func (m *Mem) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("readdir", name); err != nil {
		return nil, err
	}
	var entries []fs.DirEntry
	for path, n := range m.names {
		if filepath.Dir(path) == name {
			entries = append(entries, fs.FileInfoToDirEntry(info{name: filepath.Base(path), node: n}))
		}
	}
	for path := range m.dirs {
		if filepath.Dir(path) == name && path != name {
			entries = append(entries, fs.FileInfoToDirEntry(info{name: filepath.Base(path), node: &node{mode: fs.ModeDir}}))
		}
	}
	if entries == nil && !m.dirs[name] {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// SyncDir puts the names of a folder on the disk.
func (m *Mem) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("syncdir", name); err != nil {
		return err
	}
	m.pending = slices.DeleteFunc(m.pending, func(c change) bool {
		if !slices.Contains(c.dirs, name) {
			return false
		}
		c.apply(m.disk)
		return true
	})
	return nil
}

// Lock makes the file and holds it until it is given back, or until the next Restart.
func (m *Mem) Lock(name string) (unlock func() error, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("lock", name); err != nil {
		return nil, err
	}
	if m.locks[name] {
		return nil, vfs.ErrLocked
	}
	if m.names[name] == nil {
		n := &node{mode: 0o600}
		m.change(func(names map[string]*node) { names[name] = n }, filepath.Dir(name))
	}
	m.locks[name] = true
	return func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locks, name)
		return nil
	}, nil
}

// file is an open file that is read or written from its start.
type file struct {
	mem  *Mem
	name string
	node *node
	at   int

	appends bool // every write is at the end
}

// ReadAt reads what was written.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if err := f.mem.call("read", f.name); err != nil {
		return 0, err
	}
	n := copy(p, f.node.data[min(off, int64(len(f.node.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Truncate(size int64) error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if err := f.mem.call("truncate", f.name); err != nil {
		return err
	}
	f.node.data, f.node.dirty = f.node.data[:size:size], true
	return nil
}

func (f *file) Write(p []byte) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	err := f.mem.call("write", f.name)
	if err != nil {
		if short := f.mem.fault.Short && len(f.mem.calls) == f.mem.fault.At; !short {
			return 0, err
		}
		p = p[:len(p)/2]
	}
	if f.appends {
		f.at = len(f.node.data)
	}
	f.node.data = append(f.node.data[:f.at:f.at], p...)
	f.node.dirty = true
	f.at += len(p)
	return len(p), err
}

func (f *file) Sync() error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if err := f.mem.call("sync", f.name); err != nil {
		if !f.mem.crashed {
			f.node.lose()
		}
		return err
	}
	f.node.synced, f.node.dirty = slices.Clone(f.node.data), false
	return nil
}

func (f *file) Close() error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	return f.mem.call("close", f.name)
}

func (f *file) Chmod(mode fs.FileMode) error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if err := f.mem.call("chmod", f.name); err != nil {
		return err
	}
	f.node.mode = mode
	return nil
}

// Chown does nothing: all files are of one owner.
func (*file) Chown(int, int) error { return nil }

func (f *file) Stat() (fs.FileInfo, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	return info{name: filepath.Base(f.name), node: f.node}, nil
}
