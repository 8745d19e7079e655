package compact

import (
	"cmp"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pikabin/encode/compact/merge"
	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
	"pikabin/encode/readback/held"
)

// partitions are the folders of hours below one, in their order.
func (r *run) partitions(root, below string) (dirs []string, err error) {
	entries, err := r.ReadDir(filepath.Join(root, below))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := filepath.Join(below, e.Name())
		switch {
		case e.IsDir() && strings.HasPrefix(e.Name(), "hr="):
			dirs = append(dirs, name)
		case e.IsDir() && folder.IsPartition(e.Name()):
			more, err := r.partitions(root, name)
			if err != nil {
				return nil, err
			}
			dirs = append(dirs, more...)
		case below == "":
			if _, ok := folder.ParsePartName(e.Name()); ok {
				return nil, fmt.Errorf("%s has parts of its own, such as %s: only folders with partitions are merged, which --partition hive makes", root, e.Name())
			}
		}
	}
	return dirs, nil
}

// file is one of a partition.
type file struct {
	folder.PartName // of a part
	path            string
	base            string
	isPart          bool
	size            int64
	changed         time.Time
}

// state is what a partition holds.
type state struct {
	files  []file
	groups [][]file // parts that become one, or stay one
	level  int      // Merged of what is made
}

// look finds out what is to be done with a partition.
func (r *run) look(p *Outcome) (*state, error) {
	files, err := r.closed(p.Dir)
	if err != nil {
		return nil, err
	}
	s := &state{files: files, level: 1}
	for _, f := range partsOf(files) {
		p.Parts++
		p.Bytes += f.size
		s.level = max(s.level, f.Merged+1)
	}
	s.groups = r.group(partsOf(files))
	p.Merged = len(s.groups)
	return s, nil
}

// closed gives the files of a partition that gets no more of them.
func (r *run) closed(dir string) ([]file, error) {
	files, err := r.list(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range partsOf(files) {
		if age := r.began.Sub(f.changed); age < r.OlderThan {
			return nil, waits("%s was written %s ago", f.base, age.Round(time.Second))
		}
	}
	return files, nil
}

// partsOf are the parts among files, those of each log in its order.
func partsOf(files []file) []file {
	parts := slices.DeleteFunc(slices.Clone(files), func(f file) bool { return !f.isPart })
	slices.SortFunc(parts, func(a, b file) int {
		return cmp.Or(strings.Compare(a.Series, b.Series), a.Compare(&b.PartName), strings.Compare(a.Ext, b.Ext))
	})
	return parts
}

// list gives the files of a partition, which have to be those that this program writes.
func (r *run) list(dir string) (files []file, err error) {
	entries, err := r.ReadDir(filepath.Join(r.Dir, dir))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		f := file{path: filepath.Join(r.Dir, dir, e.Name()), base: e.Name()}
		f.PartName, f.isPart = folder.ParsePartName(e.Name())
		if err := f.check(e); err != nil {
			return nil, err
		}
		info, err := r.Stat(f.path)
		if isGone(err) {
			return nil, waits("%s has gone at this moment", f.base)
		}
		if err != nil {
			return nil, err
		}
		f.size, f.changed = info.Size(), info.ModTime()
		files = append(files, f)
	}
	return files, nil
}

// check refuses what nobody here knows.
func (f *file) check(e fs.DirEntry) error {
	format := held.FormatOf(f.Ext)
	switch {
	case !e.Type().IsRegular():
		return left("%s is no file: take it away, and the parts can be merged", f.base)
	case folder.IsStaged(f.base):
		return waits("%s is being written, or waits to be shown by a run", f.base)
	case f.base == folder.SuccessName:
		return nil
	case !f.isPart:
		return left("%s is none of the parts: take it away, and they can be merged", f.base)
	case !slices.Contains(merge.Formats(), format):
		return left("%s cannot be merged: that is done with %s", f.base, strings.Join(merge.Formats(), ", "))
	}
	return nil
}

// group puts the parts together that become one: neighbours of one log, one history and one format, up to the target size. The smallest of all stays
// with the others of its group: a part is never split.
func (r *run) group(parts []file) (groups [][]file) {
	size := int64(0)
	for _, f := range parts {
		last := len(groups) - 1
		if last >= 0 && f.joins(&groups[last][0]) && size+f.size <= r.Target {
			groups[last] = append(groups[last], f)
			size += f.size
			continue
		}
		groups, size = append(groups, []file{f}), f.size
	}
	return groups
}

// begin is where a part begins.
func (f *file) begin() readback.Key { return readback.Key{Epoch: f.Epoch, At: f.At} }

// joins reports whether two parts may become one.
func (f *file) joins(o *file) bool {
	return f.Series == o.Series && f.Ext == o.Ext && f.Epoch == o.Epoch
}

// same reports whether two listings are of the same files.
func same(a, b []file) bool {
	return slices.EqualFunc(a, b, func(a, b file) bool { return a.base == b.base && a.size == b.size && a.changed.Equal(b.changed) })
}
