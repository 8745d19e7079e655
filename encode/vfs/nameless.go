package vfs

import (
	"errors"
	"os"
)

// Nameless makes a file in TMPDIR that loses its name at once, such as pikabin-object-* with a random end: a crash of this program leaves nothing over.
func Nameless(pattern string) (*os.File, error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil { // the descriptor keeps the bytes
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
