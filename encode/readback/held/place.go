package held

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
)

// place is where an output puts its parts.
type place interface {
	fmt.Stringer // what the name of a part is added to, for people

	// names gives what is there, but for what is in folders of no partition.
	names(ctx context.Context) ([]string, error)

	// open opens what has one of the names.
	open(ctx context.Context, name string) (content, error)

	// close lets go of the place. Nothing of it is open then.
	close()
}

// content is what a part holds.
type content interface {
	readback.File
	io.Closer
}

// dir is a folder of this machine, whose name ends in a slash.
type dir string

// String implements place.
func (d dir) String() string { return string(d) }

func (dir) close() {}

func (d dir) open(_ context.Context, name string) (content, error) { return openFile(string(d) + name) }

func (d dir) names(context.Context) (names []string, err error) {
	err = filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != string(d) && !folder.IsPartition(e.Name()):
			return fs.SkipDir
		case isFile(path, e):
			name, err := filepath.Rel(string(d), path)
			names = append(names, name)
			return err
		}
		return nil
	})
	return names, unread(err)
}

// isFile reports whether something is a file, or a link to one: who reads the folder reads what a link leads to.
func isFile(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// local is a file of this machine.
type local struct {
	*os.File
	size int64
}

// Size implements readback.File.
func (l local) Size() int64 { return l.size }

func openFile(path string) (content, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &UnreadError{err}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, &UnreadError{errors.Join(err, f.Close())}
	}
	return local{f, info.Size()}, nil
}

// unread makes an *UnreadError of what the system said, unless it is that there is no output.
func unread(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &UnreadError{err}
}
