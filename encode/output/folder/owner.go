package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// lockName is the file that says that a folder is written to.
const lockName = ".pikabin.lock"

// lock keeps other processes of this host away. Those that share a state are kept away by that, and one of them may stand still while another has
// its turn.
func (f *folder) lock() (err error) {
	if f.whole() {
		f.unlock = func() error { return nil }
		return nil
	}
	if f.unlock, err = f.Lock(filepath.Join(f.dir, lockName)); errors.Is(err, vfs.ErrLocked) {
		err = fmt.Errorf("%s is being written to by another process", f.dir)
	}
	return err
}

// ownerName is the file that says whose the parts of a folder are.
const ownerName = ".pikabin.owner"

// owner is the state that the parts of a folder belong to, and how far the folder has come by it. The state of another time or another run must not
// continue them, nor remove what it does not know.
type owner struct {
	State string `json:"state"` // the path of its file
	Shown uint64 `json:"shown"` // as in note
}

// readOwner gives whose the folder is, the zero value if that was never said.
func (f *folder) readOwner() (o owner, err error) {
	file, err := vfs.OpenOwn(f.Disk, f.path(ownerName), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return owner{}, nil
	}
	if err != nil {
		return owner{}, err
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		err = fmt.Errorf("reading whose the parts of %s are: %w", f.dir, err)
	}
	return o, err
}

// writeOwner says durably how far the state has come. Without a state the folder is nobody's.
func (f *folder) writeOwner(ctx context.Context, shown uint64) error {
	if f.env.State == "" {
		return nil
	}
	if o, err := f.readOwner(); f.whole() && err == nil && o.State == f.env.State {
		return nil // another run may be writing it
	}
	text, err := json.Marshal(owner{State: f.env.State, Shown: shown})
	if err != nil {
		return err
	}
	return f.Replace(ctx, f.path(ownerName), append(text, '\n'))
}

// checkOwner refuses a folder with parts of another state, and a state that is older than the folder. continues says that the state has a note of the
// folder, which knows the staged files that are known.
func (f *folder) checkOwner(ctx context.Context, shown uint64, continues bool, known map[string]bool) error {
	o, err := f.readOwner()
	switch {
	case err != nil:
		return err
	case continues && o.Shown > shown:
		return &sink.OlderStateError{Output: f.dir}
	case o.State == "" || o.State == f.env.State:
		return nil
	}
	foreign := func(path string) error {
		return &sink.TargetError{Err: fmt.Errorf("%s belongs to the state %s: continue with that state, or name another folder", path, o.State)}
	}
	err = Walk(f.Disk, f.dir, func(path string) error {
		if known[path] || !hiddenPattern.MatchString(filepath.Base(path)) {
			return nil
		}
		return foreign(path)
	})
	if err != nil || continues {
		return err
	}
	for name, err := range f.store.Names(ctx) {
		if err != nil {
			return err
		}
		return foreign(f.path(name))
	}
	return nil
}
