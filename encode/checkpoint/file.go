package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pikabin/encode/vfs"
)

// Beside the state FILE lie the lock, which is never removed, and the generation before. The others are there while a save
// continues, or after a crash.
const (
	lockSuffix         = ".lock"
	previousSuffix     = ".prev"
	nextSuffix         = ".tmp"
	nextPreviousSuffix = ".prev.tmp"
)

// Files are all that are written for the state of a path: the state, its lock, and the generations beside it.
func Files(path string) []string {
	files := []string{path}
	for _, suffix := range []string{lockSuffix, previousSuffix, nextSuffix, nextPreviousSuffix} {
		files = append(files, path+suffix)
	}
	return files
}

// errGone is a state file that was removed without the generation before it.
var errGone = errors.New("it is not there, though the generation before it is")

// File is a state file that this process has locked. Its methods are for one goroutine at a time.
//
// From the first save on there is always a whole state under the name, before, during and after a crash or a power
// failure: a new generation is written beside it and synced, the old one gets its second name, and only then the new
// one takes the place of the old in one step. The folder is synced last; until then either may be found.
type File struct {
	fsys   vfs.FS
	path   string
	unlock func() error
	state  State
	text   []byte      // of the file as it is; nil if there is none that is worth to be kept
	old    fs.FileInfo // of the file as it is; nil if there is none
}

// Open locks the state file of a path and reads it. Of a symbolic link it is the file that it leads to. A file that is not
// there is a new state. The errors are *LockedError, *DamagedError, *NewerError, and those of the disk.
func Open(path string) (*File, error) {
	return open(path, OpenOn)
}

// OpenToReplace is Open, but a damaged state is no error: for a command that puts another one in its place. A file that never was a
// state is one: it is somebody else's.
func OpenToReplace(path string) (*File, error) {
	return open(path, func(fsys vfs.FS, path string) (*File, error) {
		return openOn(fsys, path, true)
	})
}

func open(path string, on func(vfs.FS, string) (*File, error)) (*File, error) {
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	return on(vfs.OS{}, resolved)
}

// OpenOn is Open on a file system, of a path that is no link.
func OpenOn(fsys vfs.FS, path string) (*File, error) {
	return openOn(fsys, path, false)
}

func openOn(fsys vfs.FS, path string, replace bool) (*File, error) {
	f := &File{fsys: fsys, path: path}
	if err := f.lock(); err != nil {
		return nil, err
	}
	err := f.load()
	if damage, ok := errors.AsType[*DamagedError](err); ok && replace && !damage.Foreign {
		err = nil
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Load reads a state without its lock, for those who only look. It is false if there is none.
func Load(path string) (State, bool, error) {
	resolved, err := resolve(path)
	if err != nil {
		return State{}, false, fmt.Errorf("reading the state: %w", err)
	}
	f := &File{fsys: vfs.OS{}, path: resolved}
	err = f.read()
	return f.state, f.text != nil, err
}

// maxLinks is how many links may follow each other.
const maxLinks = 40

// resolve follows the links to the file, which need not be there.
func resolve(path string) (string, error) {
	for range maxLinks {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return "", err
		}
		path = filepath.Join(dir, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil //nolint:nilerr // it is no link
		}
		if path = target; !filepath.IsAbs(target) {
			path = dir + string(filepath.Separator) + target // not cleaned: what is before a ".." may be a link
		}
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// lock takes the lock and leaves the number of this process in it.
func (f *File) lock() error {
	name := f.path + lockSuffix
	unlock, err := f.fsys.Lock(name)
	if errors.Is(err, vfs.ErrLocked) {
		return &LockedError{Path: f.path, PID: f.holder()}
	}
	if err != nil {
		return fmt.Errorf("locking the state: %w", err)
	}
	f.unlock = unlock
	// The number is for people. Where it cannot be written, as into a locked file on Windows, the lock is as good.
	if file, err := vfs.OpenOwn(f.fsys, name, os.O_WRONLY, 0); err == nil {
		_ = file.Truncate(0)
		_, _ = io.WriteString(file, strconv.Itoa(os.Getpid())+"\n")
		_ = file.Close()
	}
	return nil
}

// holder is the process that has the lock, 0 if that is not known.
func (f *File) holder() int {
	text, err := f.readFile(f.path + lockSuffix)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// load reads the state under the lock, and clears away what a crash has left.
func (f *File) load() error {
	for _, suffix := range []string{nextSuffix, nextPreviousSuffix} {
		if err := f.fsys.Remove(f.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("opening the state: %w", err)
		}
	}
	return f.read()
}

// read reads the state. One that is gone while the generation before is there was removed by somebody, who may have
// meant to begin anew, or not.
func (f *File) read() error {
	text, err := f.readFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := f.fsys.Stat(f.path + previousSuffix); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return f.damaged(errGone)
	}
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	if f.old, err = f.fsys.Stat(f.path); err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	state, err := Parse(text)
	if newer, ok := errors.AsType[*NewerError](err); ok {
		newer.Path = f.path
		return newer
	}
	if err != nil {
		damage := f.damaged(err)
		damage.Foreign = damage.State == nil && isForeign(text)
		return damage
	}
	f.state, f.text = state, text
	return nil
}

// damaged looks for what there is instead.
func (f *File) damaged(err error) *DamagedError {
	e := &DamagedError{Path: f.path, Err: err, Previous: f.path + previousSuffix}
	if previous, err := f.previous(); err == nil {
		e.State = &previous
	}
	return e
}

// previous reads the generation before.
func (f *File) previous() (State, error) {
	text, err := f.readFile(f.path + previousSuffix)
	if err != nil {
		return State{}, err
	}
	s, err := Parse(text)
	if err != nil {
		err = fmt.Errorf("%s%s: %w", f.path, previousSuffix, err)
	}
	return s, err
}

func (f *File) readFile(name string) ([]byte, error) {
	file, err := vfs.OpenOwn(f.fsys, name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	return text, errors.Join(err, file.Close())
}

// Path is where the state lies, with all links resolved.
func (f *File) Path() string { return f.path }

// State is the state as it was read or last saved. It is false if that is a new one.
func (f *File) State() (State, bool) { return f.state, !f.state.IsNew() }

// Close gives the lock back. What was saved stays.
func (f *File) Close() error {
	if err := f.unlock(); err != nil {
		return fmt.Errorf("unlocking the state: %w", err)
	}
	return nil
}
