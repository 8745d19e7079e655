package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pikabin/encode/vfs"
)

// newMode is that of a state file without an older generation: it says which keys' log goes where, and is nobody else's.
const newMode fs.FileMode = 0o600

// Save puts a state in the place of the one before, which stays as the previous generation. Schema and Saves are set here. When it
// returns, the state is on the disk. After an error either of the two is there, whole, and Save may be called
// again.
func (f *File) Save(s State) error {
	s = f.next(s)
	text, err := Text(&s)
	if err != nil {
		return fmt.Errorf("writing the state %s: %w", f.path, err)
	}
	next := f.path + nextSuffix
	if err := f.write(next, text); err != nil {
		return err
	}
	if err := f.keepPrevious(); err != nil {
		return errors.Join(err, f.fsys.Remove(next))
	}
	if err := f.fsys.Rename(next, f.path); err != nil {
		return errors.Join(err, f.fsys.Remove(next))
	}
	f.state, f.text = s, text
	return f.fsys.SyncDir(filepath.Dir(f.path))
}

// next is a state as it is saved and read again.
func (f *File) next(s State) State {
	kept := s.Kept()
	kept.Schema, kept.Saves = localSchema, max(f.state.Saves, s.Saves)+1
	kept.Settings, kept.Run = nil, nil
	return kept
}

// UsePrevious saves the generation before as the state. If the state was whole, it becomes the generation before in turn.
func (f *File) UsePrevious() error {
	previous, err := f.previous()
	if err != nil {
		return fmt.Errorf("there is no generation before the state that is whole: %w", err)
	}
	return f.Save(previous)
}

// keepPrevious gives the present state its second name, in one step as well. A damaged one is not kept, so that a good generation
// before it is not lost.
func (f *File) keepPrevious() error {
	if f.text == nil {
		return nil
	}
	next := f.path + nextPreviousSuffix
	err := f.afresh(next, func() error { return f.fsys.Link(f.path, next) })
	if err != nil {
		err = f.write(next, f.text) // a file system without links, or the state was removed meanwhile
	}
	if err != nil {
		return err
	}
	if err := f.fsys.Rename(next, f.path+previousSuffix); err != nil {
		return errors.Join(err, f.fsys.Remove(next))
	}
	return nil
}

// write makes a file and syncs its content. A file that could not be written whole is removed, which makes room on a full disk.
func (f *File) write(name string, text []byte) error {
	var file vfs.File
	err := f.afresh(name, func() (err error) {
		file, err = f.fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, newMode)
		return err
	})
	if err != nil {
		return err
	}
	err = f.fill(file, text)
	err = errors.Join(err, file.Close())
	if err != nil {
		return errors.Join(err, f.fsys.Remove(name))
	}
	return nil
}

// afresh makes a name that may be there from an attempt before. It is never written through: it may be a second name of
// the state.
func (f *File) afresh(name string, create func() error) error {
	err := create()
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.fsys.Remove(name); err != nil {
		return err
	}
	return create()
}

func (f *File) fill(file vfs.File, text []byte) error {
	if f.old != nil {
		if err := keepAttributes(file, f.old); err != nil {
			return err
		}
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// keepAttributes gives a new file mode and owner of the old one: a state that root has set must still be readable for the
// user of the service.
func keepAttributes(file vfs.File, old fs.FileInfo) error {
	if old.Mode().Perm() != newMode {
		if err := file.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	uid, gid := vfs.Owner(old)
	uidNow, gidNow := vfs.Owner(info)
	if uid == uidNow && gid == gidNow {
		return nil
	}
	if err := file.Chown(uid, gid); err != nil && uid != uidNow {
		return fmt.Errorf("keeping the owner: %w", err)
	}
	return nil
}
