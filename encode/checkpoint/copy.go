package checkpoint

import (
	"fmt"

	"pikabin/encode/vfs"
)

// Copy is a state as it was when it was read, without its lock. Nothing that is saved becomes of it: it is for runs that are to change nothing.
type Copy struct{ file File }

// OpenCopy reads a state, and refuses one that could not be written.
func OpenCopy(path string) (*Copy, error) {
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	c := &Copy{File{fsys: vfs.OS{}, path: resolved}}
	if err := c.file.read(); err != nil {
		return nil, err
	}
	return c, vfs.Writable(resolved)
}

// Path is that of the state.
func (c *Copy) Path() string { return c.file.path }

// State is what was read, and whether it holds a position.
func (c *Copy) State() (State, bool) { return c.file.State() }

// Save does nothing.
func (*Copy) Save(State) error { return nil }

// Close does nothing.
func (*Copy) Close() error { return nil }
