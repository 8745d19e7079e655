// Package vfs is the disk as those see it who must not lose what they write: every system call whose failure or
// absence matters is a method here, so that tests can let each of them fail, or be the last one before a crash.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"github.com/gofrs/flock"
)

// FS is a file system. Names and errors are those of package os: what is not there is fs.ErrNotExist.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Stat(name string) (fs.FileInfo, error)
	Rename(from, to string) error

	// Exchange gives each of two folders the name of the other, at once: there is no moment at which one of the names is of neither. Where the
	// system or the file system cannot do it the error is errors.ErrUnsupported.
	Exchange(a, b string) error

	Link(from, to string) error
	Remove(name string) error
	Mkdir(name string, perm fs.FileMode) error
	ReadDir(name string) ([]fs.DirEntry, error)

	// SyncDir makes durable which names are in a folder: a new file, a rename and a removal are not before.
	SyncDir(name string) error

	// Lock takes the lock that a file stands for, making the file if need be, or gives ErrLocked at once. The lock ends with
	// the process, too.
	Lock(name string) (unlock func() error, err error)
}

// File is an open file.
type File interface {
	io.ReadWriteCloser
	io.ReaderAt
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Sync() error // makes the content durable, not the name
}

// ErrLocked says that another process has the lock.
var ErrLocked = errors.New("locked by another process")

// OS is the file system of the machine.
type OS struct{}

// OpenFile is os.OpenFile.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	return os.OpenFile(name, flag, perm)
}

// Stat is os.Stat.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// Rename is os.Rename.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Link is os.Link.
func (OS) Link(from, to string) error { return os.Link(from, to) }

// Remove is os.Remove.
func (OS) Remove(name string) error { return os.Remove(name) }

// Mkdir is os.Mkdir.
func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// ReadDir is os.ReadDir.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// SyncDir opens the folder and syncs it. Windows has no such call, and where a file system knows none nothing better can
// be done.
func (OS) SyncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}

// Lock locks with flock. The file stays when the lock is given back: removing it would take away the lock that another
// process is waiting for under the same name. A link, or a file with a second name, is somebody else's and no lock.
func (OS) Lock(name string) (unlock func() error, err error) {
	lock := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR|ownFlags), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, explainLink(name, err)
	case !ok:
		return nil, ErrLocked
	}
	info, err := lock.Stat()
	if err == nil {
		err = checkOwn(name, info)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock.Unlock, nil
}
