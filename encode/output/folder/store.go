package folder

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"

	"pikabin/encode/disk"
)

// Store is where complete parts appear: a local folder, a bucket. Until then a part is in the staging folder, which is on a disk. Names are those of
// parts with the folders of their partitions, such as db=db0/dt=2025-06-01/hr=12/db0-0000000012-000000004096.jsonl.
type Store interface {
	// Stage keeps the file at staged where whoever takes over a shared state finds it to publish it. It is called before a state counts the part.
	Stage(ctx context.Context, staged string) error

	// Publish gives the file at staged its name, whole or not at all, and durably; it is not in the staging folder any more after that. It is
	// called once the state is saved that says that the part is complete, for one part at a time in the order in which they became so, and
	// again after a crash: then it may have been done before, and a consumer may have taken the part since. If the file is not there
	// the error is fs.ErrNotExist, which is right when it was published; a store that knows that it was not has another error.
	Publish(ctx context.Context, staged, name string) error

	// Has tells whether a part of this name is there.
	Has(ctx context.Context, name string) (bool, error)

	// Names gives the names of all parts that are there, in no order. It ends with the first error.
	Names(ctx context.Context) iter.Seq2[string, error]

	// Tell does what is to be done when an hour is complete, at least once, after all that was published before is there. told is false when the run is
	// to end before that: then it is called again, by the next run. A store that remembers over runs what it is to tell need not wait.
	Tell(ctx context.Context, h *Hour) (told bool, err error)
}

// local is the Store of parts that are staged in the folder where they appear, under hidden names.
type local struct {
	*disk.Disk
	dir string
}

// Stage implements Store: it lies there already.
func (*local) Stage(context.Context, string) error { return nil }

// Publish implements Store.
func (l *local) Publish(ctx context.Context, staged, name string) error {
	to := filepath.Join(l.dir, name)
	if err := l.Retry(ctx, to, func() error { return l.Rename(staged, to) }); err != nil {
		return err
	}
	return l.SyncDir(filepath.Dir(to))
}

// Has implements Store.
func (l *local) Has(_ context.Context, name string) (bool, error) {
	_, err := l.Stat(filepath.Join(l.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Names implements Store.
func (l *local) Names(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := Walk(l.Disk, l.dir, func(path string) error {
			name, err := filepath.Rel(l.dir, path)
			if err == nil && partPattern.MatchString(filepath.Base(path)) && !yield(name, nil) {
				err = fs.SkipAll
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.SkipAll) {
			yield("", err)
		}
	}
}

// Walk visits the files of a folder and of its partitions.
func Walk(d *disk.Disk, dir string, visit func(path string) error) error {
	entries, err := d.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() && IsPartition(e.Name()):
			err = Walk(d, path, visit)
		case e.Type().IsRegular():
			err = visit(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// IsPartition tells whether a folder is that of a partition, by its name.
func IsPartition(name string) bool {
	return strings.HasPrefix(name, "db=") || strings.HasPrefix(name, "dt=") || strings.HasPrefix(name, "hr=")
}
