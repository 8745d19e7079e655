package vfstest

import (
	"io"
	"iter"
	"maps"
	"slices"
)

// Read reads from the start on.
func (f *file) Read(p []byte) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if err := f.mem.call("read", f.name); err != nil {
		return 0, err
	}
	n := copy(p, f.node.data[min(f.at, len(f.node.data)):])
	f.at += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Restart is what the next process finds after a crash of this one: all that was written, and no lock.
func (m *Mem) Restart() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.after(m.names, func(n *node) []byte { return n.data })
}

// contents are what a power failure may leave of a file that was not synced.
func contents() []func(n *node) []byte {
	return []func(n *node) []byte{
		func(n *node) []byte { return n.synced },
		func(n *node) []byte { return n.data },
		func(n *node) []byte { return n.data[:n.safe()+(len(n.data)-n.safe())/2] },
		func(n *node) []byte {
			return append(slices.Clone(n.data[:n.safe()]), make([]byte, len(n.data)-n.safe())...)
		},
	}
}

// lose gives up what was not synced, as Linux does when it cannot be written: the next sync has no error, and the bytes are not there.
func (n *node) lose() {
	n.data = append(slices.Clone(n.data[:n.safe()]), make([]byte, len(n.data)-n.safe())...)
}

// safe is how many bytes no power failure takes away: what was synced, and not written over since.
func (n *node) safe() int {
	for i := range n.synced {
		if i >= len(n.data) || n.data[i] != n.synced[i] {
			return i
		}
	}
	return len(n.synced)
}

// PowerLoss is what may be found after a power failure now: of the changes of names that have not been synced any may have
// come to the disk and any not, and of a file that was not synced there may be nothing, half, zeros or all.
func (m *Mem) PowerLoss() iter.Seq[*Mem] {
	m.mu.Lock()
	pending, disk := slices.Clone(m.pending), maps.Clone(m.disk)
	m.mu.Unlock()
	return func(yield func(*Mem) bool) {
		for some := range 1 << len(pending) {
			names := maps.Clone(disk)
			for i, c := range pending {
				if some>>i&1 == 1 {
					c.apply(names)
				}
			}
			for _, content := range contents() {
				if !yield(m.after(names, content)) {
					return
				}
			}
		}
	}
}

// after is a new file system in which files have what is left of them. Two names of one file stay that.
func (m *Mem) after(names map[string]*node, content func(n *node) []byte) *Mem {
	next := New()
	maps.Copy(next.dirs, m.dirs)
	copies := map[*node]*node{}
	for name, n := range names {
		if copies[n] == nil {
			left := n.synced
			if n.dirty {
				left = content(n)
			}
			left = slices.Clone(left)
			copies[n] = &node{data: left, synced: left, mode: n.mode}
		}
		next.names[name], next.disk[name] = copies[n], copies[n]
	}
	next.addDirs()
	return next
}
